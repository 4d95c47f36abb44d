"""SimAM. Yang, Zhang, Li, Xie: SimAM, ICML 2021, https://proceedings.mlr.press/v139/yang21o.html

d = (x - mean_s x)^2,  y = x * sigmoid(d / (4 (sum_s d / (n - 1) + lambda)) + 1/2)
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from search_spaces.attention.mechanism import Mechanism, mechanism
from search_spaces.exporting import smaller
from search_spaces.layers import SPATIAL_AXES


@mechanism(
    "simam",
    family="conventional",
    type="spatial",
    title="Simple, parameter-free attention",
    paper="Yang, Zhang, Li, Xie: SimAM, A Simple, Parameter-Free Attention Module, ICML",
    year=2021,
    address="https://proceedings.mlr.press/v139/yang21o.html",
    cost="O(C n)",
    choices={"regularisation": (1e-4, 1e-2)},
)
class SimpleAttention(Mechanism):
    """Lets a position pass by how far it stands out of its channel; no parameters, and no weight below 0.62.

    The paper's variance divides by n, the authors' code, followed here, by n - 1.

    Args:
        channels: channels of the feature map.
        dims: 2 or 3.
        regularisation: lambda, what is added to the variance.
    """

    def __init__(self, channels: int, *, dims: int, regularisation: float = 1e-4) -> None:
        super().__init__()
        self.axes, self.regularisation = SPATIAL_AXES[dims], regularisation

    def forward(self, x: Tensor) -> Tensor:
        """``x`` and the result: ``(batch, channels, *spatial)``."""
        others = math.prod(x.shape[2:]) - 1
        others = others + 1 - smaller(others, 1)  # a position alone stands out of nothing
        squares = (x - x.mean(self.axes, keepdim=True)).square()
        variance = squares.sum(self.axes, keepdim=True) / others
        return x * torch.sigmoid(squares / (4 * (variance + self.regularisation)) + 0.5)
