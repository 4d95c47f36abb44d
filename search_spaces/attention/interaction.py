"""Interaction-aggregation. Hou, Ma, Chang, Gu, Shan, Chen: Interaction-and-Aggregation Network for Person
Re-identification, CVPR 2019, https://arxiv.org/abs/1907.08435

z_i = x_i + BN(sum_j softmax_j(p_ij softmax_j(x_i . x_j / sqrt(C))) x_j),  y = z + BN(softmax_C(z z') z), where p_ij is
softmax_j(-|i - j|^2 / 2 a^2)
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.utils.checkpoint import checkpoint

from search_spaces.attention.mechanism import Mechanism, mechanism
from search_spaces.exporting import exporting
from search_spaces.initialisation import zero_last
from search_spaces.layers import BatchNorm

ROWS = 1024  # positions whose weights are held at a time


@mechanism(
    "interaction",
    family="self-similarity",
    type="hybrid",
    title="Interaction-aggregation",
    paper="Hou, Ma, Chang, Gu, Shan, Chen: Interaction-and-Aggregation Network for Person Re-identification, CVPR",
    year=2019,
    address="https://arxiv.org/abs/1907.08435",
    cost="O(C n^2 + C^2 n)",
    choices={"spread": (2.0, 4.0)},
)
class InteractionAggregation(Mechanism):
    """Positions that look alike and lie near each other, then channels, take on each other's values; starts as the
    identity and has no weights but those of its norms. ``iau`` is its successor.

    A softmax of a softmax has no fused kernel: the weights are made some rows at a time, and again for the gradient.
    The products of channels are not scaled in the authors' code, and saturate on large maps; ``scaled`` divides them by
    the number of positions.

    Args:
        channels: channels of the feature map.
        dims: 2 or 3.
        spread: standard deviation a of the prior in positions, or one for each axis.
        scaled: see above.
    """

    def __init__(self, channels: int, *, dims: int, spread: float | Sequence[float] = 4.0, scaled: bool = True) -> None:
        super().__init__()
        self.spread = (float(spread),) * dims if isinstance(spread, int | float) else tuple(spread)
        self.scaled = scaled
        self.place_norm = BatchNorm(channels)
        self.channel_norm = BatchNorm(channels)
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Zero both norms, so that the mechanism starts as the identity."""
        zero_last(self.place_norm)
        zero_last(self.channel_norm)

    def forward(self, x: Tensor) -> Tensor:
        """``x`` and the result: ``(batch, channels, *spatial)``."""
        z = x + self.place_norm(self._between_places(x))
        rows = z.flatten(2)
        products = rows @ rows.transpose(1, 2)
        weights = (products / rows.shape[2] if self.scaled else products).softmax(2)
        return z + self.channel_norm((weights @ rows).unflatten(2, x.shape[2:]))

    def _between_places(self, x: Tensor) -> Tensor:
        tokens = x.flatten(2).transpose(1, 2)
        near = [_near(n, a, x) for n, a in zip(x.shape[2:], self.spread, strict=True)]
        # For each axis the rows of all positions, ``(positions, length of the axis)``.
        every = torch.cartesian_prod(*(torch.arange(n, device=x.device) for n in x.shape[2:])).reshape(-1, x.dim() - 2)
        rows = [table[every[:, axis]] for axis, table in enumerate(near)]
        if exporting():  # how many parts there are follows from the size
            return _attend(tokens, tokens, *rows).transpose(1, 2).unflatten(2, x.shape[2:])
        parts = list(zip(tokens.split(ROWS, dim=1), *(table.split(ROWS) for table in rows), strict=True))
        if len(parts) > 1 and x.requires_grad:
            found = [checkpoint(_attend, tokens, *part, use_reentrant=False) for part in parts]
        else:
            found = [_attend(tokens, *part) for part in parts]
        return torch.cat(found, dim=1).transpose(1, 2).unflatten(2, x.shape[2:])


def _near(length: int, spread: float, x: Tensor) -> Tensor:
    """``(length, length)``: the prior along an axis; that of the whole map is the product over the axes."""
    places = torch.arange(length, device=x.device, dtype=x.dtype) / spread
    return (-(places[:, None] - places).square() / 2).softmax(1)


def _attend(tokens: Tensor, asked: Tensor, *near: Tensor) -> Tensor:
    """What the rows ``asked``, ``(batch, rows, channels)``, take of all tokens; ``near``: their prior, axis by axis."""
    prior = near[0]
    for along in near[1:]:
        prior = (prior.unsqueeze(2) * along.unsqueeze(1)).flatten(1)
    alike = ((asked * tokens.shape[2] ** -0.5) @ tokens.transpose(1, 2)).softmax(2)
    return (alike * prior).softmax(2).to(tokens.dtype) @ tokens
