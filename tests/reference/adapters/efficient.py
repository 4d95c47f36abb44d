"""Efficient attention of its authors."""

from __future__ import annotations

from search_spaces.attention.efficient import EfficientAttention
from tests.reference.adapter import NotCovered, Subject, adapter, renamed
from tests.reference.case import Case


@adapter("cmsflash/efficient-attention", "EfficientAttention")
def authors(case: Case, *, in_channels: int, key_channels: int, head_count: int, value_channels: int) -> Subject:
    if key_channels % head_count or value_channels % head_count:
        raise NotCovered(
            f"{key_channels} and {value_channels} channels in {head_count} heads, of which some are left out"
        )
    module = EfficientAttention(
        in_channels, dims=case.dims, heads=head_count, width=key_channels, value_width=value_channels
    )
    return Subject(module, renamed({"query": "queries", "key": "keys", "value": "values", "project": "reprojection"}))
