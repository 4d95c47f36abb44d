"""Selective kernels. Li, Wang, Hu, Yang: Selective Kernel Networks, CVPR 2019, https://arxiv.org/abs/1903.06586

U = sum_m U_m,  y_c = sum_m softmax_m(W_m relu(BN(W mean_s U)))_c U_mc: each channel selects among kernels
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn

from search_spaces.attention.mechanism import Mechanism, check_option, mechanism, squeezed
from search_spaces.layers import CONV, NORM, SPATIAL_AXES


@mechanism(
    "sk",
    family="conventional",
    type="channel",
    title="Selective kernels",
    paper="Li, Wang, Hu, Yang: Selective Kernel Networks, CVPR",
    year=2019,
    address="https://arxiv.org/abs/1903.06586",
    cost="O(M C^2 n 3^dims / G)",
    inputs="block",
    choices={"branches": (2, 3), "groups": (1, 4), "reduction": (4, 8)},
    effective={"reduction": squeezed, "groups": lambda channels, settings: math.gcd(channels, settings["groups"])},
)
class SelectiveKernel(Mechanism):
    """Convolutions of growing reach, mixed channel by channel by what the whole map says.

    Larger kernels are 3x3 ones with dilation, as in the authors' networks. The softmax runs over the branches.

    Args:
        channels: channels of the result.
        dims: 2 or 3.
        in_channels: channels of the input; left out, as many as of the result.
        stride: of every branch.
        branches: number M of kernels, of reach 3, 5, 7, ...
        groups: of the convolutions; fewer where they do not divide the channels.
        reduction: squeeze ratio r.
        min_width: lower bound of the squeezed width; the authors' is 32.
        kernels: real kernel sizes, in place of ``branches``.
        dilations: of the ``kernels``; left out, 1 each.
        norm: key of ``NORM``.
    """

    def __init__(
        self,
        channels: int,
        *,
        dims: int,
        in_channels: int | None = None,
        stride: int = 1,
        branches: int = 2,
        groups: int = 1,
        reduction: int = 4,
        min_width: int = 8,
        kernels: Sequence[int] | None = None,
        dilations: Sequence[int] | None = None,
        norm: str = "batch",
    ) -> None:
        check_option("sk norm", norm, NORM)
        super().__init__()
        conv, inputs = CONV[dims], in_channels or channels
        groups = math.gcd(groups, math.gcd(inputs, channels))
        width = max(channels // reduction, min_width)
        kernels, dilations = (
            (kernels, dilations or [1] * len(kernels)) if kernels else ([3] * branches, range(1, branches + 1))
        )
        shapes = list(zip(kernels, dilations, strict=True))
        self.axes = SPATIAL_AXES[dims]
        self.branches = nn.ModuleList(
            nn.Sequential(
                conv(inputs, channels, kernel, stride, dilation * (kernel // 2), dilation, groups, bias=False),
                NORM[norm](channels),
                nn.ReLU(inplace=True),
            )
            for kernel, dilation in shapes
        )
        self.squeeze = nn.Sequential(conv(channels, width, 1, bias=False), NORM[norm](width), nn.ReLU(inplace=True))
        self.select = conv(width, len(shapes) * channels, 1, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        """``(batch, in_channels, *spatial)`` to ``(batch, channels, *spatial)``."""
        results = torch.stack([branch(x) for branch in self.branches], dim=1)
        scores = self.select(self.squeeze(results.sum(1).mean(self.axes, keepdim=True)))
        weights = scores.unflatten(1, (len(self.branches), -1)).softmax(1)
        return (weights * results).sum(1)
