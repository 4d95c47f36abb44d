"""Frequency channel attention. Qin, Zhang, Wu, Li: FcaNet, ICCV 2021, https://arxiv.org/abs/2012.11879

z_c = sum_p x_c(p) B_f(c)(p),  y = sigmoid(W2 relu(W1 z)) * x,  B_f a basis function of the discrete cosine transform
"""

from __future__ import annotations

import functools
import itertools
import math
from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn import functional as F

from search_spaces.attention.mechanism import Mechanism, check_option, mechanism, squeezed
from search_spaces.attention.pooling import mean_to
from search_spaces.exporting import exporting
from search_spaces.layers import linear

# Frequencies that the authors found best on their own ("top"), or simply the lowest ("low"), on a grid of 7.
TOP = ((0, 0), (0, 1), (6, 0), (0, 5), (0, 2), (1, 0), (1, 2), (4, 0),
       (5, 0), (1, 6), (3, 0), (0, 4), (0, 6), (0, 3), (3, 5), (2, 2))  # fmt: skip
SELECTIONS = ("top", "low")
GRID = 7


def channel_frequencies(channels: int, chosen: Sequence[Sequence[int]]) -> list[tuple[int, ...]]:
    """The frequency of each channel: equal groups of channels, in the order ``chosen``."""
    chosen = chosen[:channels]
    return [tuple(chosen[index * len(chosen) // channels]) for index in range(channels)]


@functools.cache
def select_frequencies(selection: str, count: int, dims: int) -> tuple[tuple[int, ...], ...]:
    """The first ``count`` frequencies of a selection, an index for each axis."""
    if selection == "top":
        return tuple((*(0,) * (dims - 2), *pair) for pair in TOP[:count])
    every = itertools.product(range(GRID), repeat=dims)
    return tuple(sorted(every, key=lambda frequency: (sum(frequency), frequency))[:count])


@mechanism(
    "fca",
    family="other",
    type="frequency",
    title="Frequency channel attention",
    paper="Qin, Zhang, Wu, Li: FcaNet, Frequency Channel Attention Networks, ICCV",
    year=2021,
    address="https://arxiv.org/abs/2012.11879",
    cost="O(C n + C^2 / r)",
    choices={"reduction": (2, 4, 8, 16), "frequencies": (1, 2, 4, 8, 16), "selection": ("top", "low")},
    effective={
        "reduction": squeezed,
        "frequencies": lambda channels, settings: tuple(
            channel_frequencies(
                channels, select_frequencies(settings["selection"], settings["frequencies"], settings["dims"])
            )
        ),
        "selection": lambda channels, settings: None,  # told by the frequencies
    },
)
class FrequencyChannelAttention(Mechanism):
    """Squeeze-and-excitation whose squeeze is a cosine transform: each group of channels keeps another frequency.

    The map is pooled to a fixed grid first. Channels are split as evenly as they can be (the authors want a multiple).
    The paper is 2D; in 3D a frequency (u, v) of the last two axes is taken with the mean over the depth, and the
    ``low`` selection goes over all three axes.

    Args:
        channels: channels of the feature map.
        dims: 2 or 3.
        reduction: squeeze ratio r.
        frequencies: number of groups; fewer where there are fewer channels.
        selection: ``top``, the authors' ranking, or ``low``, the lowest.
        min_width: lower bound of the squeezed width.
        grid: size that maps are pooled to.
        table: frequencies in place of ``selection``, an index for each axis, on a grid of ``grid``.
    """

    basis: Tensor

    def __init__(
        self,
        channels: int,
        *,
        dims: int,
        reduction: int = 4,
        frequencies: int = 8,
        selection: str = "top",
        min_width: int = 4,
        grid: Sequence[int] | None = None,
        table: Sequence[Sequence[int]] | None = None,
    ) -> None:
        super().__init__()
        check_option("fca selection", selection, SELECTIONS)
        self.grid = tuple(grid or (GRID,) * dims)
        chosen = table or select_frequencies(selection, frequencies, dims)
        groups = channel_frequencies(channels, chosen)
        bases = {group: cosine_basis(group, self.grid) for group in set(groups)}
        self.register_buffer("basis", torch.stack([bases[group] for group in groups]), False)
        width = max(channels // reduction, min_width)
        self.squeeze = linear(channels, width, bias=False)
        self.excite = linear(width, channels, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        """``x`` and the result: ``(batch, channels, *spatial)``."""
        pooled = x if not exporting() and tuple(x.shape[2:]) == self.grid else mean_to(x, self.grid)
        spectrum = (pooled * self.basis.to(pooled.dtype)).flatten(2).sum(2)
        gate = torch.sigmoid(self.excite(F.relu(self.squeeze(spectrum))))
        return x * gate.reshape(*gate.shape, *[1] * len(self.grid))


def cosine_basis(frequency: Sequence[int], size: Sequence[int]) -> Tensor:
    """One basis function of the orthonormal discrete cosine transform, of shape ``size``."""
    basis = torch.ones((), dtype=torch.float64)
    for index, length in zip(frequency, size, strict=True):
        positions = torch.arange(length, dtype=torch.float64) + 0.5
        axis = torch.cos(math.pi * index * positions / length) / math.sqrt(length) * (math.sqrt(2) if index else 1)
        basis = basis.unsqueeze(-1) * axis
    return basis
