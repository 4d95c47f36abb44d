"""Concurrent spatial and channel squeeze-and-excitation. Roy, Navab, Wachinger: Concurrent Spatial and Channel
Squeeze & Excitation in Fully Convolutional Networks, MICCAI 2018, https://arxiv.org/abs/1803.02579

y = join(x * sigmoid(W2 relu(W1 mean_s x)), x * sigmoid(w . x))
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from search_spaces.attention.mechanism import Mechanism, check_option, mechanism, squeezed
from search_spaces.attention.se import SqueezeExcitation
from search_spaces.layers import CONV

JOIN: dict[str, Callable[[Tensor, Tensor], Tensor]] = {
    "max": torch.maximum,
    "sum": torch.add,
    "product": torch.mul,
}


@mechanism(
    "scse",
    family="conventional",
    type="dual",
    title="Concurrent spatial and channel squeeze-and-excitation",
    paper="Roy, Navab, Wachinger: Concurrent Spatial and Channel Squeeze & Excitation, MICCAI",
    year=2018,
    address="https://arxiv.org/abs/1803.02579",
    cost="O(C n + C^2 / r)",
    choices={"reduction": (2, 4, 8, 16), "join": ("max", "sum")},
    effective={"reduction": squeezed},
)
class SpatialChannelSqueezeExcitation(Mechanism):
    """Squeeze-and-excitation beside a gate for each position, both applied to the input and then joined.

    Args:
        channels: channels of the feature map.
        dims: 2 or 3.
        reduction: squeeze ratio r of the channel part; the paper's is 2.
        join: ``max`` (the paper's last word), ``sum`` or ``product`` of the two results.
        min_width: lower bound of the squeezed width.
    """

    def __init__(self, channels: int, *, dims: int, reduction: int = 2, join: str = "max", min_width: int = 4) -> None:
        super().__init__()
        check_option("scse join", join, JOIN)
        self.channel = SqueezeExcitation(channels, dims=dims, reduction=reduction, min_width=min_width)
        self.spatial = CONV[dims](channels, 1, 1)
        self.join = JOIN[join]

    def forward(self, x: Tensor) -> Tensor:
        """``x`` and the result: ``(batch, channels, *spatial)``."""
        return self.join(self.channel(x), x * torch.sigmoid(self.spatial(x)))
