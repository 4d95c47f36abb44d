"""Efficient (linear) attention. Shen, Zhang, Zhao, Yi, Li: Efficient Attention, WACV 2021,
https://arxiv.org/abs/1812.01243

y = x + W concat_h softmax_d(q_h)' (softmax_n(k_h) v_h'): a few sums over all positions in the place of their pairs
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from torch import Tensor

from search_spaces.attention.mechanism import Mechanism, mechanism, squeezed
from search_spaces.attention.mhsa import fitting_heads
from search_spaces.layers import CONV


def _heads(channels: int, settings: Mapping[str, Any]) -> int:
    width = squeezed(channels, settings)
    return fitting_both(width, channels, min(settings["heads"], width // 2))


@mechanism(
    "efficient",
    family="self-similarity",
    type="hybrid",
    title="Efficient (linear) attention",
    paper="Shen, Zhang, Zhao, Yi, Li: Efficient Attention, Attention with Linear Complexities, WACV",
    year=2021,
    address="https://arxiv.org/abs/1812.01243",
    cost="O(C^2 n)",
    choices={"reduction": (1, 2, 4), "heads": (1, 2, 4)},
    effective={"reduction": squeezed, "heads": _heads},
)
class EfficientAttention(Mechanism):
    """Attention of every position to a few summaries of the map, without a scale.

    Queries are normalised over their channels, keys over the positions; a popular port has it the other way round.

    Args:
        channels: channels of the feature map, and of the values.
        dims: 2 or 3.
        reduction: ratio of ``channels`` to the width of queries and keys.
        heads: number of heads; the most, up to this, that divide both widths and leave a query two channels, since the
            softmax of one says nothing.
        min_width: lower bound of the width.
        width: of queries and keys, in place of ``reduction``.
        value_width: of the values, in place of ``channels``.
    """

    def __init__(
        self,
        channels: int,
        *,
        dims: int,
        reduction: int = 2,
        heads: int = 4,
        min_width: int = 4,
        width: int | None = None,
        value_width: int | None = None,
    ) -> None:
        super().__init__()
        conv = CONV[dims]
        if width is None:
            width = max(channels // reduction, min_width)
            heads = min(heads, width // 2)
        value_width = value_width or channels
        self.heads = fitting_both(width, value_width, heads)
        self.query = conv(channels, width, 1)
        self.key = conv(channels, width, 1)
        self.value = conv(channels, value_width, 1)
        self.project = conv(value_width, channels, 1)

    def forward(self, x: Tensor) -> Tensor:
        """``x`` and the result: ``(batch, channels, *spatial)``."""
        parts = (part(x).flatten(2).unflatten(1, (self.heads, -1)) for part in (self.query, self.key, self.value))
        query, key, value = parts  # (batch, heads, channels of a head, positions)
        summaries = value @ key.softmax(3).transpose(2, 3)
        found = (summaries @ query.softmax(2)).flatten(1, 2)
        return x + self.project(found.unflatten(2, x.shape[2:]))


def fitting_both(width: int, value_width: int, heads: int) -> int:
    """The largest number of heads, up to ``heads``, that divides both widths."""
    return fitting_heads(math.gcd(width, value_width), heads)
