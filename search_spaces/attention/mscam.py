"""Multi-scale convolutional attention. Rahman, Munir, Marculescu: EMCAD, CVPR 2024, https://arxiv.org/abs/2405.06880

x' = SAB(CAB(x)), a channel and a spatial gate,  y = x' + BN(W_2 sum_k relu6(BN(dw_k h))),  h = relu6(BN(W_1 x'))
"""

from __future__ import annotations

from torch import Tensor, nn

from search_spaces.attention.cbam import ChannelGate, SpatialGate
from search_spaces.attention.mechanism import Mechanism, check_option, mechanism, squeezed
from search_spaces.layers import CONV, NORM
from search_spaces.pricing.parts import Part

KERNELS = (1, 3, 5)


class MultiScaleConvolution(Part):
    """Depthwise convolutions of several sizes between two 1x1 convolutions, added to the input.

    The paper shuffles the channels before the last convolution, which sees all of them: that only names its weights
    otherwise, and is left out.

    Args:
        channels: of the map.
        dims: 2 or 3.
        width: of the depthwise convolutions.
        norm: key of ``NORM``.
    """

    def __init__(self, channels: int, *, dims: int, width: int, norm: str) -> None:
        super().__init__()
        conv = CONV[dims]
        self.expand = nn.Sequential(conv(channels, width, 1, bias=False), NORM[norm](width), nn.ReLU6())
        self.scales = nn.ModuleList(
            nn.Sequential(
                conv(width, width, kernel, padding=kernel // 2, groups=width, bias=False), NORM[norm](width), nn.ReLU6()
            )
            for kernel in KERNELS
        )
        self.join = nn.Sequential(conv(width, channels, 1, bias=False), NORM[norm](channels))

    def forward(self, x: Tensor) -> Tensor:
        hidden = self.expand(x)
        found = [scale(hidden) for scale in self.scales]
        return x + self.join(sum(found[1:], found[0]))


@mechanism(
    "mscam",
    family="multi-scale",
    type="hybrid",
    title="Multi-scale convolutional attention",
    paper="Rahman, Munir, Marculescu: EMCAD, Efficient Multi-scale Convolutional Attention Decoding, CVPR",
    year=2024,
    address="https://arxiv.org/abs/2405.06880",
    cost="O(C^2 n e + C n e 5^dims), e expansion",
    choices={"expansion": (1, 2), "reduction": (4, 8, 16)},
    effective={"reduction": squeezed},
)
class MultiScaleConvolutionalAttention(Mechanism):
    """A channel gate, a spatial gate, then depthwise convolutions of several sizes.

    Written from the paper. Its gates are those of CBAM without biases and without a norm.

    Args:
        channels: channels of the feature map.
        dims: 2 or 3; in 3D kernels are cubes.
        expansion: ratio of the depthwise convolutions' channels to ``channels``.
        reduction: squeeze ratio of the channel gate; the paper's is 16.
        min_width: lower bound of the squeezed width.
        kernel: odd side of the spatial gate's kernel.
        norm: key of ``NORM``.
    """

    def __init__(
        self,
        channels: int,
        *,
        dims: int,
        expansion: int = 2,
        reduction: int = 16,
        min_width: int = 4,
        kernel: int = 7,
        norm: str = "batch",
    ) -> None:
        check_option("mscam norm", norm, NORM)
        super().__init__()
        width = max(channels // reduction, min_width)
        self.channel_gate = ChannelGate(channels, width, ("max", "avg"), bias=False)
        self.spatial_gate = SpatialGate(dims, kernel, norm=False)
        self.convolve = MultiScaleConvolution(channels, dims=dims, width=expansion * channels, norm=norm)

    def forward(self, x: Tensor) -> Tensor:
        """``x`` and the result: ``(batch, channels, *spatial)``."""
        return self.convolve(self.spatial_gate(self.channel_gate(x)))
