"""Split attention of ResNeSt."""

from __future__ import annotations

from collections.abc import Sequence

from search_spaces.attention.split import SplitAttention
from tests.reference.adapter import NotCovered, Subject, adapter, renamed
from tests.reference.case import Case


@adapter("zhanghang1989/ResNeSt", "SplAtConv2d")
def authors(
    case: Case,
    *,
    in_channels: int,
    channels: int,
    kernel_size: int,
    stride: int | Sequence[int] = 1,
    padding: int | Sequence[int] = 0,
    dilation: int | Sequence[int] = 1,
    groups: int = 1,
    bias: bool = True,
    radix: int = 2,
    reduction_factor: int = 4,
    rectify: bool = False,
    rectify_avg: bool = False,
    norm_layer: str | None = None,
    dropblock_prob: float = 0.0,
) -> Subject:
    step, margin, spread = (_one(value) for value in (stride, padding, dilation))
    norms = {"BatchNorm2d": "batch", None: "none"}
    if rectify or dropblock_prob or norm_layer not in norms or in_channels % (groups * radix) or channels % groups:
        raise NotCovered(f"rectify {rectify}, dropblock {dropblock_prob}, norm_layer {norm_layer}, uneven groups")
    if max(in_channels * radix // reduction_factor, 32) % groups:
        raise NotCovered(f"a squeezed width that {groups} groups do not divide")
    module = SplitAttention(
        channels,
        dims=case.dims,
        in_channels=in_channels,
        stride=step,
        radix=radix,
        groups=groups,
        reduction=reduction_factor,
        min_width=32,
        kernel=kernel_size,
        dilation=spread,
        bias=bias,
        norm=norms[norm_layer],
    )
    names = {"conv": "conv", "norm.0": "bn0", "squeeze.0": "fc1", "squeeze.1": "bn1", "score": "fc2"}
    beyond = margin - spread * (kernel_size // 2)
    if beyond:
        raise NotCovered(f"padding {margin}: here the size is kept")
    return Subject(module, renamed(names))


def _one(value: int | Sequence[int]) -> int:
    values = {value} if isinstance(value, int) else set(value)
    if len(values) > 1:
        raise NotCovered(f"{value} for the axes: here all have the same")
    return values.pop()
