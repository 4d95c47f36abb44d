"""Bi-level routing attention of BiFormer."""

from __future__ import annotations

from search_spaces.attention.bi_level import BiLevelRoutingAttention
from tests.reference.adapter import NotCovered, Subject, adapter, queries_scaled, renamed
from tests.reference.case import Case

REPOSITORY = "rayleizhu/BiFormer"


@adapter(REPOSITORY, "nchwBRA")
def authors(
    case: Case,
    *,
    dim: int,
    num_heads: int = 8,
    n_win: int = 7,
    qk_scale: float | None = None,
    topk: int = 4,
    side_dwconv: int = 3,
    auto_pad: bool = False,
    attn_backend: str = "torch",
) -> Subject:
    if dim % num_heads:
        raise NotCovered(f"{num_heads} heads of {dim} channels")
    names = {"qkv": "qkv_linear", "project": "output_linear", "spread": "lepe"}
    weights = queries_scaled(renamed(names), "qkv", (qk_scale or dim**-0.5) * dim**0.5)
    return Subject(_module(case, dim, num_heads, n_win, topk, side_dwconv), weights)


@adapter(REPOSITORY, "BiLevelRoutingAttention")
def first_version(
    case: Case,
    *,
    dim: int,
    num_heads: int = 8,
    n_win: int = 7,
    topk: int = 4,
    side_dwconv: int = 3,
    auto_pad: bool = False,
) -> Subject:
    if any(length % n_win for length in case.shape[2:]):
        raise NotCovered("not followed: the first version pads before the projection, and means count the padding")
    names = {"qkv": "qkv.qkv", "project": "wo", "spread": "lepe"}
    return Subject(_module(case, dim, num_heads, n_win, topk, side_dwconv), renamed(names))


def _module(case: Case, channels: int, heads: int, regions: int, chosen: int, kernel: int) -> BiLevelRoutingAttention:
    form = {"regions": regions, "chosen": chosen, "heads": heads, "kernel": kernel}
    return BiLevelRoutingAttention(channels, dims=case.dims, residual=False, **form)
