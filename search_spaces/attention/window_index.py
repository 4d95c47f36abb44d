"""Which position is in which window, as indices: one form for axes longer and shorter than a window, for exports.

Windows always have their full sides here, so that the number of windows alone follows from the size of a map.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor

from search_spaces.exporting import rounded_up, smaller


class WindowIndex(NamedTuple):
    """Positions of a map and places in its windows; both are counted row by row.

    Attributes:
        sources: ``(windows, places)``: the position in each place; the number of positions where it is padding.
        targets: ``(positions,)``: where each position is among the places of all windows.
        regions: ``(windows, places)``: equal for places of a window that were neighbours before the cyclic shift.
        hidden: ``(windows, places)``: whether a place takes no part, as the padding of an axis shorter than a window.
    """

    sources: Tensor
    targets: Tensor
    regions: Tensor
    hidden: Tensor


def window_index(size: Sequence[int], sides: Sequence[int], shifts: Sequence[int], device: torch.device) -> WindowIndex:
    """Of a map of ``size`` that is padded at the far ends to whole windows of ``sides`` and then shifted."""
    nothing = torch.zeros(1, 1, dtype=torch.int64, device=device)
    sources = outside = regions = hidden = homes = places = nothing
    total = 1
    for length, side, by in zip(size, sides, shifts, strict=True):
        longer = smaller(length // (side + 1), 1)  # 1 where an axis has more than one window, else 0
        shift = by * longer
        count = rounded_up(length, side)
        padded = count * side
        place = torch.arange(padded, device=device).reshape(count, side)
        position = _around(place + shift, padded)
        part = (place >= padded - side).long() + (place >= padded - shift).long()
        sources = _crossed(sources, length, position)
        beyond = (position >= length).long()
        outside = _crossed(outside, 1, beyond)
        hidden = _crossed(hidden, 1, beyond * (1 - longer))
        regions = _crossed(regions, 3, part)
        moved = _around(torch.arange(length, device=device) + padded - shift, padded)
        home = torch.arange(count, device=device).unsqueeze(1).expand(count, side).flatten()
        homes = _crossed(homes, count, home[moved].unsqueeze(1))
        places = _crossed(places, side, (moved - home[moved] * side).unsqueeze(1))
        total = total * length
    sources = torch.where(outside > 0, total, sources)
    return WindowIndex(sources, (homes * math.prod(sides) + places).squeeze(1), regions, hidden > 0)


def _around(places: Tensor, length: int) -> Tensor:
    """Places, less than twice the length, on a ring; ONNX knows no remainder by a length that is known later."""
    return torch.where(places >= length, places - length, places)


def _crossed(numbers: Tensor, factor: int, others: Tensor) -> Tensor:
    """``(a, b)`` and ``(c, d)`` to ``(a * c, b * d)``: each number times ``factor``, with each of the others added."""
    return (numbers[:, None, :, None] * factor + others[:, None, :]).flatten(2).flatten(0, 1)
