"""Stand-alone self-attention. Ramachandran, Parmar, Vaswani, Bello, Levskaya, Shlens: Stand-Alone Self-Attention in
Vision Models, NeurIPS 2019, https://arxiv.org/abs/1906.05909

y_p = sum_a softmax_a(q_p (k_(p+a) + r_a)) v_(p+a) over the offsets a of a window around p
"""

from __future__ import annotations

import itertools

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from search_spaces.attention.mechanism import Mechanism, check_odd, check_option, mechanism
from search_spaces.attention.mhsa import fitting_heads
from search_spaces.errors import InputError
from search_spaces.layers import CONV

BORDERS = ("mask", "zero")


@mechanism(
    "local",
    family="self-similarity",
    type="multi-dimensional",
    title="Stand-alone (local) self-attention",
    paper="Ramachandran et al.: Stand-Alone Self-Attention in Vision Models, NeurIPS",
    year=2019,
    address="https://arxiv.org/abs/1906.05909",
    cost="O(C^2 n + C n k^dims)",
    choices={"kernel": (3, 5, 7), "heads": (1, 2, 4, 8)},
    effective={"heads": lambda channels, settings: fitting_heads(channels, settings["heads"])},
)
class LocalAttention(Mechanism):
    """Attention of every position to a window around it, with learned relative positions and no scaling.

    The offsets of each axis have embeddings of their own, which are joined (the first share of a head's channels is
    for the first axis, and so on) and shared by the heads. The paper is silent on borders: ``mask`` leaves out what
    lies outside, ``zero`` counts it as zeros that keep their positions. Memory grows with positions times offsets,
    never with a copy of the features for each offset.

    Args:
        channels: channels of the result; the heads used are the most, up to ``heads``, that divide it.
        dims: 2 or 3.
        in_channels: channels of the input; left out, as many as of the result.
        kernel: odd side of the window.
        heads: number of heads.
        border: ``mask`` or ``zero``.
        residual: whether the input is added, of as many channels (the paper's layer takes the place of a convolution).
    """

    def __init__(
        self,
        channels: int,
        *,
        dims: int,
        in_channels: int | None = None,
        kernel: int = 3,
        heads: int = 4,
        border: str = "mask",
        residual: bool = True,
    ) -> None:
        check_option("local border", border, BORDERS)
        check_odd("local kernel", kernel)
        inputs = in_channels or channels
        if residual and inputs != channels:
            raise InputError(f"local residual: expected {channels} channels of the input, which is added, got {inputs}")
        super().__init__()
        self.kernel, self.border, self.residual = kernel, border, residual
        self.heads = fitting_heads(channels, heads)
        width = channels // self.heads
        self.query = CONV[dims](inputs, channels, 1, bias=False)
        self.key = CONV[dims](inputs, channels, 1, bias=False)
        self.value = CONV[dims](inputs, channels, 1, bias=False)
        shares = [width // dims] * (dims - 1)
        self.relative = nn.ParameterList(torch.empty(share, kernel) for share in (*shares, width - sum(shares)))
        self.reset_parameters()

    def reset_parameters(self) -> None:
        for table in self.relative:
            nn.init.normal_(table)

    def forward(self, x: Tensor) -> Tensor:
        """``(batch, in_channels, *spatial)`` to ``(batch, channels, *spatial)``."""
        split = (self.heads, -1)
        query, key, value = (part(x).unflatten(1, split) for part in (self.query, self.key, self.value))
        size, reach = x.shape[2:], self.kernel // 2
        margins = [reach] * (2 * len(size))
        key, value = F.pad(key, margins), F.pad(value, margins)
        offsets = list(itertools.product(range(self.kernel), repeat=len(size)))
        # Keys are views here, and positions never added to them: a copy for each offset would be kept for the gradient.
        scores = torch.stack([(query * shifted(key, offset, size)).sum(2) for offset in offsets], dim=2)
        scores += torch.einsum("bhc...,ct->bht...", query, self._positions(offsets))
        if self.border == "mask":
            outside = F.pad(x.new_zeros(size), margins, value=float("-inf"))
            scores += torch.stack([shifted(outside, offset, size) for offset in offsets])
        weights = scores.softmax(2).unsqueeze(2).unbind(3)
        y = torch.zeros_like(query)
        for weight, offset in zip(weights, offsets, strict=True):
            y = torch.addcmul(y, weight, shifted(value, offset, size))
        y = y.flatten(1, 2)
        return x + y if self.residual else y

    def _positions(self, offsets: list[tuple[int, ...]]) -> Tensor:
        """``(channels of a head, offsets)``: the embedding of each offset."""
        indices = zip(*offsets, strict=True)
        return torch.cat([table[:, list(index)] for table, index in zip(self.relative, indices, strict=True)])


def shifted(x: Tensor, offset: tuple[int, ...], size: torch.Size) -> Tensor:
    """The part of the padded ``x`` that starts at ``offset``, of ``size``; a view."""
    first = x.dim() - len(size)
    for axis, (start, length) in enumerate(zip(offset, size, strict=True)):
        x = x.narrow(first + axis, start, length)
    return x
