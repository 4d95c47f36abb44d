"""Gather-Excite of timm, and the graphs of its authors' Caffe files."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from search_spaces.attention.gather_excite import GatherExcite
from tests.reference.adapter import NotCovered, Subject, adapter, divisible, exact_width, renamed
from tests.reference.case import Case


@adapter("huggingface/pytorch-image-models", "GatherExcite")
def timm(
    case: Case,
    *,
    channels: int,
    feat_size: Sequence[int] | None = None,
    extra_params: bool = False,
    extent: int = 0,
    use_mlp: bool = True,
    rd_ratio: float = 1 / 16,
    rd_channels: int | None = None,
    rd_divisor: int = 1,
) -> Subject:
    if extra_params and extent == 0:
        raise NotCovered("timm pads the global kernel, so that it gathers more than one value; the authors do not")
    if extra_params and extent & (extent - 1):
        raise NotCovered(f"a learned gather of extent {extent}: here a power of two")
    if extra_params and use_mlp:
        raise NotCovered("timm leaves out the activation between the learned gather and the perceptron")
    width = exact_width(channels, rd_channels or divisible(channels * rd_ratio, rd_divisor)) if use_mlp else {}
    gather = "learned" if extra_params else "mean"
    module = GatherExcite(channels, dims=case.dims, extent=extent, gather=gather, perceptron=use_mlp, **width)
    names = {"perceptron.0": "mlp.fc1", "perceptron.2": "mlp.fc2"}
    for index in range(extent.bit_length() - 1):
        names |= {f"learned.{index}": f"gather.conv{index + 1}", f"norms.{index}": f"gather.norm{index + 1}"}
    return Subject(module, renamed(names))


@adapter("hujie-frank/GENet", "(prototxt graph gather..axpy multiplicand)")
def authors(case: Case, *, C: int, hw: Sequence[int], r: int | None = None) -> Subject:
    width: dict[str, Any] = exact_width(C, C // r) if r else {}
    module = GatherExcite(
        C, dims=case.dims, extent=0, gather="learned", perceptron=r is not None, map_size=tuple(hw), **width
    )
    names = {"learned.0": "gather", "norms.0": "bn", "perceptron.0": "down", "perceptron.2": "up"}
    return Subject(module, renamed(names))
