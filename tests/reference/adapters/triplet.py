"""Triplet attention of its authors."""

from __future__ import annotations

from search_spaces.attention.triplet import TripletAttention
from tests.reference.adapter import Subject, adapter, renamed
from tests.reference.case import Case


@adapter("landskape-ai/triplet-attention", "TripletAttention")
def authors(case: Case, *, no_spatial: bool = False) -> Subject:
    module = TripletAttention(case.shape[1], dims=case.dims, channel=not no_spatial)
    names = {}
    for index, theirs in enumerate(("cw", "hc", "hw")):
        names |= {f"gates.{index}.conv": f"{theirs}.conv.conv", f"gates.{index}.norm": f"{theirs}.conv.bn"}
    return Subject(module, renamed(names))
