"""Reverse attention. Chen, Tan, Wang, Hu: Reverse Attention for Salient Object Detection, ECCV 2018,
https://arxiv.org/abs/1807.09940; for polyps in Fan et al.: PraNet, MICCAI 2020, https://arxiv.org/abs/2006.11392

y = x * (1 - foreground of the coarse prediction): what is found already is erased, its surroundings are looked at
"""

from __future__ import annotations

import torch
from torch import Tensor

from search_spaces.attention.mechanism import Mechanism, mechanism
from search_spaces.layers import resize


def reverse_map(prediction: Tensor, size: torch.Size) -> Tensor:
    """``(batch, 1, *size)``: how little of the foreground a coarse prediction sees.

    Of one channel of logits it is one minus their sigmoid; of several, background first, the background's probability.
    """
    logits = resize(prediction, size)
    return torch.sigmoid(-logits) if logits.shape[1] == 1 else logits.softmax(1)[:, :1]


@mechanism(
    "reverse",
    family="other",
    type="hard",
    title="Reverse attention",
    paper="Chen, Tan, Wang, Hu: Reverse Attention for Salient Object Detection, ECCV",
    year=2018,
    address="https://arxiv.org/abs/1807.09940",
    cost="O(C n)",
    inputs="guided",
    choices={"keep": (False, True)},
)
class ReverseAttention(Mechanism):
    """Weighs the feature by how little of the foreground the coarse prediction sees.

    Args:
        channels: channels of the feature map.
        dims: 2 or 3.
        prediction_channels: channels of the coarse logits.
        keep: whether the input is added, so that what was found is weighed one and the rest two.
    """

    def __init__(self, channels: int, *, dims: int, prediction_channels: int, keep: bool = False) -> None:
        super().__init__()
        self.keep = keep

    def forward(self, x: Tensor, prediction: Tensor) -> Tensor:
        """``x`` and the result: ``(batch, channels, *spatial)``; ``prediction``: ``(batch, classes, *coarser)``."""
        weighed = x * reverse_map(prediction, x.shape[2:])
        return x + weighed if self.keep else weighed
