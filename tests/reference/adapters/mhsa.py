"""Multi-head self-attention of timm, of U-Net Transformer by the text of its paper, and the block of TransUNet."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import torch
from torch import Tensor

from search_spaces.attention.mhsa import MultiHeadAttention, TransformerBlock
from search_spaces.attention.positions import sine_positions
from tests.reference.adapter import NotCovered, Subject, adapter, exact_ratio, renamed
from tests.reference.case import Case, Tensors

TRANSUNET = {
    "norm1": "attention_norm",
    "norm2": "ffn_norm",
    "perceptron.0": "ffn.fc1",
    "perceptron.2": "ffn.fc2",
    "attention.project": "attn.out",
}
PROJECTIONS = ("attn.query", "attn.key", "attn.value")


@adapter("huggingface/pytorch-image-models", "Attention")
def timm(
    case: Case,
    *,
    dim: int,
    num_heads: int = 8,
    qkv_bias: bool = False,
    qk_norm: bool = False,
    proj_bias: bool = True,
    attn_drop: float = 0.0,
    proj_drop: float = 0.0,
) -> Subject:
    if qk_norm:
        raise NotCovered("qk_norm: queries and keys normalised")
    if case.training and (attn_drop or proj_drop):
        raise NotCovered("dropout in train mode")
    module = MultiHeadAttention(dim, num_heads, qkv_bias)
    return Subject(module, _without_bias(renamed({"qkv": "qkv", "project": "proj"}), dim))


@adapter("", "MHSA (own)")
def u_net_transformer(case: Case, *, C: int, h: int) -> Subject:
    module = MultiHeadAttention(C, h, bias=False)
    weights = _without_bias(packed({"project": "o"}, {"qkv": ("q", "k", "v")}), C)

    def call(inputs: Tensors) -> Sequence[Tensor]:
        x = next(iter(inputs.values()))
        tokens = (x + sine_positions(C, x.shape[2:])).flatten(2).transpose(1, 2)
        return [module(tokens).transpose(1, 2).unflatten(2, x.shape[2:])]

    return Subject(module, weights, call)


@adapter("Beckschen/TransUNet", "Block")
def transunet(case: Case, *, hidden_size: int, num_heads: int, mlp_dim: int) -> Subject:
    module = TransformerBlock(hidden_size, num_heads, exact_ratio(hidden_size, mlp_dim))
    return Subject(module, packed(TRANSUNET, {"attention.qkv": PROJECTIONS}))


def _without_bias(convert: Callable[[Tensors], Tensors], channels: int) -> Callable[[Tensors], Tensors]:
    """As ``convert``; the last layer's bias is zero where the reference has none."""
    return lambda reference: {"project.bias": torch.zeros(channels), **convert(reference)}


def packed(names: Mapping[str, str], parts: Mapping[str, tuple[str, ...]]) -> Callable[[Tensors], Tensors]:
    """As ``renamed``; separate projections of the reference become one, in the order given."""

    def convert(reference: Tensors) -> Tensors:
        left, found = dict(reference), {}
        for ours, theirs in parts.items():
            for kind in ("weight", "bias"):
                if f"{theirs[0]}.{kind}" in left:
                    found[f"{ours}.{kind}"] = torch.cat([left.pop(f"{part}.{kind}") for part in theirs])
        return {**renamed(names)(left), **found}

    return convert
