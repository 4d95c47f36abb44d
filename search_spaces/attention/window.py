"""Window attention. Liu et al.: Swin Transformer, ICCV 2021, https://arxiv.org/abs/2103.14030

Self-attention inside windows with a learned bias for each offset, then again with the windows shifted by half.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from search_spaces.attention.mechanism import Mechanism, mechanism, sides_of
from search_spaces.attention.mhsa import MultiHeadAttention, Perceptron, fitting_heads
from search_spaces.attention.window_index import window_index
from search_spaces.exporting import exporting, lack
from search_spaces.layers import token_norm
from search_spaces.pricing.parts import Part

FORBIDDEN = -100.0  # score of two positions that only the cyclic shift made neighbours, as in the authors' code


class WindowBlock(Part):
    """A transformer block on channels-last maps ``(batch, *spatial, channels)`` whose attention stays in windows.

    A map that does not fill its windows is padded with zeros at the far ends, after the normalisation, and the padding
    takes part, as in MONAI. An axis no longer than the window is one window and not shifted; the offsets' biases are
    looked up for that smaller window (MONAI reuses the large window's index there, which pairs wrong offsets).

    Args:
        channels: of a position.
        heads: number of heads, a divisor of ``channels``.
        window: sides of a window.
        shift: sides of the cyclic shift.
        ratio: of the perceptron's width to ``channels``.
        bias: whether queries, keys and values have biases.
    """

    def __init__(
        self, channels: int, heads: int, window: Sequence[int], shift: Sequence[int], ratio: float, bias: bool = True
    ) -> None:
        super().__init__()
        self.window, self.shift = tuple(window), tuple(shift)
        self.norm1 = token_norm(channels)
        self.attention = MultiHeadAttention(channels, heads, bias)
        offsets = 1
        for side in self.window:
            offsets *= 2 * side - 1
        self.offset_bias = nn.Parameter(torch.empty(offsets, heads))
        self.norm2 = token_norm(channels)
        self.perceptron = Perceptron(channels, ratio)
        self.reset_parameters()

    def reset_parameters(self) -> None:
        nn.init.trunc_normal_(self.offset_bias, std=0.02)

    def forward(self, x: Tensor) -> Tensor:
        """``x`` and the result: ``(batch, *spatial, channels)``."""
        x = x + self._attend(self.norm1(x))
        return x + self.perceptron(self.norm2(x))

    def _attend(self, x: Tensor) -> Tensor:
        if exporting():
            return self._exported(x)
        size = x.shape[1:-1]
        window = [min(side, length) for side, length in zip(self.window, size, strict=True)]
        shift = [0 if length <= side else by for side, length, by in zip(self.window, size, self.shift, strict=True)]
        missing = [lack(length, side) for length, side in zip(size, window, strict=True)]
        if any(missing):
            x = F.pad(x, [0, 0, *itertools.chain.from_iterable((0, lacking) for lacking in reversed(missing))])
        axes, padded = list(range(1, 1 + len(window))), x.shape[1:-1]
        if any(shift):
            x = x.roll([-by for by in shift], axes)
        scores = self._bias(window)
        if any(shift):
            # One for each window of an image; the images follow each other in the batch.
            scores = scores + region_scores(tuple(padded), tuple(window), tuple(shift)).to(scores).unsqueeze(1)
        y = join_windows(self.attention(split_windows(x, window), scores), window, padded)
        if any(shift):
            y = y.roll(shift, axes)
        for axis, length in zip(axes, size, strict=True):
            y = y.narrow(axis, 0, length)
        return y

    def _exported(self, x: Tensor) -> Tensor:
        """The same, by indices."""
        index = window_index(x.shape[1:-1], self.window, self.shift, x.device)
        count, positions = index.sources.shape[0], math.prod(self.window)
        tokens = F.pad(x.flatten(1, -2), (0, 0, 0, 1))  # with a position of padding
        windows = tokens.index_select(1, index.sources.flatten()).reshape(-1, positions, x.shape[-1])
        between = allowed(index.regions).masked_fill(index.hidden.unsqueeze(1), float("-inf")).to(x.dtype)
        scores = self._bias(self.window) + between.unsqueeze(1)
        found = self.attention(windows, scores).reshape(x.shape[0], count * positions, x.shape[-1])
        return found.index_select(1, index.targets).reshape(x.shape)

    def _bias(self, window: Sequence[int]) -> Tensor:
        """``(1, heads, positions, positions)`` for a window no larger than the full one."""
        index = offset_index(window, self.window).to(self.offset_bias.device)
        return self.offset_bias[index].permute(2, 0, 1).unsqueeze(0)


def split_windows(x: Tensor, window: Sequence[int]) -> Tensor:
    """``(batch, *spatial, channels)`` to ``(batch * windows, positions, channels)``, both row by row."""
    dims = len(window)
    for axis in reversed(range(dims)):
        x = x.unflatten(1 + axis, (-1, window[axis]))
    x = x.permute(0, *range(1, 1 + 2 * dims, 2), *range(2, 1 + 2 * dims, 2), 1 + 2 * dims)
    return x.flatten(1 + dims, 2 * dims).flatten(0, dims)


def join_windows(x: Tensor, window: Sequence[int], size: Sequence[int]) -> Tensor:
    """The inverse of ``split_windows`` for maps of ``size``."""
    dims = len(window)
    counts = [length // side for length, side in zip(size, window, strict=True)]
    x = x.reshape(-1, *counts, *window, x.shape[-1])
    pairs = [axis for index in range(dims) for axis in (1 + index, 1 + dims + index)]
    return x.permute(0, *pairs, 1 + 2 * dims).reshape(-1, *size, x.shape[-1])


def offset_index(window: Sequence[int], full: Sequence[int]) -> Tensor:
    """``(positions, positions)``: row of the bias table of ``full`` windows for each pair of a smaller window."""
    positions = torch.cartesian_prod(*(torch.arange(side) for side in window)).reshape(-1, len(window))
    index = torch.zeros(1, 1, dtype=torch.long)
    for axis, side in enumerate(full):
        index = index * (2 * side - 1) + (positions[:, None, axis] - positions[None, :, axis] + side - 1)
    return index


def region_scores(size: tuple[int, ...], window: tuple[int, ...], shift: tuple[int, ...]) -> Tensor:
    """``(windows, positions, positions)``: ``FORBIDDEN`` for pairs that were not neighbours before the shift."""
    regions = torch.zeros(1, *size, 1)
    for axis, (length, side, by) in enumerate(zip(size, window, shift, strict=True)):
        part = torch.zeros(length)
        if by:
            part[length - side :] += 1
            part[length - by :] += 1
        shape = [length if other == axis else 1 for other in range(len(size))]
        regions = regions * 3 + part.reshape(1, *shape, 1)
    return allowed(split_windows(regions, window).squeeze(2))


def allowed(regions: Tensor) -> Tensor:
    """``(windows, positions)`` to scores of all pairs in a window, ``FORBIDDEN`` where the two differ."""
    return torch.where(regions[:, :, None] == regions[:, None, :], 0.0, FORBIDDEN)


@mechanism(
    "window",
    family="self-similarity",
    type="multi-dimensional",
    title="Shifted-window attention",
    paper="Liu, Lin, Cao, Hu, Wei, Zhang, Lin, Guo: Swin Transformer, ICCV",
    year=2021,
    address="https://arxiv.org/abs/2103.14030",
    cost="O(C^2 n + C n w^dims)",
    choices={"window": (4, 7), "heads": (1, 2, 4), "ratio": (1, 2, 4), "layers": (2,)},
    effective={"heads": lambda channels, settings: fitting_heads(channels, settings["heads"])},
)
class WindowAttention(Mechanism):
    """A transformer block inside windows, then one with the windows shifted, so that neighbours meet across borders.

    Args:
        channels: channels of the feature map; the heads used are the most, up to ``heads``, that divide it.
        dims: 2 or 3; in 3D windows are cubes, as in Swin UNETR.
        window: side of a window, or one for each axis.
        heads: number of heads.
        ratio: of the perceptrons' width to ``channels``; any number.
        layers: number of blocks; every second one is shifted by half a window. A setting and no choice.
        bias: whether queries, keys and values have biases.
    """

    def __init__(
        self,
        channels: int,
        *,
        dims: int,
        window: int | Sequence[int] = 4,
        heads: int = 4,
        ratio: float = 2,
        layers: int = 2,
        bias: bool = True,
    ) -> None:
        super().__init__()
        count = fitting_heads(channels, heads)
        sides = sides_of("window", window, dims)
        shifts = ((0,) * dims, tuple(side // 2 for side in sides))
        self.blocks = nn.Sequential(
            *(WindowBlock(channels, count, sides, shifts[index % 2], ratio, bias) for index in range(layers))
        )

    def forward(self, x: Tensor) -> Tensor:
        """``x`` and the result: ``(batch, channels, *spatial)``."""
        return self.blocks(x.movedim(1, -1)).movedim(-1, 1)
