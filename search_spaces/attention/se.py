"""Squeeze-and-Excitation. Hu, Shen, Sun: Squeeze-and-Excitation Networks, CVPR 2018, https://arxiv.org/abs/1709.01507

s = sigmoid(W2 relu(W1 mean(x))),  y = s * x
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from search_spaces.attention.mechanism import Mechanism, check_option, mechanism, squeezed
from search_spaces.layers import CONV, SPATIAL_AXES

POOLS = ("mean", "max", "both")
GATES: dict[str, Callable[[Tensor], Tensor]] = {"sigmoid": torch.sigmoid, "hard_sigmoid": F.hardsigmoid}


@mechanism(
    "se",
    family="conventional",
    type="channel",
    title="Squeeze-and-Excitation",
    paper="Hu, Shen, Sun: Squeeze-and-Excitation Networks, CVPR",
    year=2018,
    address="https://arxiv.org/abs/1709.01507",
    cost="O(C n + C^2 / r)",
    choices={"reduction": (2, 4, 8, 16)},
    effective={"reduction": squeezed},
)
class SqueezeExcitation(Mechanism):
    """Reweights channels by a two-layer perceptron on their means.

    The squeeze keeps at least ``min_width`` channels (the authors' plain ``C // r`` is 0 for narrow
    networks). Both layers have biases, as in the authors' released models.

    Args:
        channels: channels of the feature map.
        dims: 2 or 3; the mean runs over all spatial axes.
        reduction: squeeze ratio r.
        min_width: lower bound of the squeezed width.
        bias: whether the two layers have biases.
        pool: what is squeezed, the ``mean`` of a channel, its ``max``, or ``both``, half of each.
        gate: key of ``GATES``.
    """

    def __init__(
        self,
        channels: int,
        *,
        dims: int,
        reduction: int = 4,
        min_width: int = 4,
        bias: bool = True,
        pool: str = "mean",
        gate: str = "sigmoid",
    ) -> None:
        super().__init__()
        check_option("se pool", pool, POOLS)
        check_option("se gate", gate, GATES)
        width = max(channels // reduction, min_width)
        self.axes, self.pool, self.gate = SPATIAL_AXES[dims], pool, GATES[gate]
        self.squeeze = CONV[dims](channels, width, 1, bias=bias)
        self.activation = nn.ReLU(inplace=True)
        self.excite = CONV[dims](width, channels, 1, bias=bias)

    def forward(self, x: Tensor) -> Tensor:
        """``x`` and the result: ``(batch, channels, *spatial)``."""
        return x * self.gate(self.excite(self.activation(self.squeeze(self._pooled(x)))))

    def _pooled(self, x: Tensor) -> Tensor:
        parts = []
        if self.pool != "max":
            parts.append(x.mean(self.axes, keepdim=True))
        if self.pool != "mean":
            parts.append(x.amax(self.axes, keepdim=True))
        return parts[0] if len(parts) == 1 else (parts[0] + parts[1]) / 2
