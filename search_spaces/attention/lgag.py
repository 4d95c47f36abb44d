"""Large-kernel grouped attention gate. Rahman, Munir, Marculescu: EMCAD, CVPR 2024, https://arxiv.org/abs/2405.06880

y = x * sigmoid(BN(w relu(BN(gconv_k x) + BN(gconv_k up(g))))), with grouped convolutions
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from search_spaces.attention.mechanism import Mechanism, check_odd, check_option, mechanism, squeezed
from search_spaces.layers import CONV, NORM, resize


@mechanism(
    "lgag",
    family="gate",
    type="spatial",
    title="Large-kernel grouped attention gate",
    paper="Rahman, Munir, Marculescu: EMCAD, Efficient Multi-scale Convolutional Attention Decoding, CVPR",
    year=2024,
    address="https://arxiv.org/abs/2405.06880",
    inputs="gated",
    cost="O(C n k^dims)",
    choices={"kernel": (3, 5), "reduction": (1, 2, 4)},
    effective={"reduction": squeezed},
)
class LargeKernelGate(Mechanism):
    """Weights the positions of a skip by what small surroundings in it and in a coarser, deeper feature say.

    Written from the paper. The groups of a convolution are as many as its input and its result can share.

    Args:
        channels: channels of the feature map.
        dims: 2 or 3; in 3D kernels are cubes.
        gate_channels: channels of the gating feature, of any size; it is interpolated linearly.
        kernel: odd side of the kernels.
        reduction: ratio of ``channels`` to the width in which the two are compared.
        min_width: lower bound of that width.
        norm: key of ``NORM``.
    """

    def __init__(
        self,
        channels: int,
        *,
        dims: int,
        gate_channels: int,
        kernel: int = 3,
        reduction: int = 2,
        min_width: int = 4,
        norm: str = "batch",
    ) -> None:
        check_odd("lgag kernel", kernel)
        check_option("lgag norm", norm, NORM)
        super().__init__()
        conv, width = CONV[dims], max(channels // reduction, min_width)

        def convolution(inputs: int) -> nn.Sequential:
            groups = math.gcd(inputs, width)
            layer = conv(inputs, width, kernel, padding=kernel // 2, groups=groups, bias=False)
            return nn.Sequential(layer, NORM[norm](width))

        self.skip, self.gate = convolution(channels), convolution(gate_channels)
        self.score = nn.Sequential(conv(width, 1, 1, bias=False), NORM[norm](1))

    def forward(self, x: Tensor, gate: Tensor) -> Tensor:
        """``x`` and the result: ``(batch, channels, *spatial)``; ``gate``: ``(batch, gate_channels, *any)``."""
        # The gate's side first: its gradient, the largest, is then made when the way back is done with the skip's side.
        found = F.relu(self.gate(resize(gate, x.shape[2:])) + self.skip(x))
        return x * torch.sigmoid(self.score(found))
