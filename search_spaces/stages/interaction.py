"""What the paths of a network with two encoders tell each other at one level.

``sum``:       y_a = x_a + W x_b
``concat``:    y_a = f(W [x_a; x_b])
``location``:  y_a = x_a + norm(W sum_j softmax_j(theta x_a . phi x_b / sqrt(d)) g x_b), cross-phase non-local attention
               by the description of M3-Net (Qu et al., Medical Image Analysis 2022,
               https://doi.org/10.1016/j.media.2021.102232)

and the other path likewise, with weights of its own.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn

from search_spaces.attention.dot_product import attend
from search_spaces.attention.mechanism import check_option
from search_spaces.layers import ACTIVATION, CONV
from search_spaces.pricing.parts import Part
from search_spaces.stages.convolution import ConvNorm

Pair = tuple[Tensor, Tensor]


class Interaction(Part):
    """Both directions of one exchange.

    Args:
        kind: key of ``EXCHANGE``.
        channels: channels of each path.
        dims: 2 or 3.
        norm: key of ``NORM``.
        activation: key of ``ACTIVATION``.
    """

    def __init__(self, kind: str, channels: int, *, dims: int, norm: str, activation: str) -> None:
        super().__init__()
        check_option("interaction", kind, EXCHANGE)
        self.first = EXCHANGE[kind](channels, dims, norm, activation)
        self.second = EXCHANGE[kind](channels, dims, norm, activation)

    def forward(self, first: Tensor, second: Tensor) -> Pair:
        """What each path has after it heard the other, ``(batch, channels, *spatial)`` as the inputs."""
        return self.first(first, second), self.second(second, first)


class Added(Part):
    """The other path's feature is added, through a 1x1 convolution."""

    def __init__(self, channels: int, dims: int, norm: str, activation: str) -> None:
        super().__init__()
        self.message = CONV[dims](channels, channels, 1, bias=False)

    def forward(self, x: Tensor, other: Tensor) -> Tensor:
        return x + self.message(other)


class Joined(Part):
    """Both features side by side, brought back to the width of one by a 1x1 convolution."""

    def __init__(self, channels: int, dims: int, norm: str, activation: str) -> None:
        super().__init__()
        self.join = ConvNorm(2 * channels, channels, dims=dims, norm=norm, kernel=1)
        self.activation = ACTIVATION[activation]()

    def forward(self, x: Tensor, other: Tensor) -> Tensor:
        return self.activation(self.join(torch.cat([x, other], dim=1)))


class LocationAttention(Part):
    """Each position asks every position of the other path; the weights of all pairs are never held."""

    def __init__(self, channels: int, dims: int, norm: str, activation: str) -> None:
        super().__init__()
        width, conv = max(channels // 2, 1), CONV[dims]
        self.query = conv(channels, width, 1, bias=False)
        self.key = conv(channels, width, 1, bias=False)
        self.value = conv(channels, width, 1, bias=False)
        self.project = ConvNorm(width, channels, dims=dims, norm=norm, kernel=1)

    def forward(self, x: Tensor, other: Tensor) -> Tensor:
        found = attend(self.query(x), self.key(other), self.value(other))
        return x + self.project(found)


EXCHANGE: dict[str, Callable[[int, int, str, str], nn.Module]] = {
    "sum": Added,
    "concat": Joined,
    "location": LocationAttention,
}
