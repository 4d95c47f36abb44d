"""The residual block of DDANet: a squeeze-and-excitation on the way around, not on the convolutions.

Tomar et al.: DDANet, Dual Decoder Attention Network for Automatic Polyp Segmentation, ICPR Workshops 2021,
https://arxiv.org/abs/2012.15245

y = relu(norm(conv(relu(norm(conv x)))) + SE(norm(conv1x1 x)))
"""

from __future__ import annotations

from torch import Tensor, nn

from search_spaces.attention.se import SqueezeExcitation
from search_spaces.layers import ACTIVATION
from search_spaces.pricing.parts import Part
from search_spaces.stages.convolution import ConvNorm


class SqueezedResidual(Part):
    """Two 3x3 convolutions beside a 1x1 convolution with reweighted channels.

    Under an instance norm the channel means of one image are the norm's biases, so the weights of the channels are
    the same for every image; a batch norm lets them differ.

    Args:
        in_channels: channels of the input.
        channels: channels of the result; the squeeze keeps a sixteenth of them.
        dims: 2 or 3.
        norm: key of ``NORM``.
        activation: key of ``ACTIVATION``; the authors' is ``relu``.
        block: what takes the place of the second convolution and its norm, ``channels`` to ``channels``.
    """

    def __init__(
        self,
        in_channels: int,
        channels: int,
        *,
        dims: int,
        norm: str = "batch",
        activation: str = "relu",
        block: nn.Module | None = None,
    ) -> None:
        super().__init__()
        self.first = ConvNorm(in_channels, channels, dims=dims, norm=norm)
        self.second = ConvNorm(channels, channels, dims=dims, norm=norm) if block is None else block
        self.shortcut = ConvNorm(in_channels, channels, dims=dims, norm=norm, kernel=1)
        self.squeeze = SqueezeExcitation(channels, dims=dims, reduction=16, min_width=1, bias=False)
        self.activation = ACTIVATION[activation]()

    def forward(self, x: Tensor) -> Tensor:
        """``(batch, in_channels, *spatial)`` to ``(batch, channels, *spatial)``."""
        y = self.second(self.activation(self.first(x)))
        return self.activation(y + self.squeeze(self.shortcut(x)))
