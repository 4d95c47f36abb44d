"""Axial attention. Wang, Zhu, Green, Adam, Yuille, Chen: Axial-DeepLab, ECCV 2020, https://arxiv.org/abs/2003.07853

Along one axis: y_i = sum_j softmax_j(q_i k_j + q_i r^q_(i-j) + k_j r^k_(j-i)) (v_j + r^v_(i-j)); the axes in turn
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from search_spaces.attention.dot_product import attention
from search_spaces.attention.mechanism import Mechanism, check_option, mechanism
from search_spaces.attention.score_norm import score_scales
from search_spaces.errors import InputError
from search_spaces.initialisation import zero_last
from search_spaces.layers import CONV, NORM
from search_spaces.pricing.parts import Part


class AxialAttention(Part):
    """Attention of every position to the line through it along one axis.

    With ``span`` the position terms of the paper take part, each normalised on its own; offsets of ``span`` and more
    share the outermost table entry, so that any length works (the authors' table fits one length). Without, it is
    plain scaled attention.

    Args:
        in_channels, channels: of input and result.
        axis: of ``(batch, channels, *spatial)``, from 2 on.
        heads: number of heads; ``channels`` is a multiple of twice that.
        span: lengths up to this have table entries of their own; 0 for no position terms.
        norm: key of ``NORM``.
    """

    def __init__(
        self, in_channels: int, channels: int, *, axis: int, heads: int, span: int, norm: str = "batch"
    ) -> None:
        if channels % (2 * heads):
            raise InputError(f"axial heads: expected {channels} channels to be a multiple of 2 x {heads} heads")
        super().__init__()
        self.axis, self.heads, self.span = axis, heads, span
        width = channels // heads
        self.parts = (width // 2, width // 2, width)
        self.project = nn.Conv1d(in_channels, 2 * channels, 1, bias=False)
        if span:
            self.norm = NORM[norm](2 * channels)
            self.norm_scores = NORM[norm](3 * heads)
            self.norm_result = NORM[norm](2 * channels)
            self.relative = nn.Parameter(torch.empty(2 * width, 2 * span - 1))
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """The authors' scales: unit variance after the projection, and of a product with the table."""
        nn.init.normal_(self.project.weight, std=self.project.in_channels**-0.5)
        if self.span:
            nn.init.normal_(self.relative, std=self.parts[2] ** -0.5)

    def forward(self, x: Tensor) -> Tensor:
        """``(batch, in_channels, *spatial)`` to ``(batch, channels, *spatial)``."""
        lines = x.movedim((self.axis, 1), (-1, -2))  # (batch, *others, channels, length)
        found = self._attend(lines.flatten(0, -3))
        return found.unflatten(0, lines.shape[:-2]).movedim((-1, -2), (self.axis, 1))

    def _attend(self, lines: Tensor) -> Tensor:
        """``(lines, in_channels, length)`` to ``(lines, channels, length)``."""
        projected = self.project(lines)
        if self.span:
            projected = self.norm(projected)
        query, key, value = projected.unflatten(1, (self.heads, -1)).split(self.parts, dim=2)
        if not self.span:
            query, key, value = (part.transpose(2, 3) for part in (query, key, value))
            return attention(query, key, value).transpose(2, 3).flatten(1, 2)
        to_query, to_key, to_value = self._table(lines.shape[2]).split(self.parts, dim=0)
        # A shift of all scores of a query changes nothing, so that of the normalisation its scales are enough.
        scales = score_scales(self.norm_scores, query, key, to_query, to_key)
        by_pair, by_query, by_key = scales.unflatten(1, (3, self.heads, 1, 1)).unbind(1)
        scores = (query * by_pair).transpose(2, 3) @ key
        scores += torch.einsum("bhci,cij->bhij", query * by_query, to_query)
        scores += torch.einsum("bhcj,cji->bhij", key * by_key, to_key)
        weights = scores.softmax(3)
        results = [
            torch.einsum("bhij,bhcj->bhci", weights, value),
            torch.einsum("bhij,cij->bhci", weights, to_value),
        ]
        pairs = torch.stack(results, dim=3).flatten(1, 3)  # channel by channel: of the values, of the table
        return self.norm_result(pairs).unflatten(1, (-1, 2)).sum(2)

    def _table(self, length: int) -> Tensor:
        """``(channels of all parts, length, length)``: the entry of each offset ``i - j``."""
        positions = torch.arange(length, device=self.relative.device)
        offsets = (positions[:, None] - positions[None, :]).clamp(1 - self.span, self.span - 1)
        return self.relative[:, offsets + self.span - 1]


@mechanism(
    "axial",
    family="self-similarity",
    type="one-dimensional",
    title="Axial attention",
    paper="Wang, Zhu, Green, Adam, Yuille, Chen: Axial-DeepLab, Stand-Alone Axial-Attention, ECCV",
    year=2020,
    address="https://arxiv.org/abs/2003.07853",
    cost="O(C^2 n / r + C n (H + W) / r)",
    choices={"reduction": (1, 2, 4), "heads": (1, 2, 4), "span": (0, 16, 32)},
    effective={
        "reduction": lambda channels, settings: squeezed_to_heads(channels, settings["reduction"], settings["heads"])
    },
)
class Axial(Mechanism):
    """Attends along each axis in turn, the first axis first, between two 1x1 convolutions; starts as the identity.

    As the authors' block, but that theirs ends with an activation, which a slot's stage already has; there is none
    between the axes. The last normalisation is zero at first.

    Args:
        channels: channels of the feature map.
        dims: 2 or 3; in 3D depth, height, width.
        reduction: ratio of ``channels`` to the width of the attention.
        heads: number of heads.
        span: see ``AxialAttention``; 0 for plain axial attention.
        width: of the attention, in place of ``reduction``; a multiple of twice the heads.
        activation: whether an activation ends the block.
        norm: key of ``NORM``.
    """

    def __init__(
        self,
        channels: int,
        *,
        dims: int,
        reduction: int = 2,
        heads: int = 2,
        span: int = 16,
        width: int | None = None,
        activation: bool = False,
        norm: str = "batch",
    ) -> None:
        super().__init__()
        check_option("axial norm", norm, NORM)
        width = width or squeezed_to_heads(channels, reduction, heads)
        self.reduce = nn.Sequential(CONV[dims](channels, width, 1, bias=False), NORM[norm](width), nn.ReLU())
        self.attend = nn.Sequential(
            *(AxialAttention(width, width, axis=2 + axis, heads=heads, span=span, norm=norm) for axis in range(dims))
        )
        self.expand = CONV[dims](width, channels, 1, bias=False)
        self.norm = NORM[norm](channels)
        self.activation = nn.ReLU() if activation else nn.Identity()
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Zero the last layer that has parameters, so that the block starts as the identity."""
        zero_last(self.expand, self.norm)

    def forward(self, x: Tensor) -> Tensor:
        """``x`` and the result: ``(batch, channels, *spatial)``."""
        return self.activation(x + self.norm(self.expand(F.relu(self.attend(self.reduce(x))))))


def squeezed_to_heads(channels: int, reduction: int, heads: int) -> int:
    """The squeezed width, a multiple of twice the heads: queries and keys have half the channels of the values."""
    return max(channels // reduction // (2 * heads), 1) * 2 * heads
