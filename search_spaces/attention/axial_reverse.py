"""Axial reverse attention. Lou, Guan, Ko, Loew: CaraNet, Medical Imaging 2022, https://arxiv.org/abs/2108.07368

y = axial(x) * (1 - foreground of the coarse prediction), axial attention along each axis in turn, without a softmax
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from search_spaces.attention.mechanism import Mechanism, mechanism, squeezed
from search_spaces.attention.reverse import reverse_map
from search_spaces.layers import CONV
from search_spaces.pricing.parts import Part


class AxisAttention(Part):
    """One matrix of weights along an axis, shared by all channels and all lines; starts as the identity.

    The weights are sigmoids of products summed over channels and the other axes. The authors' code cuts pieces as long
    as the height out of rows where it means columns (their issues 11 and 12 say so); here each axis is itself, unless
    ``verbatim``, with which weights of theirs compute what they were trained for.
    """

    def __init__(
        self, channels: int, *, dims: int, axis: int, reduction: int, min_width: int, verbatim: bool = False
    ) -> None:
        super().__init__()
        conv, width = CONV[dims], max(channels // reduction, min_width)
        self.axis, self.verbatim = axis, verbatim
        self.query = conv(channels, width, 1, bias=False)
        self.key = conv(channels, width, 1, bias=False)
        self.value = conv(channels, channels, 1, bias=False)
        self.gamma = nn.Parameter(torch.zeros(1))

    def reset_parameters(self) -> None:
        nn.init.zeros_(self.gamma)

    def forward(self, x: Tensor) -> Tensor:
        """``x`` and the result: ``(batch, channels, *spatial)``."""
        query, key, value = (self._lines(part(x)) for part in (self.query, self.key, self.value))
        found = torch.sigmoid(query @ key.transpose(1, 2)) @ value
        if self.verbatim:
            return self.gamma * found.transpose(1, 2).reshape(x.shape) + x
        others = [length for axis, length in enumerate(x.shape) if axis not in (0, self.axis)]
        return self.gamma * found.unflatten(2, others).movedim(1, self.axis) + x

    def _lines(self, x: Tensor) -> Tensor:
        """``(batch, positions of the axis, everything else)``."""
        if self.verbatim:
            return x.reshape(len(x), -1, x.shape[self.axis]).transpose(1, 2)
        return x.movedim(self.axis, 1).flatten(2)


class AxialKernel(Part):
    """Two convolutions, the first from ``in_channels`` where they differ, then attention along each axis in turn."""

    def __init__(
        self,
        channels: int,
        *,
        dims: int,
        in_channels: int | None = None,
        reduction: int = 8,
        min_width: int = 1,
        verbatim: bool = False,
    ) -> None:
        super().__init__()
        conv = CONV[dims]
        self.point = conv(in_channels or channels, channels, 1, bias=False)
        self.spread = conv(channels, channels, 3, padding=1, bias=False)
        self.axes = nn.Sequential(
            *(
                AxisAttention(
                    channels, dims=dims, axis=2 + axis, reduction=reduction, min_width=min_width, verbatim=verbatim
                )
                for axis in range(dims)
            )
        )

    def forward(self, x: Tensor) -> Tensor:
        """``(batch, in_channels, *spatial)`` to ``(batch, channels, *spatial)``."""
        return self.axes(self.spread(self.point(x)))


@mechanism(
    "axial_reverse",
    family="other",
    type="hard",
    title="Axial reverse attention",
    paper="Lou, Guan, Ko, Loew: CaraNet, Context Axial Reverse Attention Network, Medical Imaging",
    year=2022,
    address="https://arxiv.org/abs/2108.07368",
    cost="O(C^2 n + C n (H + W))",
    inputs="guided",
    choices={"reduction": (2, 4, 8)},
    effective={"reduction": squeezed},
)
class AxialReverseAttention(Mechanism):
    """Axial attention weighed by how little of the foreground the coarse prediction sees.

    Args:
        channels: channels of the feature map.
        dims: 2 or 3.
        prediction_channels: channels of the coarse logits.
        reduction: ratio of ``channels`` to the width of queries and keys.
        min_width: lower bound of that width.
        verbatim: whether axes are mixed up as in the authors' code, see ``AxisAttention``.
    """

    def __init__(
        self,
        channels: int,
        *,
        dims: int,
        prediction_channels: int,
        reduction: int = 8,
        min_width: int = 4,
        verbatim: bool = False,
    ) -> None:
        super().__init__()
        self.axial = AxialKernel(channels, dims=dims, reduction=reduction, min_width=min_width, verbatim=verbatim)

    def forward(self, x: Tensor, prediction: Tensor) -> Tensor:
        """``x`` and the result: ``(batch, channels, *spatial)``; ``prediction``: ``(batch, classes, *coarser)``."""
        return self.axial(x) * reverse_map(prediction, x.shape[2:])
