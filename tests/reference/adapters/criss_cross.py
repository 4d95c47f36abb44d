"""Criss-cross attention of its authors; their whole head is no part of a slot."""

from __future__ import annotations

from search_spaces.attention.criss_cross import CrissCrossAttention
from tests.reference.adapter import Subject, adapter, exact_width, renamed
from tests.reference.case import Case


@adapter("speedinghzl/CCNet", "CrissCrossAttention", "CrissCrossAttention applied twice (shared weights)")
def authors(case: Case, *, in_dim: int, recurrence: int = 1) -> Subject:
    module = CrissCrossAttention(in_dim, dims=case.dims, recurrence=recurrence, **exact_width(in_dim, in_dim // 8))
    names = {"gamma": "gamma", "query": "query_conv", "key": "key_conv", "value": "value_conv"}
    return Subject(module, renamed(names))
