"""Squeeze-and-Excitation of timm and of DDANet."""

from __future__ import annotations

from search_spaces.attention.se import GATES, SqueezeExcitation
from tests.reference.adapter import NotCovered, Subject, adapter, divisible, exact_width, renamed
from tests.reference.case import Case


@adapter("huggingface/pytorch-image-models", "SEModule")
def timm(
    case: Case,
    *,
    channels: int,
    rd_ratio: float = 1 / 16,
    rd_channels: int | None = None,
    rd_divisor: int = 8,
    add_maxpool: bool = False,
    bias: bool = True,
    gate_layer: str = "sigmoid",
) -> Subject:
    if gate_layer not in GATES:
        raise NotCovered(f"gate '{gate_layer}'")
    width = rd_channels or divisible(channels * rd_ratio, rd_divisor)
    module = SqueezeExcitation(
        channels,
        dims=case.dims,
        bias=bias,
        pool="both" if add_maxpool else "mean",
        gate=gate_layer,
        **exact_width(channels, width),
    )
    return Subject(module, renamed({"squeeze": "fc1", "excite": "fc2"}))


@adapter("nikhilroxtomar/DDANet", "SELayer")
def ddanet(case: Case, *, channel: int, reduction: float = 16) -> Subject:
    width = int(channel / reduction)
    module = SqueezeExcitation(channel, dims=case.dims, bias=False, **exact_width(channel, width))
    return Subject(module, renamed({"squeeze": "fc.0", "excite": "fc.2"}))
