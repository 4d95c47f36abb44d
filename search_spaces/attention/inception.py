"""Inception branches joined by attention. Szegedy et al.: Going Deeper with Convolutions, CVPR 2015,
https://arxiv.org/abs/1409.4842, for the branches; the survey's equations for the attention, see ``branches``.
"""

from __future__ import annotations

from torch import Tensor, nn

from search_spaces.attention.branches import BranchAttention, convolution
from search_spaces.attention.mechanism import Mechanism, mechanism
from search_spaces.layers import CONV, MAX_POOL


@mechanism(
    "inception",
    family="multi-scale",
    type="branch",
    title="Inception branches with attention",
    paper="Szegedy et al.: Going Deeper with Convolutions, CVPR",
    year=2015,
    address="https://arxiv.org/abs/1409.4842",
    cost="O(C^2 n (1 + 3^dims + 5^dims))",
    inputs="block",
    choices={"largest": (3, 5), "pool": (False, True)},
)
class Inception(Mechanism):
    """Convolutions of several kernel sizes beside a pooling, weighed at each position.

    Args:
        channels: channels of the result.
        dims: 2 or 3.
        in_channels: channels of the input; left out, as many as of the result.
        stride: of every branch.
        largest: the odd kernel sizes from 1 to this are there.
        pool: whether a maximum pooling with a 1x1 convolution is another branch.
    """

    def __init__(
        self,
        channels: int,
        *,
        dims: int,
        in_channels: int | None = None,
        stride: int = 1,
        largest: int = 5,
        pool: bool = True,
    ) -> None:
        super().__init__()
        inputs = in_channels or channels
        branches = [convolution(dims, inputs, channels, kernel, stride) for kernel in range(1, largest + 1, 2)]
        if pool:
            branches.append(nn.Sequential(MAX_POOL[dims](3, stride, 1), CONV[dims](inputs, channels, 1)))
        self.attention = BranchAttention(inputs, branches, dims=dims, stride=stride)

    def forward(self, x: Tensor) -> Tensor:
        """``(batch, in_channels, *spatial)`` to ``(batch, channels, *spatial)``."""
        return self.attention(x)
