"""Group aggregation bridge. Ruan, Xie, Gao, Liu, Fu: EGE-UNet, MICCAI 2023, https://arxiv.org/abs/2307.08473

y = W LN[t_1 ... t_4],  t_i = dw_(d_i)(LN[h_i; x_i; m]): quarters of the gate h = up(V g) and of x, with a mask m
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from search_spaces.attention.mechanism import Mechanism, check_odd, mechanism
from search_spaces.layers import CONV, ChannelNorm, resize
from search_spaces.pricing.parts import Part

EPS = 1e-6  # of the authors' norms


class GroupBridge(Part):
    """The authors' bridge, which is given the mask ``(batch, 1, *spatial)``, logits at the size of ``x``.

    Args:
        channels: of ``x`` and the result; quarters differ by one where 4 does not divide them.
        gate_channels: of the deeper feature.
        dims: 2 or 3.
        kernel: odd side of the depthwise kernels.
        dilations: of each group's kernels.
    """

    def __init__(
        self,
        channels: int,
        gate_channels: int,
        *,
        dims: int,
        kernel: int = 3,
        dilations: Sequence[int] = (1, 2, 5, 7),
    ) -> None:
        check_odd("group_bridge kernel", kernel)
        super().__init__()
        conv, groups = CONV[dims], len(dilations)
        self.shares = [(channels + rest) // groups for rest in reversed(range(groups))]
        self.project = conv(gate_channels, channels, 1)
        self.spread = nn.ModuleList(
            nn.Sequential(
                ChannelNorm(2 * share + 1, EPS),
                conv(2 * share + 1, 2 * share + 1, kernel, 1, dilation * (kernel // 2), dilation, 2 * share + 1),
            )
            for share, dilation in zip(self.shares, dilations, strict=True)
        )
        joint = 2 * channels + groups
        self.join = nn.Sequential(ChannelNorm(joint, EPS), conv(joint, channels, 1))

    def forward(self, x: Tensor, gate: Tensor, mask: Tensor) -> Tensor:
        deep = resize(self.project(gate), x.shape[2:], align_corners=True)
        quarters = zip(deep.split(self.shares, dim=1), x.split(self.shares, dim=1), self.spread, strict=True)
        return self.join(torch.cat([spread(torch.cat([h, part, mask], dim=1)) for h, part, spread in quarters], dim=1))


@mechanism(
    "group_bridge",
    family="gate",
    type="bridge",
    title="Group aggregation bridge",
    paper="Ruan, Xie, Gao, Liu, Fu: EGE-UNet, an Efficient Group Enhanced UNet for Skin Lesion Segmentation, MICCAI",
    year=2023,
    address="https://arxiv.org/abs/2307.08473",
    inputs="gated",
    cost="O(C^2 n + C n 3^dims)",
)
class GroupAggregationBridge(Mechanism):
    """Puts a skip, a deeper feature and a mask together in groups of growing dilation; nothing is added to it.

    In the authors' network the mask is the coarse prediction of one class, which a loss of its own trains. Here a 1x1
    convolution makes it of the deeper feature, as theirs does, and learns from the result alone.

    Args:
        channels: channels of the feature map.
        dims: 2 or 3.
        gate_channels: channels of the deeper feature, of any size; it is interpolated with aligned corners.
    """

    def __init__(self, channels: int, *, dims: int, gate_channels: int) -> None:
        super().__init__()
        self.predict = CONV[dims](gate_channels, 1, 1)
        self.bridge = GroupBridge(channels, gate_channels, dims=dims)

    def forward(self, x: Tensor, gate: Tensor) -> Tensor:
        """``x`` and the result: ``(batch, channels, *spatial)``; ``gate``: ``(batch, gate_channels, *any)``."""
        return self.bridge(x, gate, resize(self.predict(gate), x.shape[2:], align_corners=True))
