"""Channel attention of CA-Net. Gu et al.: CA-Net, TMI 2021, https://arxiv.org/abs/2009.10549

f = BN(conv relu(BN(conv x))),  s = sigmoid(F(mean f)) + sigmoid(F(max f)),  y = relu(BN(conv relu(s f + BN(W x))))
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from search_spaces.attention.mechanism import Mechanism, check_option, mechanism, squeezed
from search_spaces.layers import CONV, NORM, SPATIAL_AXES, linear


@mechanism(
    "ca_channel",
    family="conventional",
    type="channel",
    title="Channel attention block of CA-Net",
    paper="Gu, Wang, Song, Huang, Aertsen, Deprest, Ourselin, Vercauteren, Zhang: CA-Net, TMI",
    year=2021,
    address="https://arxiv.org/abs/2009.10549",
    cost="O(C^2 n 3^dims)",
    inputs="block",
    choices={"reduction": (2, 4)},
    effective={"reduction": lambda channels, settings: squeezed(2 * channels, settings)},
)
class ChannelAttentionBlock(Mechanism):
    """Three convolutions with a gate on twice as many channels in between; the gate sums two sigmoids.

    Args:
        channels: channels of the result.
        dims: 2 or 3.
        in_channels: channels of the input; left out, as many as of the result.
        stride: of the first convolution, and of the shortcut.
        reduction: ratio of ``2 * channels`` to the width of the perceptron; the authors' is 4.
        min_width: lower bound of that width.
        norm: key of ``NORM``.
    """

    def __init__(
        self,
        channels: int,
        *,
        dims: int,
        in_channels: int | None = None,
        stride: int = 1,
        reduction: int = 4,
        min_width: int = 4,
        norm: str = "batch",
    ) -> None:
        check_option("ca_channel norm", norm, NORM)
        super().__init__()
        conv, inputs, wide = CONV[dims], in_channels or channels, 2 * channels
        width = max(wide // reduction, min_width)
        self.axes = SPATIAL_AXES[dims]
        self.conv1 = conv(inputs, channels, 3, stride, 1, bias=False)
        self.norm1 = NORM[norm](channels)
        self.conv2 = conv(channels, wide, 3, padding=1, bias=False)
        self.norm2 = NORM[norm](wide)
        self.perceptron = nn.Sequential(linear(wide, width), nn.ReLU(), linear(width, wide))
        self.shortcut = nn.Sequential(conv(inputs, wide, 1, stride, bias=False), NORM[norm](wide))
        self.conv3 = conv(wide, channels, 3, padding=1, bias=False)
        self.norm3 = NORM[norm](channels)

    def forward(self, x: Tensor) -> Tensor:
        """``(batch, in_channels, *spatial)`` to ``(batch, channels, *spatial)``."""
        return self.attend(x)[0]

    def attend(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """The result, and the channels' weights ``(batch, 2 * channels, 1, ...)``."""
        f = self.norm2(self.conv2(F.relu(self.norm1(self.conv1(x)))))
        weights = torch.sigmoid(self.perceptron(f.mean(self.axes))) + torch.sigmoid(self.perceptron(f.amax(self.axes)))
        weights = weights.reshape(*weights.shape, *[1] * len(self.axes))
        return F.relu(self.norm3(self.conv3(F.relu(f * weights + self.shortcut(x))))), weights
