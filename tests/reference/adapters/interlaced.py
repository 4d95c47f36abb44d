"""Interlaced sparse self-attention of its authors: the block, and the module with one pair of factors."""

from __future__ import annotations

from collections.abc import Sequence

from search_spaces.attention.interlaced import InterlacedAttention
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
    return _isa(case, in_channels, key_channels, value_channels, out_channels, down_factor, "", {})


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
    if len(down_factors) != 1 or dropout:
        raise NotCovered(f"factors {down_factors}, dropout {dropout}: here one pair of factors and no dropout")
    joined = {"join.0": "conv_bn.0", "join.1": "conv_bn.1.0"}
    return _isa(case, in_channels, key_channels, value_channels, out_channels, down_factors[0], "stages.0.", joined)


def _isa(
    case: Case,
    channels: int,
    width: int,
    value_width: int,
    out_channels: int,
    sides: Sequence[int],
    prefix: str,
    joined: dict[str, str],
) -> Subject:
    if channels != out_channels:
        raise NotCovered(f"{channels} channels in, {out_channels} out: here the shape is kept")
    subject = InterlacedAttention(
        channels, dims=case.dims, width=width, value_width=value_width, sides=sides, join=bool(joined)
    )
    names = dict(joined)
    for ours, theirs in (("long_range", "long_range_sa"), ("short_range", "short_range_sa")):
        for role, function in (("query", "f_query"), ("key", "f_key")):
            for first, second in (("0", "0"), ("1", "1.0"), ("3", "2"), ("4", "3.0")):
                names[f"{ours}.{role}.{first}"] = f"{prefix}{theirs}.{function}.{second}"
        names[f"{ours}.value"] = f"{prefix}{theirs}.f_value"
        names[f"{ours}.project.0"] = f"{prefix}{theirs}.W.0"
        names[f"{ours}.project.1"] = f"{prefix}{theirs}.W.1.0"
    return Subject(subject, renamed(names))
