"""Efficient multi-scale attention of its authors."""

from __future__ import annotations

from search_spaces.attention.efficient_multiscale import EfficientMultiscaleAttention
from tests.reference.adapter import NotCovered, Subject, adapter, renamed
from tests.reference.case import Case


@adapter("YOLOonMe/EMA-attention-module", "EMA")
def authors(case: Case, *, channels: int, c2: object = None, factor: int = 32) -> Subject:
    if channels % factor:
        raise NotCovered(f"{channels} channels in {factor} groups: the reference wants groups of equal width")
    module = EfficientMultiscaleAttention(channels, dims=case.dims, groups=factor)
    return Subject(module, renamed({"strip": "conv1x1", "norm": "gn", "spread": "conv3x3"}))
