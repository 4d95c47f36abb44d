"""Interlaced sparse self-attention. Huang, Yuan, Guo, Zhang, Chen, Wang: Interlaced Sparse Self-Attention for Semantic
Segmentation, 2019, https://arxiv.org/abs/1907.12273

Positions that lie a whole number of blocks apart attend to each other, then positions of the same block.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from search_spaces.attention.dot_product import attention
from search_spaces.attention.mechanism import Mechanism, check_option, mechanism, sides_of, squeezed
from search_spaces.exporting import exporting, lack
from search_spaces.layers import CONV, NORM
from search_spaces.pricing.parts import Part


class GroupedSelfAttention(Part):
    """Self-attention among groups of positions of a map whose sides are multiples of ``block``.

    Args:
        in_channels, channels: of the map and of the result.
        width, value_width: of queries and keys, and of values.
        dims: 2 or 3.
        block: sides of a block.
        far: groups hold the positions with the same place in their blocks, one of each block; else they are blocks.
        norm: key of ``NORM``.
    """

    def __init__(
        self,
        in_channels: int,
        channels: int,
        width: int,
        value_width: int,
        *,
        dims: int,
        block: Sequence[int],
        far: bool,
        norm: str,
    ) -> None:
        super().__init__()
        conv = CONV[dims]
        self.block, self.far = tuple(block), far

        def projection() -> nn.Sequential:
            layers: list[nn.Module] = []
            for inputs in (in_channels, width):
                layers += [conv(inputs, width, 1, bias=False), NORM[norm](width), nn.ReLU(inplace=True)]
            return nn.Sequential(*layers)

        self.query, self.key = projection(), projection()
        self.value = conv(in_channels, value_width, 1, bias=False)
        self.project = nn.Sequential(
            conv(value_width, channels, 1, bias=False), NORM[norm](channels), nn.ReLU(inplace=True)
        )

    def forward(self, x: Tensor) -> Tensor:
        """``(batch, in_channels, *spatial)`` to ``(batch, channels, *spatial)``."""
        # Projections work on single positions: only the attention itself has to know groups.
        query, key, value = (self._grouped(part(x)) for part in (self.query, self.key, self.value))
        found = attention(query, key, value)
        return self.project(self._joined(found, x.shape[2:]))

    def _grouped(self, x: Tensor) -> Tensor:
        """``(batch, channels, *spatial)`` to ``(batch * groups, 1, positions, channels)``."""
        dims = len(self.block)
        split = x
        for axis in reversed(range(dims)):
            side = self.block[axis]
            split = split.unflatten(2 + axis, (x.shape[2 + axis] // side, side))  # (blocks, place in the block)
        blocks, places = range(2, 2 + 2 * dims, 2), range(3, 2 + 2 * dims, 2)
        outer, inner = (places, blocks) if self.far else (blocks, places)
        grouped = split.permute(0, *outer, *inner, 1)
        return grouped.flatten(1 + dims, 2 * dims).flatten(0, dims).unsqueeze(1)

    def _joined(self, groups: Tensor, size: Sequence[int]) -> Tensor:
        """The inverse of ``_grouped``, for a map of ``size``."""
        dims = len(self.block)
        counts = [length // side for length, side in zip(size, self.block, strict=True)]
        outer, inner = (self.block, counts) if self.far else (counts, self.block)
        split = groups.reshape(-1, *outer, *inner, groups.shape[-1])
        blocks, places = (range(1 + dims, 1 + 2 * dims), range(1, 1 + dims))
        if not self.far:
            blocks, places = places, blocks
        pairs = [axis for pair in zip(blocks, places, strict=True) for axis in pair]
        return split.permute(0, 1 + 2 * dims, *pairs).reshape(-1, groups.shape[-1], *size)


class Interlaced(Part):
    """Long-range attention between blocks, then short-range attention inside them, on a map padded to whole blocks."""

    def __init__(
        self,
        in_channels: int,
        channels: int,
        width: int,
        value_width: int,
        *,
        dims: int,
        sides: Sequence[int],
        norm: str,
    ) -> None:
        super().__init__()
        self.sides = tuple(sides)
        form: dict[str, Any] = {"dims": dims, "block": self.sides, "norm": norm}
        self.long_range = GroupedSelfAttention(in_channels, channels, width, value_width, far=True, **form)
        self.short_range = GroupedSelfAttention(channels, channels, width, value_width, far=False, **form)

    def forward(self, x: Tensor) -> Tensor:
        """``(batch, in_channels, *spatial)`` to ``(batch, channels, *spatial)``."""
        missing = [lack(length, side) for length, side in zip(x.shape[2:], self.sides, strict=True)]
        margins = [(lacking // 2, lacking - lacking // 2) for lacking in missing]
        padded = x
        if exporting() or any(missing):
            padded = F.pad(x, [margin for pair in reversed(margins) for margin in pair])
        y = self.short_range(self.long_range(padded))
        if torch.compiler.is_exporting():
            return F.pad(y, [-margin for pair in reversed(margins) for margin in pair])
        for axis, ((before, _), length) in enumerate(zip(margins, x.shape[2:], strict=True)):
            y = y.narrow(2 + axis, before, length)
        return y


@mechanism(
    "interlaced",
    family="self-similarity",
    type="hybrid",
    title="Interlaced sparse self-attention",
    paper="Huang, Yuan, Guo, Zhang, Chen, Wang: Interlaced Sparse Self-Attention for Semantic Segmentation",
    year=2019,
    address="https://arxiv.org/abs/1907.12273",
    cost="O(C^2 n / r + C n (n / P + P) / r)",
    choices={"reduction": (2, 4), "block": (2, 4, 8)},
    effective={"reduction": squeezed},
)
class InterlacedAttention(Mechanism):
    """Long-range attention between blocks, then short-range attention inside them, joined with the input.

    The map is padded with zeros to whole blocks, half on each side, and the padding takes part, as in the authors'
    code. Two sparse steps reach every position from every other; they are cheapest where a block holds P = sqrt(n).
    Blocks of several shapes stand side by side; the input is then widened to the channels of all their results, as in
    the authors' code, before it is joined with them.

    Args:
        channels: channels of the result.
        dims: 2 or 3; in 3D blocks are cubes.
        in_channels: channels of the input; left out, as many as of the result.
        reduction: ratio of ``channels`` to the width of queries, keys and values.
        block: side of a block.
        min_width: lower bound of the width.
        width: of queries and keys, in place of ``reduction``.
        value_width: of values, in place of ``reduction``.
        shapes: blocks of one shape or several, each a side or one for each axis, in place of ``block``.
        norm: key of ``NORM``.
    """

    def __init__(
        self,
        channels: int,
        *,
        dims: int,
        in_channels: int | None = None,
        reduction: int = 2,
        block: int = 4,
        min_width: int = 4,
        width: int | None = None,
        value_width: int | None = None,
        shapes: Sequence[int | Sequence[int]] | None = None,
        norm: str = "batch",
    ) -> None:
        super().__init__()
        check_option("interlaced norm", norm, NORM)
        reduced, inputs = max(channels // reduction, min_width), in_channels or channels
        blocks = [sides_of("interlaced block", shape, dims) for shape in shapes or [block]]

        def layers(before: int, after: int) -> nn.Sequential:
            return nn.Sequential(CONV[dims](before, after, 1, bias=False), NORM[norm](after), nn.ReLU())

        self.stages = nn.ModuleList(
            Interlaced(inputs, channels, width or reduced, value_width or reduced, dims=dims, sides=sides, norm=norm)
            for sides in blocks
        )
        several, found = len(blocks) > 1, len(blocks) * channels
        self.widen = layers(inputs, found) if several else nn.Identity()
        self.join = layers((found if several else inputs) + found, channels)

    def forward(self, x: Tensor) -> Tensor:
        """``(batch, in_channels, *spatial)`` to ``(batch, channels, *spatial)``."""
        return self.join(torch.cat([self.widen(x), *(stage(x) for stage in self.stages)], dim=1))
