"""Coordinate Attention. Hou, Zhou, Feng: Coordinate Attention for Efficient Mobile Network Design, CVPR 2021,
https://arxiv.org/abs/2103.02907

p_a = mean over all axes but a,  f = hswish(BN(W1 [p_h; p_w])),  y = sigmoid(W_h f_h) * sigmoid(W_w f_w) * x
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from search_spaces.attention.mechanism import Mechanism, check_option, mechanism, squeezed
from search_spaces.attention.strips import along, strips
from search_spaces.layers import NORM, SPATIAL_AXES


@mechanism(
    "coordinate",
    family="conventional",
    type="spatial",
    title="Coordinate Attention",
    paper="Hou, Zhou, Feng: Coordinate Attention for Efficient Mobile Network Design, CVPR",
    year=2021,
    address="https://arxiv.org/abs/2103.02907",
    cost="O(C n + C^2 / r * (H + W))",
    choices={"reduction": (2, 4, 8, 16, 32)},
    effective={"reduction": squeezed},
)
class CoordinateAttention(Mechanism):
    """Gates each spatial axis by what the means over the other axes say, so that position survives the pooling.

    The axes' strips are squeezed and normalised together, as one sequence. In 3D there are three strips, each the
    mean over two axes.

    Args:
        channels: channels of the feature map.
        dims: 2 or 3.
        reduction: squeeze ratio r. Below ``min_width * r`` channels the lower bound decides, so the small ratios
            are the ones that tell in narrow networks.
        min_width: lower bound of the squeezed width.
        norm: key of ``NORM``, the normalisation of the joint strip.
    """

    def __init__(
        self, channels: int, *, dims: int, reduction: int = 8, min_width: int = 8, norm: str = "batch"
    ) -> None:
        super().__init__()
        check_option("coordinate norm", norm, NORM)
        width = max(channels // reduction, min_width)
        self.axes = SPATIAL_AXES[dims]
        self.squeeze = nn.Conv1d(channels, width, 1)
        self.norm = NORM[norm](width)
        self.activation = nn.Hardswish()
        self.excite = nn.ModuleList(nn.Conv1d(width, channels, 1) for _ in self.axes)

    def forward(self, x: Tensor) -> Tensor:
        """``x`` and the result: ``(batch, channels, *spatial)``."""
        means = strips(x)
        joint = self.activation(self.norm(self.squeeze(torch.cat(means, dim=2))))
        parts = joint.split([strip.shape[2] for strip in means], dim=2)
        y = x
        for axis, part, excite in zip(self.axes, parts, self.excite, strict=True):
            y = y * along(torch.sigmoid(excite(part)), axis, x.dim())
        return y
