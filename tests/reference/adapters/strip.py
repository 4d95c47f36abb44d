"""Strip pooling of SPNet: the gate of its stages, and its mixed pooling."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from search_spaces.attention.strip import StripPooling
from tests.reference.adapter import NotCovered, Subject, adapter, exact_width, renamed
from tests.reference.case import Case

REPOSITORY = "houqb/SPNet"


@adapter(REPOSITORY, "SPBlock")
def gate(case: Case, *, inplanes: int, outplanes: int, norm_layer: str = "BatchNorm2d") -> Subject:
    if inplanes != outplanes or norm_layer != "BatchNorm2d":
        raise NotCovered(f"{inplanes} channels in, {outplanes} out, norm_layer {norm_layer}")
    names = {"project": "conv3"}
    for index in range(2):
        names |= {f"context.convolutions.{index}.{n}": f"{kind}{index + 1}" for n, kind in enumerate(("conv", "bn"))}
    return Subject(StripPooling(inplanes, dims=case.dims).layer, renamed(names))


@adapter(REPOSITORY, "StripPooling")
def mixed(
    case: Case,
    *,
    in_channels: int,
    pool_size: Sequence[int],
    norm_layer: str = "BatchNorm2d",
    up_kwargs: Mapping[str, Any],
) -> Subject:
    if norm_layer != "BatchNorm2d" or dict(up_kwargs) != {"mode": "bilinear", "align_corners": True}:
        raise NotCovered(f"norm_layer {norm_layer}, up_kwargs {up_kwargs}")
    module = StripPooling(
        in_channels, dims=case.dims, form="mixed", pools=pool_size, **exact_width(in_channels, in_channels // 4)
    )
    names = {"reduce.0.0": "conv1_1", "reduce.1.0": "conv1_2", "mix.0.1": "conv2_5", "mix.1.1": "conv2_6"}
    names |= {f"spread.{index}": f"conv2_{index}" for index in range(3)}
    names |= {"context.convolutions.0": "conv2_4", "context.convolutions.1": "conv2_3", "join": "conv3"}
    return Subject(module.layer, renamed(names))
