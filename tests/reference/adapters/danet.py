"""Position and channel attention of DANet, and its head."""

from __future__ import annotations

from search_spaces.attention.danet import DualAttention, DualAttentionNetwork
from tests.reference.adapter import NotCovered, Subject, adapter, exact_width, renamed
from tests.reference.case import Case

REPOSITORY = "junfu1115/DANet"
POSITION = {"query": "query_conv", "key": "key_conv", "value": "value_conv", "gamma": "gamma"}


@adapter(REPOSITORY, "PAM_Module")
def position(case: Case, *, in_dim: int) -> Subject:
    module = DualAttentionNetwork(in_dim, dims=case.dims, attend="position", **exact_width(in_dim, in_dim // 8))
    return Subject(module.attention, renamed(POSITION))


@adapter(REPOSITORY, "CAM_Module")
def channel(case: Case, *, in_dim: int) -> Subject:
    return _channel(case, in_dim, "unlike")


@adapter(REPOSITORY, "CAM_Module (paper sign)")
def channel_of_the_paper(case: Case, *, in_dim: int) -> Subject:
    return _channel(case, in_dim, "alike")


def _channel(case: Case, channels: int, prefer: str) -> Subject:
    module = DualAttentionNetwork(channels, dims=case.dims, attend="channel", prefer=prefer)
    return Subject(module.attention, renamed({"gamma": "gamma"}))


@adapter(REPOSITORY, "DANetHead")
def head(case: Case, *, in_channels: int, out_channels: int, norm_layer: str = "BatchNorm2d") -> Subject:
    if norm_layer != "BatchNorm2d" or case.training:
        raise NotCovered(f"norm_layer {norm_layer}, or dropout in train mode")
    inner = in_channels // 4
    if inner < 8:
        raise NotCovered(f"queries of {inner} // 8 channels: here they have at least 1")
    module = DualAttention(
        in_channels,
        out_channels,
        dims=case.dims,
        inner=inner,
        width=inner // 8,
        prefer="unlike",
        norm="batch",
        sides=True,
    )
    names = {f"position.1.{ours}": f"sa.{theirs}" for ours, theirs in POSITION.items()} | {
        "channel.1.gamma": "sc.gamma"
    }
    for branch, first, last in (("position", "conv5a", "conv51"), ("channel", "conv5c", "conv52")):
        names |= {f"{branch}.0": first, f"{branch}.2": last}
    names |= {"sides.0": "conv6.1", "sides.1": "conv7.1", "join": "conv8.1"}
    return Subject(module, renamed(names), lambda inputs: module.outputs(*inputs.values()))
