"""Large-kernel attention. Guo, Lu, Liu, Cheng, Hu: Visual Attention Network, CVMJ 2023, https://arxiv.org/abs/2202.09741

y = x * W dw_dilated(dw(x)): two depthwise convolutions that together reach far, and no sigmoid
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn

from search_spaces.attention.mechanism import Mechanism, check_option, mechanism
from search_spaces.layers import CONV, BatchNorm
from search_spaces.pricing.parts import Part

# Reach to the sides of the two kernels and the dilation of the second. VAN calls its 23 positions 21.
REACH = {7: (3, 3, 2), 11: (3, 5, 2), 23: (5, 7, 3), 35: (5, 11, 3), 41: (5, 13, 3), 53: (5, 17, 3)}


class LargeKernelGate(Part):
    """``x * conv(x)``, with kernels that are squares or cubes, or lines along each axis in turn, the last axis first.

    Args:
        channels: of the map.
        dims: 2 or 3.
        reach: key of ``REACH``.
        separable: whether kernels are lines.
    """

    def __init__(self, channels: int, *, dims: int, reach: int, separable: bool) -> None:
        check_option("large kernel reach", reach, REACH)
        super().__init__()
        first, second, dilation = REACH[reach]
        layers: list[nn.Module] = []
        for side, spread in ((first, 1), (second, dilation)):
            kernels = [(side,) * dims]
            if separable:
                kernels = [
                    tuple(side if other == axis else 1 for other in range(dims)) for axis in reversed(range(dims))
                ]
            for kernel in kernels:
                padding = tuple(spread * (length // 2) for length in kernel)
                layers.append(CONV[dims](channels, channels, kernel, 1, padding, spread, channels))
        self.spread = nn.Sequential(*layers, CONV[dims](channels, channels, 1))

    def forward(self, x: Tensor) -> Tensor:
        return x * self.spread(x)


class VisualAttention(Part):
    """A gate between two 1x1 convolutions, added to its input."""

    def __init__(self, channels: int, *, dims: int, reach: int, separable: bool) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            CONV[dims](channels, channels, 1),
            nn.GELU(),
            LargeKernelGate(channels, dims=dims, reach=reach, separable=separable),
            CONV[dims](channels, channels, 1),
        )

    def forward(self, x: Tensor) -> Tensor:
        return x + self.layers(x)


class VisualAttentionBlock(Part):
    """Attention and a perceptron with a depthwise convolution, each scaled by channel and added to its input."""

    def __init__(self, channels: int, *, dims: int, reach: int, separable: bool, ratio: float = 4) -> None:
        super().__init__()
        conv, width = CONV[dims], int(ratio * channels)
        self.attention = nn.Sequential(
            BatchNorm(channels), VisualAttention(channels, dims=dims, reach=reach, separable=separable)
        )
        self.perceptron = nn.Sequential(
            BatchNorm(channels),
            conv(channels, width, 1),
            conv(width, width, 3, padding=1, groups=width),
            nn.GELU(),
            conv(width, channels, 1),
        )
        self.scales = nn.Parameter(torch.empty(2, channels, *[1] * dims))
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """The authors' initial scales."""
        nn.init.constant_(self.scales, 0.01)

    def forward(self, x: Tensor) -> Tensor:
        x = x + self.scales[0] * self.attention(x)
        return x + self.scales[1] * self.perceptron(x)


LAYERS: dict[str, Callable[..., Part]] = {
    "gate": LargeKernelGate,
    "attention": VisualAttention,
    "block": VisualAttentionBlock,
}


@mechanism(
    "lka",
    family="conventional",
    type="spatial",
    title="Large-kernel attention",
    paper="Guo, Lu, Liu, Cheng, Hu: Visual Attention Network, CVMJ",
    year=2023,
    address="https://arxiv.org/abs/2202.09741",
    cost="O(C^2 n + C n (k^dims + K^dims))",
    choices={"reach": (7, 11, 23), "form": ("gate", "attention")},
)
class LargeKernelAttention(Mechanism):
    """Gates every position and channel by wide surroundings, through a depthwise and a dilated depthwise convolution.

    Ports that end the gate in a sigmoid compute something else.

    Args:
        channels: channels of the feature map.
        dims: 2 or 3; in 3D kernels are cubes.
        reach: positions an axis that the two kernels cover, key of ``REACH``.
        form: the ``gate`` alone, VAN's ``attention`` with two more 1x1 convolutions around it, or its ``block``.
    """

    def __init__(self, channels: int, *, dims: int, reach: int = 23, form: str = "gate") -> None:
        check_option("lka form", form, LAYERS)
        super().__init__()
        self.layer = LAYERS[form](channels, dims=dims, reach=reach, separable=False)

    def forward(self, x: Tensor) -> Tensor:
        """``x`` and the result: ``(batch, channels, *spatial)``."""
        return self.layer(x)
