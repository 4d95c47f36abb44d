"""Two convolutions: the stage of most convolutional networks, and the convolution that a block slot replaces."""

from __future__ import annotations

from torch import Tensor, nn

from search_spaces.layers import ACTIVATION, CONV, NORM
from search_spaces.pricing.parts import Part
from search_spaces.stages.separable import SeparableConvNorm

SEPARABLE = 4  # channels from which it pays to take a convolution apart


class ConvNorm(Part):
    """A convolution without bias, normalised; drawn as in nnU-Net (Kaiming normal for leaky ReLU)."""

    def __init__(
        self,
        in_channels: int,
        channels: int,
        *,
        dims: int,
        norm: str,
        kernel: int = 3,
        stride: int = 1,
        dilation: int = 1,
        groups: int = 1,
    ) -> None:
        super().__init__()
        padding = dilation * (kernel // 2)
        self.conv = CONV[dims](in_channels, channels, kernel, stride, padding, dilation, groups, bias=False)
        self.norm = NORM[norm](channels)

    def reset_parameters(self) -> None:
        nn.init.kaiming_normal_(self.conv.weight, a=0.01)

    def forward(self, x: Tensor) -> Tensor:
        """``(batch, in_channels, *spatial)`` to ``(batch, channels, *spatial)``, strided sizes rounded up."""
        return self.norm(self.conv(x))


def replaced(channels: int, *, dims: int, norm: str, separable: bool = False) -> ConvNorm | SeparableConvNorm:
    """The second convolution of a stage, which a block slot replaces."""
    convolution = SeparableConvNorm if separable else ConvNorm
    return convolution(channels, channels, dims=dims, norm=norm)


class Stage(Part):
    """Two 3x3 convolutions, each normalised and activated; the first may halve the size.

    A residual stage adds its input before the last activation, through a 1x1 convolution where shapes differ (He et
    al., CVPR 2016, https://arxiv.org/abs/1512.03385).

    Args:
        in_channels: channels of the input.
        channels: channels of the result.
        dims: 2 or 3.
        norm: key of ``NORM``.
        activation: key of ``ACTIVATION``.
        residual: whether the input is added.
        stride: of the first convolution.
        block: what takes the place of the second convolution and its norm, ``channels`` to ``channels``.
        separable: whether the convolutions are ``SeparableConvNorm``; that of an image of few channels stays whole.
    """

    def __init__(
        self,
        in_channels: int,
        channels: int,
        *,
        dims: int,
        norm: str = "instance",
        activation: str = "leaky_relu",
        residual: bool = False,
        stride: int = 1,
        block: nn.Module | None = None,
        separable: bool = False,
    ) -> None:
        super().__init__()
        first = SeparableConvNorm if separable and in_channels >= SEPARABLE else ConvNorm
        self.first = first(in_channels, channels, dims=dims, norm=norm, stride=stride)
        self.second = replaced(channels, dims=dims, norm=norm, separable=separable) if block is None else block
        self.activation = ACTIVATION[activation]()
        self.replaced = block is not None
        self.residual = residual
        if residual:
            same = in_channels == channels and stride == 1
            self.shortcut = nn.Identity() if same else CONV[dims](in_channels, channels, 1, stride, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        """``(batch, in_channels, *spatial)`` to ``(batch, channels, *spatial)``, strided sizes rounded up."""
        y = self.second(self.activation(self.first(x)))
        if self.residual:
            y = y + self.shortcut(x)
        elif self.replaced:
            y = y.clone()  # a block's gradient may need what it gave, and the activation overwrites that
        return self.activation(y)
