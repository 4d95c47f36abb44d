"""Branches of convolutions, joined by attention maps that sum to one over the branches at each position.

Xie, Yang, Han, Wang, Chen: Attention mechanisms in medical image segmentation: a survey, 2023,
https://arxiv.org/abs/2305.17937, equations 1 and 2:  A = softmax_N(W2 relu(W1 x)),  y = sum_n A_n F_n(x)
"""

from __future__ import annotations

from collections.abc import Iterable

from torch import Tensor, nn
from torch.nn import functional as F

from search_spaces.layers import CONV
from search_spaces.pricing.parts import Part


class BranchAttention(Part):
    """Weighs the results of branches position by position.

    Args:
        in_channels: channels of the input of all branches.
        branches: modules with results of one shape.
        dims: 2 or 3.
        stride: of the branches.
        min_width: lower bound of the width inside the attention, which is half of ``in_channels``.
    """

    def __init__(
        self, in_channels: int, branches: Iterable[nn.Module], *, dims: int, stride: int = 1, min_width: int = 4
    ) -> None:
        super().__init__()
        width = max(in_channels // 2, min_width)
        self.branches = nn.ModuleList(branches)
        self.squeeze = CONV[dims](in_channels, width, 1, stride)
        self.score = CONV[dims](width, len(self.branches), 1)

    def forward(self, x: Tensor) -> Tensor:
        """``(batch, in_channels, *spatial)`` to what the branches give."""
        weights = self.score(F.relu(self.squeeze(x))).softmax(1).split(1, dim=1)
        results = [weight * branch(x) for weight, branch in zip(weights, self.branches, strict=True)]
        return sum(results[1:], results[0])


def convolution(
    dims: int, in_channels: int, channels: int, kernel: int, stride: int = 1, dilation: int = 1
) -> nn.Module:
    """A convolution with bias that keeps the size, but for its stride."""
    return CONV[dims](in_channels, channels, kernel, stride, dilation * (kernel // 2), dilation)
