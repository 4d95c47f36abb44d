"""A convolution in two: over space for each channel alone, then over channels at each position.

Howard et al.: MobileNets, 2017, https://arxiv.org/abs/1704.04861. ``k**dims * C + C * C'`` weights, not
``k**dims * C * C'``.
"""

from __future__ import annotations

from torch import Tensor, nn

from search_spaces.layers import CONV, NORM
from search_spaces.pricing.parts import Part


class SeparableConvNorm(Part):
    """As ``ConvNorm``, separable; one norm, after both.

    Args:
        in_channels, channels: of the input and of the result.
        dims: 2 or 3.
        norm: key of ``NORM``.
        stride: of the convolution over space.
    """

    def __init__(self, in_channels: int, channels: int, *, dims: int, norm: str, stride: int = 1) -> None:
        super().__init__()
        self.depthwise = CONV[dims](in_channels, in_channels, 3, stride, 1, groups=in_channels, bias=False)
        self.pointwise = CONV[dims](in_channels, channels, 1, bias=False)
        self.norm = NORM[norm](channels)

    def reset_parameters(self) -> None:
        nn.init.kaiming_normal_(self.depthwise.weight, nonlinearity="linear")  # nothing is activated between the two
        nn.init.kaiming_normal_(self.pointwise.weight, a=0.01)

    def forward(self, x: Tensor) -> Tensor:
        """``(batch, in_channels, *spatial)`` to ``(batch, channels, *spatial)``, strided sizes rounded up."""
        return self.norm(self.pointwise(self.depthwise(x)))
