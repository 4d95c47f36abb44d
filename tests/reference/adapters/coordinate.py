"""Coordinate Attention of its authors."""

from __future__ import annotations

from search_spaces.attention.coordinate import CoordinateAttention
from tests.reference.adapter import NotCovered, Subject, adapter, renamed
from tests.reference.case import Case


@adapter("houqb/CoordAttention", "CoordAtt")
def authors(case: Case, *, inp: int, oup: int, reduction: int = 32) -> Subject:
    if inp != oup:
        raise NotCovered(f"{inp} channels in, {oup} out: here the shape is kept")
    module = CoordinateAttention(inp, dims=case.dims, reduction=reduction, min_width=8)
    return Subject(module, renamed({"squeeze": "conv1", "norm": "bn1", "excite.0": "conv_h", "excite.1": "conv_w"}))
