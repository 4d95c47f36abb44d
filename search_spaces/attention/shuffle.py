"""Shuffle attention. Zhang, Yang: SA-Net, Shuffle Attention for Deep Convolutional Neural Networks, ICASSP 2021,
https://arxiv.org/abs/2102.00240

In groups of channels, by halves: p' = p * sigmoid(w_1 mean_s p + b_1),  s' = s * sigmoid(w_2 IN(s) + b_2);  then
channels of the first and second half of the result in turn
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from search_spaces.attention.mechanism import Mechanism, mechanism
from search_spaces.layers import SPATIAL_AXES, instance_norm


@mechanism(
    "shuffle",
    family="conventional",
    type="dual",
    title="Shuffle attention",
    paper="Zhang, Yang: SA-Net, Shuffle Attention for Deep Convolutional Neural Networks, ICASSP",
    year=2021,
    address="https://arxiv.org/abs/2102.00240",
    cost="O(C n)",
    choices={"groups": (1, 2, 4, 8)},
    effective={"groups": lambda channels, settings: fitting_groups(channels, settings["groups"])},
)
class ShuffleAttention(Mechanism):
    """Half of the channels of each group gate themselves by their means, half their positions; few parameters.

    All groups share their weights. The channels of the result are in another order, as in the authors' code; this is
    not the medical network that is also called SA-Net.

    Args:
        channels: channels of the feature map. Of an odd number one half is larger, and the order stays.
        dims: 2 or 3.
        groups: number of groups, the authors' is 64; the most, up to this, that have halves of equal width.
    """

    def __init__(self, channels: int, *, dims: int, groups: int = 4) -> None:
        super().__init__()
        self.axes = SPATIAL_AXES[dims]
        width = channels // fitting_groups(channels, groups)
        self.halves, self.even = (width // 2, width - width // 2), channels % 2 == 0
        self.mean_scale, self.mean_shift = (nn.Parameter(torch.empty(self.halves[0], *[1] * dims)) for _ in range(2))
        self.norm = instance_norm(self.halves[1])
        self.place_scale, self.place_shift = (nn.Parameter(torch.empty(self.halves[1], *[1] * dims)) for _ in range(2))
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """All gates stand at sigmoid(1) at first."""
        for scale, shift in ((self.mean_scale, self.mean_shift), (self.place_scale, self.place_shift)):
            nn.init.zeros_(scale)
            nn.init.ones_(shift)

    def forward(self, x: Tensor) -> Tensor:
        """``x`` and the result: ``(batch, channels, *spatial)``."""
        groups = x.reshape(-1, sum(self.halves), *x.shape[2:])
        first, second = groups.split(self.halves, dim=1)
        first = first * torch.sigmoid(self.mean_scale * first.mean(self.axes, keepdim=True) + self.mean_shift)
        second = second * torch.sigmoid(self.place_scale * self.norm(second) + self.place_shift)
        y = torch.cat([first, second], dim=1).reshape(x.shape)
        return y.unflatten(1, (2, -1)).transpose(1, 2).flatten(1, 2) if self.even else y


def fitting_groups(channels: int, groups: int) -> int:
    """The most groups, up to ``groups``, whose width is even; 1 where none are."""
    return next((count for count in range(groups, 0, -1) if channels % (2 * count) == 0), 1)
