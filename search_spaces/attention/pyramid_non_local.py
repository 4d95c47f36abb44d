"""Asymmetric non-local block. Zhu, Xu, Bai, Huang, Bai: Asymmetric Non-local Neural Networks for Semantic Segmentation,
ICCV 2019, https://arxiv.org/abs/1908.07678

c = W softmax(q' P(k) / sqrt(d)) P(v)',  y = relu(BN(W' [c; x])): P pools keys and values to a small pyramid
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from search_spaces.attention.dot_product import attend
from search_spaces.attention.mechanism import Mechanism, check_option, mechanism, squeezed
from search_spaces.attention.pooling import mean_to
from search_spaces.initialisation import zero_last
from search_spaces.layers import CONV, NORM
from search_spaces.pricing.parts import Part

PYRAMIDS: dict[str, tuple[int, ...]] = {"small": (1, 2, 4), "paper": (1, 3, 6, 8)}


class PyramidAttention(Part):
    """Attention of every position of one map to a pooled pyramid of another.

    Args:
        query_channels: channels of the map whose positions ask.
        channels: channels of the map that is pooled.
        out_channels: channels of the result.
        width: of queries and keys.
        value_width: of values.
        dims: 2 or 3.
        sizes: sides of the pooled maps.
        shared: whether queries and keys come from one projection; both maps then have the same channels.
        norm: key of ``NORM``.
    """

    def __init__(
        self,
        query_channels: int,
        channels: int,
        out_channels: int,
        *,
        width: int,
        value_width: int,
        dims: int,
        sizes: Sequence[int],
        shared: bool,
        norm: str,
    ) -> None:
        super().__init__()
        conv = CONV[dims]
        self.sizes = tuple(sizes)
        self.key = nn.Sequential(conv(channels, width, 1), NORM[norm](width), nn.ReLU(inplace=True))
        self.query = (
            None if shared else nn.Sequential(conv(query_channels, width, 1), NORM[norm](width), nn.ReLU(inplace=True))
        )
        self.value = conv(channels, value_width, 1)
        self.project = conv(value_width, out_channels, 1)
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Zero the last layer: the context is nothing at first."""
        zero_last(self.project)

    def forward(self, queries: Tensor, x: Tensor) -> Tensor:
        """Context ``(batch, out_channels, *spatial)`` for the positions of ``queries`` from those of ``x``."""
        projected = self.key(x)
        asked = projected if self.query is None else self.query(queries)
        return self.project(attend(asked, self._anchors(projected), self._anchors(self.value(x))))

    def _anchors(self, x: Tensor) -> Tensor:
        """``(batch, channels, anchors)``: the positions of all pooled maps."""
        return torch.cat([mean_to(x, (size,) * (x.dim() - 2)).flatten(2) for size in self.sizes], dim=2)


@mechanism(
    "pyramid_non_local",
    family="self-similarity",
    type="multi-dimensional",
    title="Asymmetric pyramid non-local block",
    paper="Zhu, Xu, Bai, Huang, Bai: Asymmetric Non-local Neural Networks for Semantic Segmentation, ICCV",
    year=2019,
    address="https://arxiv.org/abs/1908.07678",
    cost="O(C^2 n / r + C n S)",
    choices={"reduction": (2, 4), "pyramid": ("small", "paper")},
    effective={"reduction": squeezed},
)
@mechanism(
    "fusion_non_local",
    family="self-similarity",
    type="multi-dimensional",
    title="Asymmetric fusion non-local block",
    paper="Zhu, Xu, Bai, Huang, Bai: Asymmetric Non-local Neural Networks for Semantic Segmentation, ICCV",
    year=2019,
    address="https://arxiv.org/abs/1908.07678",
    cost="O(C^2 n / r + C n S)",
    inputs="gated",
    choices={"reduction": (2, 4), "pyramid": ("small", "paper")},
    effective={"reduction": squeezed},
)
class AsymmetricNonLocal(Mechanism):
    """Non-local attention to a pyramid of pooled positions, joined with the input by a convolution.

    As ``pyramid_non_local`` (APNB) the pyramid is of the feature itself; queries and keys share one projection. As
    ``fusion_non_local`` (AFNB) it is of the coarser decoder signal, and no activation ends the block; the authors let
    the deep map ask the shallow one, but a skip has to keep its own size, so here it is the one that asks. As in their
    code, pooling comes after the projections.

    Args:
        channels: channels of the result.
        dims: 2 or 3; in 3D the pooled maps are cubes: 73 anchors for ``small``, 756 for ``paper``.
        in_channels: channels of the feature map; left out, as many as of the result.
        gate_channels: channels of the coarser decoder signal; None for a pyramid of the feature itself.
        reduction: ratio of ``channels`` to the width of queries, keys and values.
        pyramid: key of ``PYRAMIDS``, the sides of the pooled maps.
        min_width: lower bound of the width.
        width: of queries and keys, in place of ``reduction``.
        value_width: of values, in place of ``reduction``.
        sizes: sides of the pooled maps, in place of ``pyramid``.
        dropout: probability, at the end.
        norm: key of ``NORM``.
    """

    def __init__(
        self,
        channels: int,
        *,
        dims: int,
        in_channels: int | None = None,
        gate_channels: int | None = None,
        reduction: int = 2,
        pyramid: str = "small",
        min_width: int = 4,
        width: int | None = None,
        value_width: int | None = None,
        sizes: Sequence[int] | None = None,
        dropout: float = 0.05,
        norm: str = "batch",
    ) -> None:
        super().__init__()
        name = "pyramid_non_local" if gate_channels is None else "fusion_non_local"
        check_option(f"{name} pyramid", pyramid, PYRAMIDS)
        check_option(f"{name} norm", norm, NORM)
        reduced, inputs = max(channels // reduction, min_width), in_channels or channels
        self.attention = PyramidAttention(
            inputs,
            gate_channels or inputs,
            channels,
            width=width or reduced,
            value_width=value_width or reduced,
            dims=dims,
            sizes=sizes or PYRAMIDS[pyramid],
            shared=gate_channels is None,
            norm=norm,
        )
        activation = [nn.ReLU(inplace=True)] if gate_channels is None else []
        self.join = nn.Sequential(
            CONV[dims](channels + inputs, channels, 1), NORM[norm](channels), *activation, nn.Dropout(dropout)
        )

    def forward(self, x: Tensor, gate: Tensor | None = None) -> Tensor:
        """``x`` of the input's channels, ``gate`` ``(batch, gate_channels, *coarser)``; the spatial size is kept."""
        return self.join(torch.cat([self.attention(x, x if gate is None else gate), x], dim=1))
