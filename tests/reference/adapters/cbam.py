"""Convolutional Block Attention Module of its authors."""

from __future__ import annotations

from collections.abc import Sequence

from search_spaces.attention.cbam import ConvolutionalBlockAttention
from tests.reference.adapter import Subject, adapter, exact_width, renamed
from tests.reference.case import Case


@adapter("Jongchan/attention-module", "CBAM")
def authors(
    case: Case,
    *,
    gate_channels: int,
    reduction_ratio: int = 16,
    pool_types: Sequence[str] = ("avg", "max"),
    no_spatial: bool = False,
) -> Subject:
    module = ConvolutionalBlockAttention(
        gate_channels,
        dims=case.dims,
        kernel=7,
        pools=pool_types,
        spatial=not no_spatial,
        **exact_width(gate_channels, gate_channels // reduction_ratio),
    )
    names = {
        "channel_gate.perceptron.0": "ChannelGate.mlp.1",
        "channel_gate.perceptron.2": "ChannelGate.mlp.3",
        "spatial_gate.conv": "SpatialGate.spatial.conv",
        "spatial_gate.norm": "SpatialGate.spatial.bn",
    }
    return Subject(module, renamed(names))
