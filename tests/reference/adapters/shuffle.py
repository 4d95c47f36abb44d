"""Shuffle attention of its authors."""

from __future__ import annotations

from search_spaces.attention.shuffle import ShuffleAttention
from tests.reference.adapter import NotCovered, Subject, adapter, renamed
from tests.reference.case import Case


@adapter("wofmanaf/SA-Net", "sa_layer")
def authors(case: Case, *, channel: int, groups: int = 64) -> Subject:
    if channel % (2 * groups):
        raise NotCovered(f"{channel} channels in {groups} groups of halves: the reference wants equal widths")
    module = ShuffleAttention(channel, dims=case.dims, groups=groups)
    names = {"mean_scale": "cweight", "mean_shift": "cbias", "place_scale": "sweight", "place_shift": "sbias"}
    return Subject(module, renamed({**names, "norm": "gn"}))
