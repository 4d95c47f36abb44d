"""Bottleneck Attention Module of its authors, and their two branches joined as the paper says."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from search_spaces.attention.bam import BottleneckAttention
from tests.reference.adapter import NotCovered, Subject, adapter, exact_width, fitted
from tests.reference.case import Case


@adapter("Jongchan/attention-module", "BAM")
def authors(
    case: Case, *, gate_channel: int, channel: Mapping[str, Any] | None = None, spatial: Mapping[str, Any] | None = None
) -> Subject:
    return _bam(case, gate_channel, "product", dict(channel or {}), dict(spatial or {}))


@adapter("Jongchan/attention-module", "ChannelGate+SpatialGate")
def paper(case: Case, *, gate_channel: int, reduction_ratio: int = 16) -> Subject:
    return _bam(case, gate_channel, "sum", {"reduction_ratio": reduction_ratio}, {"reduction_ratio": reduction_ratio})


def _bam(case: Case, channels: int, combine: str, channel: dict[str, Any], spatial: dict[str, Any]) -> Subject:
    width, spatial_width = (channels // part.pop("reduction_ratio", 16) for part in (channel, spatial))
    if not spatial_width:
        raise NotCovered("squeezed width 0: here it is at least 1")
    layers = channel.pop("num_layers", 1)
    convolutions, dilation = spatial.pop("dilation_conv_num", 2), spatial.pop("dilation_val", 4)
    if channel or spatial:
        raise NotCovered(f"arguments {[*channel, *spatial]}")
    module = BottleneckAttention(
        channels,
        dims=case.dims,
        dilation=dilation,
        convolutions=convolutions,
        layers=layers,
        combine=combine,
        spatial_width=spatial_width,
        **exact_width(channels, width),
    )
    gate, maps = "channel_att.gate_c.gate_c", "spatial_att.gate_s.gate_s"
    names = {
        f"channel.{3 * layers}": f"{gate}_fc_final",
        "spatial.0": f"{maps}_conv_reduce0",
        "spatial.1": f"{maps}_bn_reduce0",
        f"spatial.{3 + 3 * convolutions}": f"{maps}_conv_final",
    }
    for index in range(layers):
        names[f"channel.{3 * index}"] = f"{gate}_fc_{index}"
        names[f"channel.{3 * index + 1}"] = f"{gate}_bn_{index + 1}"
    for index in range(convolutions):
        names[f"spatial.{3 + 3 * index}"] = f"{maps}_conv_di_{index}"
        names[f"spatial.{4 + 3 * index}"] = f"{maps}_bn_di_{index}"
    return Subject(module, fitted(names, module))
