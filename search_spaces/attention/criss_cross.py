"""Criss-cross attention. Huang et al.: CCNet, ICCV 2019, https://arxiv.org/abs/1811.11721

y_p = gamma sum_j a_pj v_j + x_p over the positions j that share all coordinates but one with p; repeated R times
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from search_spaces.attention.mechanism import Mechanism, mechanism, squeezed
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
    effective={"reduction": squeezed},
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
        self.recurrence, self.width = recurrence, width
        self.query = conv(channels, width, 1)
        self.key = conv(channels, width, 1)
        self.value = conv(channels, channels, 1)
        self.gamma = nn.Parameter(torch.zeros(1))

    def reset_parameters(self) -> None:
        nn.init.zeros_(self.gamma)

    def forward(self, x: Tensor) -> Tensor:
        """``x`` and the result: ``(batch, channels, *spatial)``."""
        for _ in range(self.recurrence):
            sums = self._sums(x)
            x = torch.addcmul(x, sums[:, :-1], self.gamma / sums[:, -1:])
        return x

    def _sums(self, x: Tensor) -> Tensor:
        """``(batch, channels + 1, *spatial)``: numerators and denominators of one softmax over all lines of a position.

        Each axis keeps the layout in which its products are made: the weights are never put side by side.
        """
        axes = range(2, x.dim())
        scores, values = [], []
        for axis, lines in zip(axes, self._projected(x), strict=True):
            query, key, value = lines.split((self.width, self.width, lines.shape[-1] - 2 * self.width), dim=-1)
            # (batch, *others, length, length): each position of a line against all of the same line
            line = query @ key.transpose(-1, -2)
            if axis != axes[-1]:
                line += torch.full(line.shape[-1:], float("-inf"), dtype=line.dtype, device=line.device).diag()
            scores.append(line)
            values.append(value)
        with torch.no_grad():  # a shift of all scores of a position changes nothing
            highest = [_places(line.amax(-1, keepdim=True), axis) for axis, line in zip(axes, scores, strict=True)]
            shift = torch.stack(highest).amax(0)
        sums: Tensor | None = None
        for axis, line, value in zip(axes, scores, values, strict=True):
            weights = line.sub_(_lines(shift, axis)).exp_()
            found = _places(weights @ value, axis)
            sums = found if sums is None else sums + found
        assert sums is not None
        return sums

    def _projected(self, x: Tensor) -> list[Tensor]:
        """Queries, keys, values and a one of each position, laid out as lines of each axis."""
        value = self.value(x)
        every = torch.cat([self.query(x), self.key(x), value, torch.ones_like(value[:, :1])], dim=1)
        return [_lines(every, axis).contiguous() for axis in range(2, x.dim())]


def _lines(x: Tensor, axis: int) -> Tensor:
    """``(batch, channels, *spatial)`` to ``(batch, *others, length of the axis, channels)``."""
    return x.movedim((axis, 1), (-2, -1))


def _places(lines: Tensor, axis: int) -> Tensor:
    """The inverse of ``_lines``."""
    return lines.movedim((-2, -1), (axis, 1))
