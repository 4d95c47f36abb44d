"""Asymmetric convolutions. Ding, Guo, Ding, Han: ACNet, ICCV 2019, https://arxiv.org/abs/1908.03930

A k x k, a k x 1 and a 1 x k convolution side by side, summed or weighed at each position (see ``branches``)
"""

from __future__ import annotations

from typing import Any

from torch import Tensor, nn

from search_spaces.attention.branches import BranchAttention
from search_spaces.attention.mechanism import Mechanism, check_odd, check_option, mechanism
from search_spaces.layers import CONV, NORM
from search_spaces.pricing.parts import Part

FUSIONS = ("attention", "sum")


@mechanism(
    "asymmetric",
    family="multi-scale",
    type="branch",
    title="Asymmetric convolutions",
    paper="Ding, Guo, Ding, Han: ACNet, Strengthening the Kernel Skeletons via Asymmetric Convolution Blocks, ICCV",
    year=2019,
    address="https://arxiv.org/abs/1908.03930",
    cost="O(C^2 n (k^dims + dims k))",
    inputs="block",
    choices={"kernel": (3, 5), "fusion": ("attention", "sum")},
)
class AsymmetricConvolution(Mechanism):
    """A full kernel and one along each axis, each normalised.

    In 3D the paper says nothing; here the extra kernels are lines along each of the three axes.

    Args:
        channels: channels of the result.
        dims: 2 or 3.
        in_channels: channels of the input; left out, as many as of the result.
        stride: of every branch.
        kernel: odd length k.
        groups: of every branch.
        fusion: ``sum`` as the authors, who fold the branches into one kernel after training, or ``attention``.
        norm: key of ``NORM``.
    """

    def __init__(
        self,
        channels: int,
        *,
        dims: int,
        in_channels: int | None = None,
        stride: int = 1,
        kernel: int = 3,
        groups: int = 1,
        fusion: str = "attention",
        norm: str = "batch",
    ) -> None:
        check_option("asymmetric fusion", fusion, FUSIONS)
        check_option("asymmetric norm", norm, NORM)
        check_odd("asymmetric kernel", kernel)
        super().__init__()
        conv: Any = CONV[dims]
        inputs = in_channels or channels
        lines = [tuple(kernel if axis == along else 1 for axis in range(dims)) for along in range(dims)]

        def branch(shape: tuple[int, ...]) -> nn.Sequential:
            padding = tuple(side // 2 for side in shape)
            return nn.Sequential(
                conv(inputs, channels, shape, stride, padding, groups=groups, bias=False), NORM[norm](channels)
            )

        branches = [branch(shape) for shape in ((kernel,) * dims, *lines)]
        self.fuse = (
            BranchAttention(inputs, branches, dims=dims, stride=stride) if fusion == "attention" else Sum(branches)
        )

    def forward(self, x: Tensor) -> Tensor:
        """``(batch, in_channels, *spatial)`` to ``(batch, channels, *spatial)``."""
        return self.fuse(x)


class Sum(Part):
    """The sum of what branches give."""

    def __init__(self, branches: list[nn.Sequential]) -> None:
        super().__init__()
        self.branches = nn.ModuleList(branches)

    def forward(self, x: Tensor) -> Tensor:
        results = [branch(x) for branch in self.branches]
        return sum(results[1:], results[0])
