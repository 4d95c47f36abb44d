"""Multi-head self-attention as a transformer block. Dosovitskiy et al.: An Image is Worth 16x16 Words, ICLR 2021,
https://arxiv.org/abs/2010.11929

x = x + W concat_h softmax(q_h k_h' / sqrt(d)) v_h of LN(x),  y = x + W2 gelu(W1 LN(x))
"""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn import functional as F

from search_spaces.attention.mechanism import Mechanism, check_option, mechanism
from search_spaces.attention.positions import sine_positions
from search_spaces.errors import InputError
from search_spaces.exporting import exporting
from search_spaces.layers import linear, token_norm
from search_spaces.pricing.parts import Part

POSITIONS = ("none", "sine")


class MultiHeadAttention(Part):
    """Self-attention of ``(batch, tokens, channels)``; the packed projection holds queries, keys and values in turn.

    Args:
        channels: channels of a token, a multiple of ``heads``.
        heads: number of heads.
        bias: whether the packed projection has a bias.
    """

    def __init__(self, channels: int, heads: int, bias: bool = True) -> None:
        if channels % heads:
            raise InputError(f"attention heads: expected {channels} channels to be a multiple of {heads} heads")
        super().__init__()
        self.heads = heads
        self.qkv = linear(channels, 3 * channels, bias=bias)
        self.project = linear(channels, channels)

    def forward(self, tokens: Tensor, bias: Tensor | None = None) -> Tensor:
        """``tokens`` and the result.

        ``bias``: ``(some, heads, tokens, tokens)``, added to the scores, over and over for a batch larger than that.
        """
        packed = self.qkv(tokens).unflatten(2, (3, self.heads, -1))
        query, key, value = packed.permute(2, 0, 3, 1, 4)
        if bias is None or not (exporting() or (bias.requires_grad and tokens.device.type == "cpu")):
            query, key, value = (part.contiguous() for part in (query, key, value))
            if bias is not None and len(bias) > 1:
                bias = bias.repeat(len(tokens) // len(bias), 1, 1, 1)
            found = F.scaled_dot_product_attention(query, key, value, attn_mask=bias)
        else:  # no kernel for the CPU is fused where a bias learns, and what torch then does stores more than this
            query, key, value = (part.unflatten(0, (-1, bias.shape[0])) for part in (query, key, value))
            scores = (query * query.shape[-1] ** -0.5) @ key.transpose(-2, -1)
            found = (scores.add_(bias).softmax(-1) @ value).flatten(0, 1)
        return self.project(found.transpose(1, 2).flatten(2))


class Perceptron(nn.Sequential):
    """Two layers on each token, ``ratio`` times as wide in between, rounded down."""

    def __init__(self, channels: int, ratio: float) -> None:
        width = int(ratio * channels)
        if width < 1:
            raise InputError(
                f"perceptron ratio: expected at least one of {channels} channels in between, got {ratio!r}"
            )
        super().__init__(linear(channels, width), nn.GELU(), linear(width, channels))


class TransformerBlock(Part):
    """Attention and perceptron on ``(batch, tokens, channels)``, each normalised before and added to its input."""

    def __init__(self, channels: int, heads: int, ratio: float, bias: bool = True, eps: float = 1e-6) -> None:
        super().__init__()
        self.norm1 = token_norm(channels, eps)
        self.attention = MultiHeadAttention(channels, heads, bias)
        self.norm2 = token_norm(channels, eps)
        self.perceptron = Perceptron(channels, ratio)

    def forward(self, tokens: Tensor) -> Tensor:
        tokens = tokens + self.attention(self.norm1(tokens))
        return tokens + self.perceptron(self.norm2(tokens))


@mechanism(
    "mhsa",
    family="self-similarity",
    type="multi-dimensional",
    title="Multi-head self-attention (transformer block)",
    paper="Dosovitskiy et al.: An Image is Worth 16x16 Words, Transformers for Image Recognition at Scale, ICLR",
    year=2021,
    address="https://arxiv.org/abs/2010.11929",
    cost="O(C^2 n + C n^2)",
    choices={"heads": (1, 2, 4), "ratio": (1, 2, 4), "position": ("none", "sine")},
    effective={"heads": lambda channels, settings: fitting_heads(channels, settings["heads"])},
)
class MultiHeadSelfAttention(Mechanism):
    """One transformer block over all positions.

    Learned positions of the original are tied to one image size; the sines of the coordinates are not, and a U-Net's
    convolutions already tell places apart, so ``none`` is a choice.

    Args:
        channels: channels of the feature map; the heads used are the most, up to ``heads``, that divide it.
        dims: 2 or 3; tokens are the positions.
        heads: number of heads.
        ratio: of the perceptron's width to ``channels``; any number.
        position: what is added to the tokens first, ``none`` or ``sine``.
        bias: whether queries, keys and values have biases.
    """

    def __init__(
        self,
        channels: int,
        *,
        dims: int,
        heads: int = 4,
        ratio: float = 2,
        position: str = "none",
        bias: bool = True,
    ) -> None:
        super().__init__()
        check_option("mhsa position", position, POSITIONS)
        self.position = position
        self.block = TransformerBlock(channels, fitting_heads(channels, heads), ratio, bias)

    def forward(self, x: Tensor) -> Tensor:
        """``x`` and the result: ``(batch, channels, *spatial)``."""
        added = x + sine_positions(x.shape[1], x.shape[2:]).to(x) if self.position == "sine" else x
        tokens = added.flatten(2).transpose(1, 2)
        return self.block(tokens).transpose(1, 2).unflatten(2, x.shape[2:])


def fitting_heads(channels: int, heads: int) -> int:
    """The largest number of heads, up to ``heads``, that divides ``channels``."""
    return next(count for count in range(min(heads, channels), 0, -1) if channels % count == 0)
