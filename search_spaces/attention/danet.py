"""Dual attention. Fu, Liu, Tian, Li, Bao, Fang, Lu: Dual Attention Network for Scene Segmentation, CVPR 2019,
https://arxiv.org/abs/1809.02983

position: y = gamma softmax_j(q_i' k_j) v_j + x;  channel: y = gamma softmax_j(-x_i' x_j) x_j + x;
both: y = W (F_p(x) + F_c(x)), each between two convolutions
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from search_spaces.attention.dot_product import attention
from search_spaces.attention.mechanism import Mechanism, check_option, mechanism
from search_spaces.layers import CONV, NORM
from search_spaces.pricing.parts import Part

ATTEND = ("position", "channel", "both")
PREFER = ("unlike", "alike")


class PositionAttention(Part):
    """Every position takes the values of those whose keys answer its query, unscaled; starts as the identity."""

    def __init__(self, channels: int, *, dims: int, width: int) -> None:
        super().__init__()
        self.query = CONV[dims](channels, width, 1)
        self.key = CONV[dims](channels, width, 1)
        self.value = CONV[dims](channels, channels, 1)
        self.gamma = nn.Parameter(torch.empty(1))
        self.reset_parameters()

    def reset_parameters(self) -> None:
        nn.init.zeros_(self.gamma)

    def forward(self, x: Tensor) -> Tensor:
        query, key, value = (
            part(x).flatten(2).transpose(1, 2).unsqueeze(1) for part in (self.query, self.key, self.value)
        )
        found = attention(query, key, value, scale=1.0).squeeze(1).transpose(1, 2)
        return self.gamma * found.unflatten(2, x.shape[2:]) + x


class ChannelAttention(Part):
    """Every channel takes a weighted mean of all channels by their products, unscaled; starts as the identity."""

    def __init__(self, *, prefer: str) -> None:
        super().__init__()
        self.sign = 1 if prefer == "alike" else -1
        self.gamma = nn.Parameter(torch.empty(1))
        self.reset_parameters()

    def reset_parameters(self) -> None:
        nn.init.zeros_(self.gamma)

    def forward(self, x: Tensor) -> Tensor:
        rows = x.flatten(2)
        weights = (self.sign * (rows @ rows.transpose(1, 2))).softmax(2)
        return self.gamma * (weights @ rows).unflatten(2, x.shape[2:]) + x


class DualAttention(Part):
    """Both kinds side by side on fewer channels, each between two 3x3 convolutions; the sum goes through a 1x1.

    Args:
        in_channels, channels: of input and result.
        dims: 2 or 3.
        inner: channels that are attended to.
        width: of queries and keys.
        prefer: ``unlike`` or ``alike``.
        norm: key of ``NORM``.
        sides: whether there are 1x1 convolutions for the results of each kind too, see ``outputs``.
    """

    def __init__(
        self,
        in_channels: int,
        channels: int,
        *,
        dims: int,
        inner: int,
        width: int,
        prefer: str,
        norm: str,
        sides: bool = False,
    ) -> None:
        super().__init__()

        def convolution(inputs: int) -> nn.Sequential:
            return nn.Sequential(CONV[dims](inputs, inner, 3, padding=1, bias=False), NORM[norm](inner), nn.ReLU())

        self.position = nn.Sequential(
            convolution(in_channels), PositionAttention(inner, dims=dims, width=width), convolution(inner)
        )
        self.channel = nn.Sequential(convolution(in_channels), ChannelAttention(prefer=prefer), convolution(inner))
        self.join = CONV[dims](inner, channels, 1)
        self.sides = nn.ModuleList(CONV[dims](inner, channels, 1) for _ in range(2 if sides else 0))

    def forward(self, x: Tensor) -> Tensor:
        return self.join(self.position(x) + self.channel(x))

    def outputs(self, x: Tensor) -> list[Tensor]:
        """The result, and where there are sides those of positions and channels: the authors have a loss on each."""
        found = [self.position(x), self.channel(x)]
        return [self.join(found[0] + found[1]), *(side(one) for side, one in zip(self.sides, found, strict=True))]


def _width(channels: int, attend: str, reduction: int, min_width: int) -> int:
    """Of queries and keys."""
    if attend == "channel":
        return 0
    return max((channels if attend == "position" else max(channels // 4, min_width)) // reduction, min_width)


@mechanism(
    "danet",
    family="self-similarity",
    type="hybrid",
    title="Dual attention",
    paper="Fu, Liu, Tian, Li, Bao, Fang, Lu: Dual Attention Network for Scene Segmentation, CVPR",
    year=2019,
    address="https://arxiv.org/abs/1809.02983",
    cost="O(C n^2) for positions, O(C^2 n) for channels",
    choices={"attend": ATTEND, "prefer": PREFER, "reduction": (2, 4, 8)},
    effective={
        "prefer": lambda channels, settings: settings["attend"] != "position" and settings["prefer"],
        "reduction": lambda channels, settings: _width(
            channels, settings["attend"], settings["reduction"], settings["min_width"]
        ),
    },
)
class DualAttentionNetwork(Mechanism):
    """Attention among positions, among channels, or both.

    The paper prints a softmax of the channels' products; the authors' code takes that of their negatives, so that a
    channel takes most from what is unlike it, and trained better by it. Products grow with the map and saturate.
    A popular port under this name has 3x3 convolutions, no gamma and no residual, and is something else.

    Args:
        channels: channels of the feature map.
        dims: 2 or 3.
        attend: ``position``, ``channel`` or ``both``: the authors' head, on a fourth of the channels.
        prefer: what a channel takes most from, ``unlike`` (the code) or ``alike`` (the paper).
        reduction: ratio of the channels that are attended to to the width of queries and keys.
        min_width: lower bound of that width, and of the channels of ``both``.
        norm: key of ``NORM``, the normalisation of ``both``.
    """

    def __init__(
        self,
        channels: int,
        *,
        dims: int,
        attend: str = "position",
        prefer: str = "unlike",
        reduction: int = 4,
        min_width: int = 4,
        norm: str = "batch",
    ) -> None:
        check_option("danet attend", attend, ATTEND)
        check_option("danet prefer", prefer, PREFER)
        check_option("danet norm", norm, NORM)
        super().__init__()
        width = _width(channels, attend, reduction, min_width)
        self.attention: Part
        if attend == "position":
            self.attention = PositionAttention(channels, dims=dims, width=width)
        elif attend == "channel":
            self.attention = ChannelAttention(prefer=prefer)
        else:
            inner = max(channels // 4, min_width)
            self.attention = DualAttention(
                channels, channels, dims=dims, inner=inner, width=width, prefer=prefer, norm=norm
            )

    def forward(self, x: Tensor) -> Tensor:
        """``x`` and the result: ``(batch, channels, *spatial)``."""
        return self.attention(x)
