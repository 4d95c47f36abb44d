"""Criss-cross attention of its authors, alone and between the convolutions of their segmentation head."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from search_spaces.attention.criss_cross import CrissCrossAttention
from search_spaces.layers import ACTIVATION, CONV
from search_spaces.stages.convolution import ConvNorm
from tests.reference.adapter import NotCovered, Subject, adapter, exact_width, renamed
from tests.reference.case import Case, Tensors


@adapter("speedinghzl/CCNet", "CrissCrossAttention", "CrissCrossAttention applied twice (shared weights)")
def authors(case: Case, *, in_dim: int, recurrence: int = 1) -> Subject:
    module = CrissCrossAttention(in_dim, dims=case.dims, recurrence=recurrence, **exact_width(in_dim, in_dim // 8))
    return Subject(module, renamed(_names()))


@adapter("speedinghzl/CCNet", "RCCAModule")
def head(case: Case, *, in_channels: int, out_channels: int, num_classes: int, recurrence: int = 2) -> Subject:
    if case.training:
        raise NotCovered("dropout in train mode")
    width, dims = in_channels // 4, case.dims
    squeeze = ConvNorm(in_channels, width, dims=dims, norm="batch")
    attention = CrissCrossAttention(width, dims=dims, recurrence=recurrence, **exact_width(width, width // 8))
    spread = ConvNorm(width, width, dims=dims, norm="batch")
    join = ConvNorm(in_channels + width, out_channels, dims=dims, norm="batch")
    score = CONV[dims](out_channels, num_classes, 1)
    activation = ACTIVATION["leaky_relu"]()
    names = {f"1.{ours}": f"cca.{theirs}" for ours, theirs in _names().items()} | {"4": "bottleneck.3"}
    for index, theirs in ((0, "conva"), (2, "convb"), (3, "bottleneck")):
        names |= {f"{index}.conv": f"{theirs}.0", f"{index}.norm": f"{theirs}.1"}

    def call(inputs: Tensors) -> Sequence[Tensor]:
        x = next(iter(inputs.values()))
        attended = activation(spread(attention(activation(squeeze(x)))))
        return [score(activation(join(torch.cat([x, attended], dim=1))))]

    return Subject(nn.ModuleList([squeeze, attention, spread, join, score]), renamed(names), call)


def _names() -> dict[str, str]:
    return {"gamma": "gamma", "query": "query_conv", "key": "key_conv", "value": "value_conv"}
