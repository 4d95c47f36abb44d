"""Convolutional Block Attention Module. Woo et al.: CBAM, ECCV 2018, https://arxiv.org/abs/1807.06521

x' = sigmoid(F(mean_s x) + F(max_s x)) * x,  y = sigmoid(BN(conv_k[max_c x'; mean_c x'])) * x'
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import Tensor, nn

from search_spaces.attention.mechanism import Mechanism, check_odd, check_option, mechanism, squeezed
from search_spaces.layers import CONV, BatchNorm, linear
from search_spaces.pricing.parts import Part

# Over the positions of (batch, channels, positions). max(...).values, not amax: of equal maxima one gets the gradient.
POOLS: dict[str, Callable[[Tensor], Tensor]] = {
    "avg": lambda x: x.mean(-1),
    "max": lambda x: x.max(-1).values,
    "lp": lambda x: torch.linalg.vector_norm(x, dim=-1),
    "lse": lambda x: x.logsumexp(-1),
}


class ChannelGate(Part):
    """Channel weights from one perceptron shared by several poolings over the positions."""

    def __init__(self, channels: int, width: int, pools: Sequence[str], bias: bool = True) -> None:
        super().__init__()
        for pool in pools:
            check_option("cbam pool", pool, POOLS)
        self.pools = tuple(pools)
        self.perceptron = nn.Sequential(
            linear(channels, width, bias=bias), nn.ReLU(inplace=True), linear(width, channels, bias=bias)
        )

    def forward(self, x: Tensor) -> Tensor:
        positions = x.flatten(2)
        pooled = torch.stack([POOLS[pool](positions) for pool in self.pools])
        scores = self.perceptron(pooled).sum(0)
        return x * torch.sigmoid(scores).reshape(*scores.shape, *[1] * (x.dim() - 2))


class SpatialGate(Part):
    """Position weights from a wide convolution over the channels' maximum and mean."""

    def __init__(self, dims: int, kernel: int, norm: bool) -> None:
        check_odd("cbam kernel", kernel)
        super().__init__()
        self.conv = CONV[dims](2, 1, kernel, padding=kernel // 2, bias=False)
        self.norm = BatchNorm(1, momentum=0.01) if norm else nn.Identity()  # the authors' momentum

    def forward(self, x: Tensor) -> Tensor:
        pooled = torch.cat([x.max(1, keepdim=True).values, x.mean(1, keepdim=True)], dim=1)
        return x * torch.sigmoid(self.norm(self.conv(pooled)))


@mechanism(
    "cbam",
    family="conventional",
    type="dual",
    title="Convolutional Block Attention Module",
    paper="Woo, Park, Lee, Kweon: CBAM, Convolutional Block Attention Module, ECCV",
    year=2018,
    address="https://arxiv.org/abs/1807.06521",
    cost="O(C n + C^2 / r + k^dims n)",
    choices={"reduction": (2, 4, 8, 16), "kernel": (3, 5, 7)},
    effective={"reduction": squeezed},
)
class ConvolutionalBlockAttention(Mechanism):
    """A channel gate, then a spatial gate.

    As the authors' code: biases in the perceptron, batch normalisation without activation in the spatial gate
    (the paper mentions neither), and the maximum before the mean.

    Args:
        channels: channels of the feature map.
        dims: 2 or 3; in 3D the spatial kernel is a cube.
        reduction: squeeze ratio r of the perceptron.
        kernel: odd side of the spatial gate's kernel.
        min_width: lower bound of the squeezed width.
        pools: poolings of the channel gate, of ``avg``, ``max``, ``lp`` (Euclidean norm), ``lse`` (log-sum-exp).
        spatial: whether the spatial gate follows.
        norm: whether the spatial gate normalises.
    """

    def __init__(
        self,
        channels: int,
        *,
        dims: int,
        reduction: int = 4,
        kernel: int = 7,
        min_width: int = 4,
        pools: Sequence[str] = ("avg", "max"),
        spatial: bool = True,
        norm: bool = True,
    ) -> None:
        super().__init__()
        self.channel_gate = ChannelGate(channels, max(channels // reduction, min_width), pools)
        self.spatial_gate = SpatialGate(dims, kernel, norm) if spatial else nn.Identity()

    def forward(self, x: Tensor) -> Tensor:
        """``x`` and the result: ``(batch, channels, *spatial)``."""
        return self.spatial_gate(self.channel_gate(x))
