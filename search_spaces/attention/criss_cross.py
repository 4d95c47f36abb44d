"""Criss-cross attention. Huang et al.: CCNet, ICCV 2019, https://arxiv.org/abs/1811.11721

y_p = gamma sum_j a_pj v_j + x_p over the positions j that share all coordinates but one with p; repeated R times
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from search_spaces.attention.mechanism import Mechanism, mechanism
from search_spaces.layers import CONV


@mechanism(
    "criss_cross",
    family="self-similarity",
    type="one-dimensional",
    title="Criss-cross attention",
    paper="Huang, Wang, Huang, Huang, Wei, Liu: CCNet, Criss-Cross Attention for Semantic Segmentation, ICCV",
    year=2019,
    address="https://arxiv.org/abs/1811.11721",
    cost="O(R n (H + W) C)",
    choices={"recurrence": (1, 2), "reduction": (2, 4, 8)},
)
class CrissCrossAttention(Mechanism):
    """Each position attends to the lines through it, one along each axis, in one softmax; starts as the identity.

    A second pass with the same weights lets every position reach every other in 2D; in 3D that takes three. The
    position itself counts once: it is left out of all lines but the last.

    Args:
        channels: channels of the feature map.
        dims: 2 or 3; in 3D a position sees three lines.
        recurrence: number R of passes.
        reduction: ratio of ``channels`` to the width of queries and keys.
        min_width: lower bound of that width.
    """

    def __init__(
        self, channels: int, *, dims: int, recurrence: int = 2, reduction: int = 8, min_width: int = 4
    ) -> None:
        super().__init__()
        conv, width = CONV[dims], max(channels // reduction, min_width)
        self.recurrence = recurrence
        self.query = conv(channels, width, 1)
        self.key = conv(channels, width, 1)
        self.value = conv(channels, channels, 1)
        self.gamma = nn.Parameter(torch.zeros(1))

    def reset_parameters(self) -> None:
        nn.init.zeros_(self.gamma)

    def forward(self, x: Tensor) -> Tensor:
        """``x`` and the result: ``(batch, channels, *spatial)``."""
        for _ in range(self.recurrence):
            x = self.gamma * self._attend(self.query(x), self.key(x), self.value(x)) + x
        return x

    def _attend(self, query: Tensor, key: Tensor, value: Tensor) -> Tensor:
        axes = range(2, query.dim())
        scores = []
        for axis in axes:
            # (batch, *others, length, length): each position of a line against all of the same line
            line = _lines(query, axis) @ _lines(key, axis).transpose(-1, -2)
            if axis != axes[-1]:
                own = torch.eye(line.shape[-1], dtype=torch.bool, device=line.device)
                line = line.masked_fill(own, float("-inf"))
            scores.append(line.movedim(-2, axis - 1))  # (batch, *spatial, length)
        weights = torch.cat(scores, dim=-1).softmax(-1).split([query.shape[axis] for axis in axes], dim=-1)
        found = [
            (weight.movedim(axis - 1, -2) @ _lines(value, axis)).movedim(-2, axis - 1)
            for axis, weight in zip(axes, weights, strict=True)
        ]
        return sum(found[1:], found[0]).movedim(-1, 1)


def _lines(x: Tensor, axis: int) -> Tensor:
    """``(batch, channels, *spatial)`` to ``(batch, *others, length of the axis, channels)``."""
    return x.movedim((axis, 1), (-2, -1))
