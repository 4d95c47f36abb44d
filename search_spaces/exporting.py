"""Lengths of axes, and what follows from them, in forms that also hold at sizes other than the one of an export.

``torch.export``, and ONNX by it, writes a network down as it runs once. A length is then a symbol; a decision that
follows from it is taken for the size at hand and holds, unsaid in ONNX, for all others. So what goes into an export
decides by arithmetic. ``torch.jit.trace`` does the same, its lengths are tensors.

Where eager mode has a faster way that does decide, ``exporting`` tells the two apart.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn


def exporting() -> bool:
    """Whether the network that runs is being written down for all sizes."""
    return torch.compiler.is_exporting() or torch.jit.is_tracing()


def rounded_up(length: int, by: int) -> int:
    """``length / by``, rounded up.

    ``-(-length // by)`` is the same in Python; ONNX truncates quotients, which of negative numbers rounds up as well.
    """
    return (length + by - 1) // by


def lack(length: int, multiple: int) -> int:
    """What fills ``length`` up to the next multiple."""
    return rounded_up(length, multiple) * multiple - length


def smaller(length: int, other: int) -> int:
    """The smaller of two lengths."""
    if torch.jit.is_tracing():
        return torch.minimum(torch.as_tensor(length), torch.as_tensor(other))  # type: ignore[return-value]
    return torch.sym_min(length, other) if exporting() else min(length, other)


def at_least(x: Tensor, sides: Sequence[int], value: float = 0.0) -> Tensor:
    """``(batch, channels, *spatial)`` with ``value`` at the far ends of each axis that is shorter than its side."""
    return fill(x, [side - smaller(side, length) for side, length in zip(sides, x.shape[2:], strict=True)], value)


def fill(x: Tensor, missing: Sequence[int], value: float = 0.0) -> Tensor:
    """``(batch, channels, *spatial)`` with ``missing`` more of ``value`` at the far end of each axis, or with less."""
    if not exporting() and not any(missing):
        return x
    return nn.functional.pad(x, [pad for lacking in reversed(missing) for pad in (0, lacking)], value=value)
