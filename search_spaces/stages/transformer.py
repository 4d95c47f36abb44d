"""A transformer over all positions of a feature map. Dosovitskiy et al.: An Image is Worth 16x16 Words, ICLR 2021,
https://arxiv.org/abs/2010.11929
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from search_spaces.attention.mechanism import check_option
from search_spaces.attention.mhsa import TransformerBlock, fitting_heads
from search_spaces.attention.positions import sine_positions
from search_spaces.layers import CONV, resize, token_norm
from search_spaces.pricing.parts import Part

POSITIONS = ("none", "sine", "learned")
GRID = {2: (14, 14), 3: (6, 6, 6)}  # of learned positions: in 2D the published one, in 3D about as many in all


class Transformer(Part):
    """Tokens of a map through transformer blocks and a last normalisation: LN(blocks(W x + positions)).

    Learned positions lie on a grid and are interpolated to the size at hand, so that any size is accepted.

    Args:
        in_channels: channels of the map.
        channels: channels of a token and of the result; the heads used are the most, up to ``heads``, that divide it.
        dims: 2 or 3; tokens are the positions.
        layers: number of blocks.
        heads: number of heads.
        ratio: of the perceptrons' width to ``channels``; any number.
        position: what is added to the tokens first, ``none``, ``sine`` or ``learned``.
    """

    def __init__(
        self,
        in_channels: int,
        channels: int,
        *,
        dims: int,
        layers: int,
        heads: int,
        ratio: float,
        position: str = "learned",
    ) -> None:
        super().__init__()
        check_option("transformer position", position, POSITIONS)
        self.embed = CONV[dims](in_channels, channels, 1)
        self.sine = position == "sine"
        self.positions = nn.Parameter(torch.empty(1, channels, *GRID[dims])) if position == "learned" else None
        count = fitting_heads(channels, heads)
        self.layers = nn.Sequential(
            *(TransformerBlock(channels, count, ratio) for _ in range(layers)), token_norm(channels, eps=1e-6)
        )
        self.reset_parameters()

    def reset_parameters(self) -> None:
        if self.positions is not None:
            nn.init.trunc_normal_(self.positions, std=0.02)

    def forward(self, x: Tensor) -> Tensor:
        """``(batch, in_channels, *spatial)`` to ``(batch, channels, *spatial)``."""
        x, size = self.embed(x), x.shape[2:]
        if self.sine:
            x = x + sine_positions(x.shape[1], size).to(x)
        if self.positions is not None:
            x = x + resize(self.positions, size, align_corners=True)
        return self.layers(x.flatten(2).transpose(1, 2)).transpose(1, 2).unflatten(2, size)
