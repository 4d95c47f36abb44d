"""Squeeze-and-Excitation of timm and of DDANet."""

from __future__ import annotations

from search_spaces.attention.se import SqueezeExcitation
from tests.reference.adapter import Subject, adapter, exact_width, renamed
from tests.reference.case import Case


@adapter("huggingface/pytorch-image-models", "SEModule")
def timm(
    case: Case,
    *,
    channels: int,
    rd_ratio: float = 1 / 16,
    rd_channels: int | None = None,
    rd_divisor: int = 8,
    bias: bool = True,
) -> Subject:
    # timm rounds the width to the nearest multiple of the divisor, at least one divisor.
    width = rd_channels or max(int(channels * rd_ratio + rd_divisor / 2) // rd_divisor * rd_divisor, rd_divisor)
    module = SqueezeExcitation(channels, dims=case.dims, bias=bias, **exact_width(channels, width))
    return Subject(module, renamed({"squeeze": "fc1", "excite": "fc2"}))


@adapter("nikhilroxtomar/DDANet", "SELayer")
def ddanet(case: Case, *, channel: int, reduction: float = 16) -> Subject:
    width = int(channel / reduction)
    module = SqueezeExcitation(channel, dims=case.dims, bias=False, **exact_width(channel, width))
    return Subject(module, renamed({"squeeze": "fc.0", "excite": "fc.2"}))
