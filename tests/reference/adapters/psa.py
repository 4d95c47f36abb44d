"""Point-wise spatial attention of its authors."""

from __future__ import annotations

from search_spaces.attention.psa import PointwiseSpatialAttention
from tests.reference.adapter import Subject, adapter, exact_width, renamed
from tests.reference.case import Case

DIRECTIONS = {0: "collect", 1: "distribute", 2: "both"}


@adapter("hszhao/semseg", "PSA")
def authors(
    case: Case,
    *,
    in_channels: int = 2048,
    mid_channels: int = 512,
    psa_type: int = 2,
    compact: bool = False,
    shrink_factor: int = 2,
    mask_h: int = 59,
    mask_w: int = 59,
    normalization_factor: float | None = 1.0,
    psa_softmax: bool = True,
) -> Subject:
    module = PointwiseSpatialAttention(
        in_channels,
        dims=case.dims,
        direction=DIRECTIONS[psa_type],
        most=None,
        shrink=shrink_factor,
        masks=(mask_h, mask_w),
        compact=compact,
        softmax=psa_softmax,
        divisor=mask_h * mask_w if normalization_factor is None else normalization_factor,
        restore=False,
        **exact_width(in_channels, mid_channels),
    )
    names = {"project.0": "proj.0", "project.1": "proj.1"}
    for index, suffix in enumerate(["", "_p"][: len(module.directions)]):
        names |= {f"reduce.{index}": f"reduce{suffix}", f"attention.{index}": f"attention{suffix}"}
    return Subject(module, renamed(names))
