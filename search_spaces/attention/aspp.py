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
from search_spaces.layers import ACTIVATION, CONV, NORM

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
        kernels: of all branches; left out, 1 and then 3.
        branch_channels: channels of a branch that is concatenated; left out, a share of ``channels``.
        norm: key of ``NORM``, of what is concatenated.
        activation: key of ``ACTIVATION``, likewise.
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
        kernels: Sequence[int] | None = None,
        branch_channels: int | None = None,
        norm: str = "batch",
        activation: str = "leaky_relu",
    ) -> None:
        check_option("aspp fusion", fusion, FUSIONS)
        check_option("aspp norm", norm, NORM)
        check_option("aspp activation", activation, ACTIVATION)
        super().__init__()
        inputs = in_channels or channels
        dilations = dilations or (1, 1, max(widest // 2, 1), widest)
        kernels = kernels or [1, *[3] * (len(dilations) - 1)]
        if len(kernels) != len(dilations):
            raise InputError(f"aspp kernels: expected one for each of {len(dilations)} dilations, got {len(kernels)}")
        attended = fusion == "attention"
        width = channels if attended else branch_channels or max(channels // len(kernels), 1)
        branches = [
            convolution(dims, inputs, width, kernel, stride, dilation)
            for kernel, dilation in zip(kernels, dilations, strict=True)
        ]
        self.attention = BranchAttention(inputs, branches, dims=dims, stride=stride) if attended else None
        self.branches = None if attended else nn.ModuleList(branches)
        self.join = (
            nn.Identity()
            if attended
            else nn.Sequential(
                CONV[dims](width * len(branches), channels, 1, bias=False),
                NORM[norm](channels),
                ACTIVATION[activation](),
            )
        )

    def forward(self, x: Tensor) -> Tensor:
        """``(batch, in_channels, *spatial)`` to ``(batch, channels, *spatial)``."""
        if self.attention is not None:
            return self.attention(x)
        assert self.branches is not None
        return self.join(torch.cat([branch(x) for branch in self.branches], dim=1))
