"""Attention of U-Net Transformer by the text of its paper; the popular implementation has bugs and is not followed."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor

from search_spaces.attention.cross import CrossAttention
from tests.reference.adapter import NotCovered, Subject, adapter, renamed
from tests.reference.case import Case, Tensors


@adapter("", "MHCA (own)")
def paper(case: Case, *, Cy: int, Cs: int, h: int) -> Subject:
    module = CrossAttention(Cs, dims=case.dims, gate_channels=Cy, heads=h)
    names = {"query": "q", "key": "k", "value": "v", "project": "o", "norm": "bn"}

    def call(inputs: Tensors) -> Sequence[Tensor]:
        decoder, skip = inputs.values()
        y = module(skip, decoder)
        return [y, module.gate(skip, decoder)]

    return Subject(module, renamed(names), call)


@adapter("HXLH50K/U-Net-Transformer", "MultiHeadCrossAttention", "MultiHeadSelfAttention")
def popular(case: Case, **arguments: object) -> Subject:
    raise NotCovered("not followed: a softmax over the queries, one head and no sigmoid, against the paper")
