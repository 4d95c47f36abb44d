"""Stand-alone self-attention by the equations of its paper; popular implementations differ and are not followed."""

from __future__ import annotations

from search_spaces.attention.local import LocalAttention
from tests.reference.adapter import NotCovered, Subject, adapter, renamed
from tests.reference.case import Case


@adapter("", "SASA (own loop implementation)")
def paper(case: Case, *, C: int, Co: int, k: int, heads: int, border: str) -> Subject:
    module = LocalAttention(Co, dims=case.dims, in_channels=C, kernel=k, heads=heads, border=border, residual=False)
    names = {"query": "q", "key": "k", "value": "v", "relative.0": "rel_row", "relative.1": "rel_col"}
    return Subject(module, renamed(names))


@adapter("leaderj1001/Stand-Alone-Self-Attention", "AttentionConv")
def leaderj1001(case: Case, **arguments: object) -> Subject:
    raise NotCovered("not followed: a softmax for each channel, where the paper sums over the channels of a head")


@adapter("MerHS/SASA-pytorch", "SelfAttentionConv2d")
def merhs(case: Case, **arguments: object) -> Subject:
    raise NotCovered("not followed: one map summed over all heads, where the paper has one for each head")
