"""Cross-attention on skips. Petit, Thome, Rambour, Themyr, Collins, Soler: U-Net Transformer, MLMI 2021,
https://arxiv.org/abs/2103.06104

z = sigmoid(BN(W concat_h softmax(q_h k_h' / sqrt(d)) v_h)),  y = x * up(z): q, k of the decoder signal, v of the skip
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from search_spaces.attention.dot_product import attend
from search_spaces.attention.mechanism import Mechanism, check_option, mechanism
from search_spaces.attention.mhsa import fitting_heads
from search_spaces.attention.positions import sine_positions
from search_spaces.exporting import rounded_up
from search_spaces.layers import CONV, MAX_POOL, NORM, resize


@mechanism(
    "cross",
    family="self-similarity",
    type="hybrid",
    title="Multi-head cross-attention of a skip",
    paper="Petit, Thome, Rambour, Themyr, Collins, Soler: U-Net Transformer, MLMI",
    year=2021,
    address="https://arxiv.org/abs/2103.06104",
    cost="O(C^2 m + C m^2), m positions of the coarser level",
    inputs="gated",
    choices={"heads": (1, 2, 4), "position": (False, True)},
    effective={"heads": lambda channels, settings: fitting_heads(channels, settings["heads"])},
)
class CrossAttention(Mechanism):
    """Gates a skip by what attention among the coarser decoder's positions makes of it.

    The skip is reduced to the decoder's size by a maximum pooling, the gate comes back by interpolation. The paper
    leaves pooling, normalisation and interpolation open, and which positions it adds; there is no official code. They
    are those of the first transformer, whose formula holds for every width, see ``sine_positions``.

    Args:
        channels: channels of the skip; the heads used are the most, up to ``heads``, that divide it.
        dims: 2 or 3.
        gate_channels: channels of the coarser decoder signal.
        heads: number of heads.
        position: whether sines of the coordinates are added to both inputs, as in the paper.
        norm: key of ``NORM``.
    """

    def __init__(
        self,
        channels: int,
        *,
        dims: int,
        gate_channels: int,
        heads: int = 4,
        position: bool = True,
        norm: str = "batch",
    ) -> None:
        super().__init__()
        check_option("cross norm", norm, NORM)
        conv = CONV[dims]
        self.heads, self.position = fitting_heads(channels, heads), position
        self.query = conv(gate_channels, channels, 1, bias=False)
        self.key = conv(gate_channels, channels, 1, bias=False)
        self.value = conv(channels, channels, 1, bias=False)
        self.project = conv(channels, channels, 1)
        self.norm = NORM[norm](channels)

    def forward(self, x: Tensor, gate: Tensor) -> Tensor:
        """``x`` and the result: ``(batch, channels, *spatial)``; ``gate``: ``(batch, gate_channels, *coarser)``."""
        return x * self.gate(x, gate)

    def gate(self, x: Tensor, gate: Tensor) -> Tensor:
        """What ``x`` is multiplied by, of its shape."""
        asked = _placed(gate) if self.position else gate
        values = _reduced(_placed(x) if self.position else x, gate.shape[2:])
        found = attend(self.query(asked), self.key(asked), self.value(values), self.heads)
        return resize(torch.sigmoid(self.norm(self.project(found))), x.shape[2:])


def _reduced(x: Tensor, size: Sequence[int]) -> Tensor:
    """Maxima over windows that share ``x`` out to ``size``, the last of an axis cut short; in a U-Net they are 2 wide.

    Where no window gives that size the nearest maximum is taken. torch's adaptive pooling has no form in ONNX.
    """
    window: Any = tuple(rounded_up(length, wanted) for length, wanted in zip(x.shape[2:], size, strict=True))
    pooled = MAX_POOL[x.dim() - 2](window, ceil_mode=True)(x)
    return pooled if list(pooled.shape[2:]) == list(size) else F.interpolate(pooled, tuple(size))


def _placed(x: Tensor) -> Tensor:
    return x + sine_positions(x.shape[1], x.shape[2:]).to(x)
