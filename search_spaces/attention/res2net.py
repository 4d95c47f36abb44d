"""Hierarchical scales inside a block. Gao, Cheng, Zhao, Zhang, Yang, Torr: Res2Net, TPAMI 2021,
https://arxiv.org/abs/1904.01169

x split in s parts; y_1 = K_1(x_1), y_i = K_i(x_i + y_(i-1)), the last part passes through; joined, added to the input
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from search_spaces.attention.mechanism import Mechanism, check_option, mechanism
from search_spaces.layers import AVG_POOL, CONV, NORM


@mechanism(
    "res2net",
    family="multi-scale",
    type="branch",
    title="Res2Net split",
    paper="Gao, Cheng, Zhao, Zhang, Yang, Torr: Res2Net, A New Multi-scale Backbone Architecture, TPAMI",
    year=2021,
    address="https://arxiv.org/abs/1904.01169",
    cost="O(C^2 n + C^2 n 3^dims / s)",
    inputs="block",
    choices={"scale": (2, 4), "ratio": (0.5, 1.0)},
    effective={"ratio": lambda channels, settings: max(int(channels * settings["ratio"]) // settings["scale"], 2)},
)
class Res2Net(Mechanism):
    """Parts of the channels that pass through ever more convolutions, hence see ever wider surroundings.

    Args:
        channels: channels of the result.
        dims: 2 or 3.
        in_channels: channels of the input; left out, as many as of the result.
        stride: of the first convolution, and of the shortcut; without ``cascade`` of the parts' in place of the first.
        scale: number s of parts. The last one passes as it is, but for a single part.
        ratio: of the channels of all parts to ``channels``; of the published 26w x 4s it is 0.40625.
        width: channels of a part; left out, what ``ratio`` gives, at least 2.
        cascade: whether a part is added to the next before that is convolved. Where not, as in the first block of the
            authors' stages, the last part is averaged over 3x3 positions.
        norm: key of ``NORM``.
    """

    def __init__(
        self,
        channels: int,
        *,
        dims: int,
        in_channels: int | None = None,
        stride: int = 1,
        scale: int = 4,
        ratio: float = 1.0,
        width: int | None = None,
        cascade: bool = True,
        norm: str = "batch",
    ) -> None:
        check_option("res2net norm", norm, NORM)
        super().__init__()
        conv, inputs = CONV[dims], in_channels or channels
        width = width or max(int(channels * ratio) // scale, 2)
        first, later = (stride, 1) if cascade else (1, stride)
        self.cascade, self.scale = cascade, scale
        self.split = conv(inputs, scale * width, 1, first, bias=False)
        self.split_norm = NORM[norm](scale * width)
        self.parts = nn.ModuleList(
            nn.Sequential(conv(width, width, 3, later, 1, bias=False), NORM[norm](width), nn.ReLU(inplace=True))
            for _ in range(max(scale - 1, 1))
        )
        self.last = nn.Identity() if cascade else AVG_POOL[dims](3, later, 1)
        self.join = conv(scale * width, channels, 1, bias=False)
        self.join_norm = NORM[norm](channels)
        same = inputs == channels and stride == 1
        self.shortcut = (
            nn.Identity()
            if same
            else nn.Sequential(conv(inputs, channels, 1, stride, bias=False), NORM[norm](channels))
        )

    def forward(self, x: Tensor) -> Tensor:
        """``(batch, in_channels, *spatial)`` to ``(batch, channels, *spatial)``."""
        parts = F.relu(self.split_norm(self.split(x))).chunk(self.scale, dim=1)
        found: list[Tensor] = []
        for part, convolve in zip(parts, self.parts, strict=False):
            found.append(convolve(part + found[-1] if found and self.cascade else part))
        found += [self.last(part) for part in parts[len(found) :]]
        joined = self.join_norm(self.join(torch.cat(found, dim=1)))
        return F.relu(joined + self.shortcut(x))
