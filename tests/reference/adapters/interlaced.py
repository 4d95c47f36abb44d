"""Interlaced sparse self-attention of its authors: the block, and the module with one pair of factors or several."""

from __future__ import annotations

from collections.abc import Sequence

from search_spaces.attention.interlaced import Interlaced, InterlacedAttention
from tests.reference.adapter import NotCovered, Subject, adapter, renamed
from tests.reference.case import Case

REPOSITORY = "openseg-group/openseg.pytorch"


@adapter(REPOSITORY, "ISA_Block")
def block(
    case: Case,
    *,
    in_channels: int,
    key_channels: int,
    value_channels: int,
    out_channels: int,
    down_factor: Sequence[int] = (8, 8),
) -> Subject:
    module = Interlaced(
        in_channels, out_channels, key_channels, value_channels, dims=case.dims, sides=down_factor, norm="batch"
    )
    return Subject(module, renamed(_names("", "")))


@adapter(REPOSITORY, "ISA_Module")
def module(
    case: Case,
    *,
    in_channels: int,
    key_channels: int,
    value_channels: int,
    out_channels: int,
    down_factors: Sequence[Sequence[int]] = ((8, 8),),
    dropout: float = 0,
) -> Subject:
    if dropout and case.training:
        raise NotCovered("dropout in train mode")
    module = InterlacedAttention(
        out_channels,
        dims=case.dims,
        in_channels=in_channels,
        width=key_channels,
        value_width=value_channels,
        shapes=down_factors,
    )
    names = {"widen.0": "up_conv.0", "widen.1": "up_conv.1.0", "join.0": "conv_bn.0", "join.1": "conv_bn.1.0"}
    for index in range(len(down_factors)):
        names |= _names(f"stages.{index}.", f"stages.{index}.")
    return Subject(module, renamed(names))


def _names(ours: str, theirs: str) -> dict[str, str]:
    """Of the two steps of one pair of factors, after these prefixes."""
    names = {}
    for step in ("long_range", "short_range"):
        before, other = f"{ours}{step}", f"{theirs}{step}_sa"
        for role in ("query", "key"):
            for first, second in (("0", "0"), ("1", "1.0"), ("3", "2"), ("4", "3.0")):
                names[f"{before}.{role}.{first}"] = f"{other}.f_{role}.{second}"
        names |= {f"{before}.value": f"{other}.f_value"}
        names |= {f"{before}.project.0": f"{other}.W.0", f"{before}.project.1": f"{other}.W.1.0"}
    return names
