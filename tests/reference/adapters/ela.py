"""Efficient local attention, by a port: its authors have no code."""

from __future__ import annotations

from search_spaces.attention.ela import EfficientLocalAttention
from tests.reference.adapter import Subject, adapter, renamed
from tests.reference.case import Case


@adapter("AIFengheshu/Plug-play-modules", "EfficientLocalizationAttention")
def port(case: Case, *, channel: int, kernel_size: int = 7, groups: int | None = None, gn_groups: int = 16) -> Subject:
    module = EfficientLocalAttention(
        channel,
        dims=case.dims,
        kernel=kernel_size,
        group_width=channel // (groups or channel),
        norm_groups=gn_groups,
    )
    return Subject(module, renamed({"conv": "conv", "norm": "gn"}))
