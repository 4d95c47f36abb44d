"""Polarized self-attention. Liu, Liu, Fan, Zhang: Polarized Self-Attention, Neurocomputing 2022,
https://arxiv.org/abs/2107.00782

s_c = sigmoid(U W_v x softmax_n(w_q x)),  s_p = sigmoid(softmax_C(mean_n Q x)' V x),  y = x * s_c + x * s_p
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from search_spaces.attention.mechanism import Mechanism, check_option, mechanism
from search_spaces.layers import CONV, SPATIAL_AXES, layer_norm
from search_spaces.pricing.parts import Part

ARRANGEMENTS = ("parallel", "sequential")
SOFTMAX = ("query", "value", "after")


class PolarizedChannels(Part):
    """Channel weights ``(batch, channels, *ones)`` of a weighted mean over positions.

    The mean of projected positions is the projected mean, which costs one position.
    """

    def __init__(self, channels: int, half: int, *, dims: int, squeeze: int | None) -> None:
        super().__init__()
        conv = CONV[dims]
        self.query = conv(channels, 1, 1, bias=False)
        self.value = conv(channels, half, 1, bias=False)
        self.expand = (
            conv(half, channels, 1, bias=False)
            if squeeze is None
            else nn.Sequential(
                conv(half, squeeze, 1), layer_norm(squeeze), nn.ReLU(inplace=True), conv(squeeze, channels, 1)
            )
        )

    def forward(self, x: Tensor) -> Tensor:
        shares = self.query(x).flatten(2).softmax(2)
        mean = x.flatten(2) @ shares.transpose(1, 2)
        return torch.sigmoid(self.expand(self.value(mean.reshape(*mean.shape[:2], *[1] * (x.dim() - 2)))))


class PolarizedPlaces(Part):
    """Position weights ``(batch, 1, *spatial)`` by how their values answer the mean query.

    Where no softmax stands between, the query goes through the values' projection in the place of all positions.
    """

    def __init__(self, channels: int, half: int, *, dims: int, softmax: str) -> None:
        super().__init__()
        self.axes, self.softmax = SPATIAL_AXES[dims], softmax
        self.query = CONV[dims](channels, half, 1, bias=False)
        self.value = CONV[dims](channels, half, 1, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        query = self.query(x.mean(self.axes, keepdim=True)).flatten(1).unsqueeze(1)
        if self.softmax == "value":
            scores = query @ self.value(x).flatten(2).softmax(2)
        else:
            query = query.softmax(2) if self.softmax == "query" else query
            scores = query @ self.value.weight.flatten(1) @ x.flatten(2)
            scores = scores.softmax(2) if self.softmax == "after" else scores
        return torch.sigmoid(scores).unflatten(2, x.shape[2:])


@mechanism(
    "polarized",
    family="conventional",
    type="dual",
    title="Polarized self-attention",
    paper="Liu, Liu, Fan, Zhang: Polarized Self-Attention, Towards High-quality Pixel-wise Regression, Neurocomputing",
    year=2022,
    address="https://arxiv.org/abs/2107.00782",
    cost="O(C n + C^2); where the values have the softmax, O(C^2 n)",
    choices={"arrangement": ARRANGEMENTS, "softmax": SOFTMAX},
)
class PolarizedSelfAttention(Mechanism):
    """Weighs channels at full channel resolution, and positions at full spatial resolution.

    Where the softmax of the positions sits differs: on the query in the paper, after the product in the authors'
    parallel code, on the values in their sequential code. After the product all weights are near one half, which leaves
    the gate next to nothing to do.

    Args:
        channels: channels of the feature map.
        dims: 2 or 3.
        arrangement: ``parallel``, the sum of both, or ``sequential``, the positions' gate on what the channels' gives.
        softmax: ``query``, ``value`` or ``after``, see above.
        reduction: squeeze ratio of the channels' weights where both come in sequence.
        min_width: lower bound of that width: of a single channel the layer norm leaves nothing.
    """

    def __init__(
        self,
        channels: int,
        *,
        dims: int,
        arrangement: str = "parallel",
        softmax: str = "query",
        reduction: int = 8,
        min_width: int = 4,
    ) -> None:
        check_option("polarized arrangement", arrangement, ARRANGEMENTS)
        check_option("polarized softmax", softmax, SOFTMAX)
        super().__init__()
        self.parallel = arrangement == "parallel"
        half = max(channels // 2, 2)  # a query of one channel has nothing to weigh by a softmax
        squeeze = None if self.parallel else max(channels // reduction, min_width)
        self.channels = PolarizedChannels(channels, half, dims=dims, squeeze=squeeze)
        self.places = PolarizedPlaces(channels, half, dims=dims, softmax=softmax)

    def forward(self, x: Tensor) -> Tensor:
        """``x`` and the result: ``(batch, channels, *spatial)``."""
        if self.parallel:
            return x * (self.channels(x) + self.places(x))
        weighed = x * self.channels(x)
        return weighed * self.places(weighed)
