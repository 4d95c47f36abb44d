"""Triplet attention. Misra, Nalamada, Arasanipalai, Hou: Rotate to Attend, WACV 2021, https://arxiv.org/abs/2010.03045

y = mean_a x * sigmoid(BN(conv_k[max_a x; mean_a x])) over the axes a: each spatial axis and the channels
"""

from __future__ import annotations

from torch import Tensor, nn

from search_spaces.attention.cbam import SpatialGate
from search_spaces.attention.mechanism import Mechanism, check_odd, mechanism
from search_spaces.layers import SPATIAL_AXES


@mechanism(
    "triplet",
    family="conventional",
    type="dual",
    title="Triplet attention",
    paper="Misra, Nalamada, Arasanipalai, Hou: Rotate to Attend, Convolutional Triplet Attention Module, WACV",
    year=2021,
    address="https://arxiv.org/abs/2010.03045",
    cost="O(k^dims (n + C n / H + C n / W))",
    choices={"kernel": (3, 5, 7), "channel": (True, False)},
)
class TripletAttention(Mechanism):
    """The spatial gate of CBAM on the map as it is and with the channels in the place of each spatial axis.

    Every gate has weights of its own; their number does not depend on the channels. In ports a map is often transposed
    against the authors': a gate sees its axes in the order that they have once channels and pooled axis change places.

    Args:
        channels: channels of the feature map.
        dims: 2 or 3; in 3D there are four gates, and their kernels are cubes.
        kernel: odd side of the gates' kernels.
        channel: whether there is a gate over the channels, which weighs positions.
    """

    def __init__(self, channels: int, *, dims: int, kernel: int = 7, channel: bool = True) -> None:
        check_odd("triplet kernel", kernel)
        super().__init__()
        self.axes = SPATIAL_AXES[dims] + ((1,) if channel else ())
        self.gates = nn.ModuleList(SpatialGate(dims, kernel, norm=True) for _ in self.axes)

    def forward(self, x: Tensor) -> Tensor:
        """``x`` and the result: ``(batch, channels, *spatial)``."""
        gated = [
            gate(x.transpose(1, axis)).transpose(1, axis) for gate, axis in zip(self.gates, self.axes, strict=True)
        ]
        return sum(gated[1:], gated[0]) / len(gated)
