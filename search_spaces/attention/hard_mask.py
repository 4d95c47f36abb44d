"""Hard attention: a binary mask that leaves regions out, trained by a straight-through estimator.

Xu et al.: Show, Attend and Tell, ICML 2015, https://arxiv.org/abs/1502.03044, where hard attention comes from;
Bengio, Leonard, Courville: Estimating or Propagating Gradients Through Stochastic Neurons, 2013,
https://arxiv.org/abs/1308.3432, for the estimator.

y = x * m,  m = 1 where a > threshold (or among the k highest) and else 0,  a = sigmoid(w . x),  dm/da := 1
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from search_spaces.attention.mechanism import Mechanism, check_option, mechanism
from search_spaces.errors import InputError
from search_spaces.exporting import exporting
from search_spaces.layers import CONV

MODES = ("threshold", "top")
OPEN = 2.0  # how far above the threshold weights are at first, before their sigmoid


@mechanism(
    "hard_mask",
    family="other",
    type="hard",
    title="Hard attention mask",
    paper="Xu, Ba, Kiros, Cho, Courville, Salakhutdinov, Zemel, Bengio: Show, Attend and Tell, ICML",
    year=2015,
    address="https://arxiv.org/abs/1502.03044",
    cost="O(C n)",
    choices={"mode": ("threshold", "top"), "share": (0.25, 0.5, 0.75)},
)
class HardMask(Mechanism):
    """Keeps some positions as they are and sets the others to zero.

    Args:
        channels: channels of the feature map.
        dims: 2 or 3.
        mode: ``threshold`` keeps the positions whose weight is above ``share``, ``top`` that share of all positions
            (at least one), the highest weights first.
        share: see ``mode``; between 0 and 1.

    Weights start above the threshold at nearly all positions: what a mask leaves out at the start, in slot after slot,
    is lost to all that follow, and a network of masks that began around 0.5 under a threshold of 0.75 never learnt.
    """

    def __init__(self, channels: int, *, dims: int, mode: str = "threshold", share: float = 0.5) -> None:
        check_option("hard_mask mode", mode, MODES)
        if not 0 < share < 1:
            raise InputError(f"hard_mask share: expected a number between 0 and 1, got {share!r}")
        super().__init__()
        self.mode, self.share = mode, share
        self.score = CONV[dims](channels, 1, 1)
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Open the mask; its other weights are drawn by their layer."""
        assert self.score.bias is not None
        nn.init.constant_(self.score.bias, math.log(self.share / (1 - self.share)) + OPEN)

    def forward(self, x: Tensor) -> Tensor:
        """``x`` and the result: ``(batch, channels, *spatial)``."""
        soft = torch.sigmoid(self.score(x))
        hard = (soft > self._threshold(soft)).to(soft.dtype)
        return x * (hard + soft - soft.detach())

    def _threshold(self, soft: Tensor) -> Tensor | float:
        """What a kept weight is above, for each image."""
        if self.mode == "threshold":
            return self.share
        weights = soft.detach().flatten(1)
        if exporting():
            return self._exported(weights).reshape(-1, *[1] * (soft.dim() - 1))
        left_out = weights.shape[1] - max(round(self.share * weights.shape[1]), 1)
        if left_out == 0:
            return -1.0
        return weights.kthvalue(left_out, dim=1).values.reshape(-1, *[1] * (soft.dim() - 1))

    def _exported(self, weights: Tensor) -> Tensor:
        """The same of ``(batch, positions)``, with a number of positions that is known when the export runs."""
        count = torch.ones_like(weights[0], dtype=torch.int64).sum()
        left_out = count - (self.share * count.double()).round().long().clamp(min=1)  # half to even, as Python rounds
        ranked = torch.cat([torch.full_like(weights[:, :1], -1.0), weights.sort(1).values], dim=1)
        return ranked.index_select(1, left_out.reshape(1))
