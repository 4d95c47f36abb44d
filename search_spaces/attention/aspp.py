"""Atrous spatial pyramid. Chen, Papandreou, Kokkinos, Murphy, Yuille: DeepLab, TPAMI 2018,
https://arxiv.org/abs/1606.00915

Convolutions of several dilations side by side, joined by a convolution or weighed at each position (see ``branches``)
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from search_spaces.attention.branches import BranchAttention, convolution
from search_spaces.attention.mechanism import Mechanism, check_option, mechanism
from search_spaces.errors import InputError
from search_spaces.layers import CONV, BatchNorm

FUSIONS = ("attention", "concatenate")


@mechanism(
    "aspp",
    family="multi-scale",
    type="branch",
    title="Atrous spatial pyramid",
    paper="Chen, Papandreou, Kokkinos, Murphy, Yuille: DeepLab, TPAMI",
    year=2018,
    address="https://arxiv.org/abs/1606.00915",
    cost="O(C^2 n 3^dims)",
    inputs="block",
    choices={"widest": (2, 4, 6), "fusion": ("attention", "concatenate")},
)
class AtrousPyramid(Mechanism):
    """A 1x1 and three 3x3 convolutions of growing dilation.

    With ``concatenate`` each branch has a share of the channels and a 1x1 convolution mixes them, as in MONAI.

    Args:
        channels: channels of the result.
        dims: 2 or 3.
        in_channels: channels of the input; left out, as many as of the result.
        stride: of every branch.
        widest: the largest dilation; the others are 1 and half of it.
        fusion: ``attention`` or ``concatenate``.
        dilations: of all branches, the first that of the 1x1, in place of ``widest``.
        branch_channels: channels of a branch that is concatenated; left out, a share of ``channels``.
    """

    def __init__(
        self,
        channels: int,
        *,
        dims: int,
        in_channels: int | None = None,
        stride: int = 1,
        widest: int = 4,
        fusion: str = "attention",
        dilations: Sequence[int] | None = None,
        branch_channels: int | None = None,
    ) -> None:
        check_option("aspp fusion", fusion, FUSIONS)
        super().__init__()
        inputs = in_channels or channels
        first, *others = dilations or (1, 1, max(widest // 2, 1), widest)
        attended = fusion == "attention"
        width = channels if attended else branch_channels or max(channels // (1 + len(others)), 1)
        if not attended and first != 1:
            raise InputError(f"aspp dilations: expected 1 for the 1x1 convolution, got {first}")
        branches = [convolution(dims, inputs, width, 1, stride)]
        branches += [convolution(dims, inputs, width, 3, stride, dilation) for dilation in others]
        self.attention = BranchAttention(inputs, branches, dims=dims, stride=stride) if attended else None
        self.branches = None if attended else nn.ModuleList(branches)
        self.join = (
            nn.Identity()
            if attended
            else nn.Sequential(
                CONV[dims](width * len(branches), channels, 1, bias=False), BatchNorm(channels), nn.LeakyReLU(0.01)
            )
        )

    def forward(self, x: Tensor) -> Tensor:
        """``(batch, in_channels, *spatial)`` to ``(batch, channels, *spatial)``."""
        if self.attention is not None:
            return self.attention(x)
        assert self.branches is not None
        return self.join(torch.cat([branch(x) for branch in self.branches], dim=1))
