"""Expectation-maximisation attention. Li, Zhong, Wu, Yang, Lin, Liu: Expectation-Maximization Attention Networks,
ICCV 2019, https://arxiv.org/abs/1907.13426

T times: Z = softmax_K(z' mu), mu = z Z / sum Z;  y = relu(BN(W relu(mu Z')) + x)
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from search_spaces.attention.mechanism import Mechanism, check_option, mechanism
from search_spaces.layers import CONV, NORM


@mechanism(
    "ema",
    family="self-similarity",
    type="hybrid",
    title="Expectation-maximisation attention",
    paper="Li, Zhong, Wu, Yang, Lin, Liu: Expectation-Maximization Attention Networks, ICCV",
    year=2019,
    address="https://arxiv.org/abs/1907.13426",
    cost="O(C^2 n + T K C n)",
    choices={"bases": (8, 16, 32, 64), "stages": (1, 3)},
)
class ExpectationMaximisationAttention(Mechanism):
    """Rebuilds every position from a few bases that are fitted to the image; attention of n positions to K bases.

    As in the authors' code no gradient goes through the fitting, so the convolution before it never trains;
    ``full_gradient`` lets it through. In training the initial bases follow those of the images, by ``momentum``; the
    authors do this in the training loop.

    Args:
        channels: channels of the feature map.
        dims: 2 or 3.
        bases: number K of bases.
        stages: number T of fitting steps.
        momentum: weight of the old bases when they follow; 1 keeps them.
        full_gradient: whether the gradient goes through the fitting.
        norm: key of ``NORM``, the normalisation of the result.
    """

    bases: Tensor

    def __init__(
        self,
        channels: int,
        *,
        dims: int,
        bases: int = 16,
        stages: int = 3,
        momentum: float = 0.9,
        full_gradient: bool = True,
        norm: str = "batch",
    ) -> None:
        super().__init__()
        check_option("ema norm", norm, NORM)
        self.stages, self.momentum, self.full_gradient = stages, momentum, full_gradient
        self.embed = CONV[dims](channels, channels, 1)
        self.project = CONV[dims](channels, channels, 1, bias=False)
        self.norm = NORM[norm](channels)
        self.register_buffer("bases", torch.empty(channels, bases))
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draw the initial bases; each has length 1."""
        nn.init.normal_(self.bases, std=math.sqrt(2 / self.bases.shape[1]))
        self.bases.copy_(_unit(self.bases, 0))

    def forward(self, x: Tensor) -> Tensor:
        """``x`` and the result: ``(batch, channels, *spatial)``."""
        y, fitted = self.attend(x)
        if self.training and self.momentum < 1:
            with torch.no_grad():
                self.bases.mul_(self.momentum).add_(fitted.mean(0).to(self.bases.dtype), alpha=1 - self.momentum)
        return y

    def attend(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """The result, and the bases fitted to each image, ``(batch, channels, bases)``."""
        z = self.embed(x).flatten(2)
        with torch.set_grad_enabled(torch.is_grad_enabled() and self.full_gradient):
            bases = self.bases.to(z.dtype).repeat(z.shape[0], 1, 1)  # a copy: the buffer moves on in training
            for _ in range(self.stages):
                shares = (z.transpose(1, 2) @ bases).softmax(2)
                bases = _unit(z @ (shares / (EPSILON + shares.sum(1, keepdim=True))), 1)
        rebuilt = F.relu(bases @ shares.transpose(1, 2)).unflatten(2, x.shape[2:])
        return F.relu(self.norm(self.project(rebuilt)) + x), bases


EPSILON = 1e-6


def _unit(x: Tensor, dim: int) -> Tensor:
    """``x`` with length 1 along ``dim``."""
    return x / (EPSILON + torch.linalg.vector_norm(x, dim=dim, keepdim=True))
