"""Split attention. Zhang et al.: ResNeSt, Split-Attention Networks, CVPR Workshops 2022,
https://arxiv.org/abs/2004.08955

U = relu(BN(conv_k x)) in R splits,  y_c = sum_r softmax_r(W_r relu(BN(W mean_s sum_r U_r)))_c U_rc
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from search_spaces.attention.mechanism import Mechanism, check_odd, check_option, mechanism
from search_spaces.exporting import rounded_up
from search_spaces.layers import CONV, NORM, SPATIAL_AXES


@mechanism(
    "split",
    family="conventional",
    type="channel",
    title="Split attention",
    paper="Zhang et al.: ResNeSt, Split-Attention Networks, CVPR Workshops",
    year=2022,
    address="https://arxiv.org/abs/2004.08955",
    cost="O(C^2 n k^dims / G)",
    inputs="block",
    choices={"radix": (1, 2, 4), "groups": (1, 2), "reduction": (4, 8)},
    effective={
        "groups": lambda channels, settings: math.gcd(channels, settings["groups"]),
        "reduction": lambda channels, settings: squeezed_width(
            channels, settings["radix"], settings["groups"], settings["reduction"], settings["min_width"]
        ),
    },
)
class SplitAttention(Mechanism):
    """A convolution with several results a channel, each of a share of the input; every channel weighs its own.

    Ports that read the scores split by split go wrong where there are groups: they lie group by group.

    Args:
        channels: channels of the result.
        dims: 2 or 3.
        in_channels: channels of the input; left out, as many as of the result.
        stride: of the convolution.
        radix: number R of splits; of a single one the weights are sigmoids.
        groups: number G of groups; where it does not divide the channels, what both share.
        reduction: ratio of ``in_channels`` times R to the squeezed width.
        min_width: lower bound of the squeezed width; the authors' is 32.
        kernel: odd side of the convolution's kernel.
        dilation: of the convolution.
        bias: whether the convolution has a bias.
        norm: key of ``NORM``.
    """

    def __init__(
        self,
        channels: int,
        *,
        dims: int,
        in_channels: int | None = None,
        stride: int = 1,
        radix: int = 2,
        groups: int = 1,
        reduction: int = 4,
        min_width: int = 8,
        kernel: int = 3,
        dilation: int = 1,
        bias: bool = False,
        norm: str = "batch",
    ) -> None:
        check_odd("split kernel", kernel)
        check_option("split norm", norm, NORM)
        super().__init__()
        conv, inputs = CONV[dims], in_channels or channels
        groups = math.gcd(groups, channels)
        width, wide = squeezed_width(inputs, radix, groups, reduction, min_width), radix * channels
        padding, shares = dilation * (kernel // 2), math.gcd(groups * radix, inputs)
        self.axes, self.radix, self.groups = SPATIAL_AXES[dims], radix, groups
        self.conv = conv(inputs, wide, kernel, stride, padding, dilation, shares, bias=bias)
        self.norm = nn.Sequential(NORM[norm](wide), nn.ReLU(inplace=True))
        self.squeeze = nn.Sequential(conv(channels, width, 1, groups=groups), NORM[norm](width), nn.ReLU(inplace=True))
        self.score = conv(width, wide, 1, groups=groups)

    def forward(self, x: Tensor) -> Tensor:
        """``(batch, in_channels, *spatial)`` to ``(batch, channels, *spatial)``."""
        splits = self.norm(self.conv(x)).unflatten(1, (self.radix, -1))
        scores = self.score(self.squeeze(splits.sum(1).mean(self.axes, keepdim=True)))
        if self.radix == 1:
            return torch.sigmoid(scores) * splits.squeeze(1)
        weights = scores.unflatten(1, (self.groups, self.radix, -1)).softmax(2)
        return (weights.transpose(1, 2).flatten(2, 3) * splits).sum(1)


def squeezed_width(channels: int, radix: int, groups: int, reduction: int, min_width: int) -> int:
    """The authors' width, of a multiple of the groups."""
    groups = math.gcd(groups, channels)
    return rounded_up(max(channels * radix // reduction, min_width), groups) * groups
