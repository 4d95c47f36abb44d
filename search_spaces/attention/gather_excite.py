"""Gather-Excite. Hu, Shen, Albanie, Sun, Vedaldi: Gather-Excite, NeurIPS 2018, https://arxiv.org/abs/1810.12348

y = x * sigmoid(up(E(G(x)))): G gathers each channel over an extent, E excites, up repeats to the input's size
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from search_spaces.attention.mechanism import Mechanism, check_option, mechanism
from search_spaces.errors import InputError
from search_spaces.exporting import exporting
from search_spaces.layers import AVG_POOL, CONV, NORM, SPATIAL_AXES

GATHER = ("mean", "learned")
POOL: dict[int, Any] = {2: F.avg_pool2d, 3: F.avg_pool3d}


@mechanism(
    "gather_excite",
    family="conventional",
    type="spatial",
    title="Gather-Excite",
    paper="Hu, Shen, Albanie, Sun, Vedaldi: Gather-Excite, NeurIPS",
    year=2018,
    address="https://arxiv.org/abs/1810.12348",
    cost="O(C n)",
    choices={"extent": (0, 2, 4, 8), "gather": ("mean", "learned"), "perceptron": (False, True)},
)
class GatherExcite(Mechanism):
    """Gates each position by its surroundings in the same channel.

    The paper's variants: ``mean`` without perceptron is GE-theta-minus (no parameters), ``learned`` GE-theta, and
    ``learned`` with perceptron GE-theta-plus. A learned gather of global extent has a kernel of the size of the map
    in the authors' networks, and works at no other size; here it is a chain of halvings that ends in the mean, unless
    ``map_size`` names the one size.

    Args:
        channels: channels of the feature map.
        dims: 2 or 3.
        extent: the ratio of the map to the gathered one, a power of two where that is learned; 0 for the whole map.
        gather: ``mean`` over windows of ``2 * extent - 1``, or ``learned``: depthwise 3x3 convolutions of stride 2.
        perceptron: whether two 1x1 convolutions follow, which mix channels.
        reduction: squeeze ratio r of the perceptron.
        min_width: lower bound of its width.
        map_size: the one size that a learned global gather works at, as in the authors' networks.
        norm: key of ``NORM``, the normalisation after each learned gather.
    """

    def __init__(
        self,
        channels: int,
        *,
        dims: int,
        extent: int = 4,
        gather: str = "mean",
        perceptron: bool = False,
        reduction: int = 4,
        min_width: int = 4,
        map_size: tuple[int, ...] | None = None,
        norm: str = "batch",
    ) -> None:
        if extent < 0 or (gather == "learned" and extent & (extent - 1)):
            raise InputError(
                f"gather_excite extent: expected 0 or, where it is learned, a power of two; got {extent!r}"
            )
        super().__init__()
        check_option("gather_excite gather", gather, GATHER)
        check_option("gather_excite norm", norm, NORM)
        conv: Any = CONV[dims]
        self.axes = SPATIAL_AXES[dims]
        self.extent = extent
        self.pool = AVG_POOL[dims](2 * extent - 1, extent) if extent else None
        self.learned = self.norms = None
        if gather == "learned":
            if map_size is not None:
                kernels, stride, padding = [tuple(map_size)], 1, 0
            else:
                kernels, stride, padding = [(3,) * dims] * max((extent or GLOBAL).bit_length() - 1, 1), 2, 1
            self.learned = nn.ModuleList(
                conv(channels, channels, kernel, stride, padding, groups=channels, bias=False) for kernel in kernels
            )
            self.norms = nn.ModuleList(NORM[norm](channels) for _ in kernels)
        width = max(channels // reduction, min_width)
        self.perceptron = (
            nn.Sequential(conv(channels, width, 1), nn.ReLU(inplace=True), conv(width, channels, 1))
            if perceptron
            else None
        )

    def forward(self, x: Tensor) -> Tensor:
        """``x`` and the result: ``(batch, channels, *spatial)``."""
        context = self._gather(x)
        if self.perceptron is not None:
            # The authors' network has this activation after the last normalisation only where a perceptron follows.
            context = self.perceptron(F.relu(context) if self.learned is not None else context)
        gate = torch.sigmoid(context)
        single = self.pool is None if exporting() else gate[0, 0].numel() == 1
        return x * (gate if single else F.interpolate(gate, x.shape[2:]))

    def _gather(self, x: Tensor) -> Tensor:
        if self.learned is None or self.norms is None:
            return x.mean(self.axes, keepdim=True) if self.pool is None else self._means(x, self.pool)
        for index, (conv, norm) in enumerate(zip(self.learned, self.norms, strict=True)):
            x = norm(conv(F.relu(x) if index else x))
        return x.mean(self.axes, keepdim=True) if self.pool is None else x

    def _means(self, x: Tensor, pool: nn.Module) -> Tensor:
        """Means over windows, of what lies inside the map."""
        side, margin = 2 * self.extent - 1, self.extent - 1
        if not exporting() and min(x.shape[2:]) >= side:
            return POOL[len(self.axes)](x, side, self.extent, margin, count_include_pad=False)
        margins = [margin] * (2 * len(self.axes))  # torch's own padding refuses maps smaller than a window
        inside = F.pad(x.new_ones(1, 1, *x.shape[2:]), margins)
        return pool(F.pad(x, margins)) / pool(inside)


GLOBAL = 8  # extent that a learned global gather reaches by convolutions, before the mean
