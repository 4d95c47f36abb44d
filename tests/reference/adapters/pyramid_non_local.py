"""Asymmetric non-local blocks of their authors."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from torch import Tensor

from search_spaces.attention.pyramid_non_local import AsymmetricNonLocal, PyramidAttention
from search_spaces.layers import MAX_POOL
from tests.reference.adapter import NotCovered, Subject, adapter, renamed
from tests.reference.case import Case, Tensors

SIZES = (1, 3, 6, 8)
CORE = {"key.0": "f_key.0", "key.1": "f_key.1.0", "value": "f_value", "project": "W"}
QUERY = {"query.0": "f_query.0", "query.1": "f_query.1.0"}


@adapter("MendelXu/ANN", "APNB")
def pyramid(
    case: Case,
    *,
    in_channels: int,
    out_channels: int,
    key_channels: int,
    value_channels: int,
    dropout: float,
    sizes: Sequence[int] = (1,),
    psp_size: Sequence[int] = SIZES,
) -> Subject:
    module = _block(
        case, in_channels, out_channels, sizes, width=key_channels, value_width=value_channels, sizes_pooled=psp_size,
        dropout=dropout,
    )  # fmt: skip
    names = {f"attention.{ours}": f"stages.0.{theirs}" for ours, theirs in CORE.items()}
    names |= {"join.0": "conv_bn_dropout.0", "join.1": "conv_bn_dropout.1.0"}
    return Subject(module, renamed(names, unused="stages.0.f_query.*"))  # its one projection has two names


@adapter("MendelXu/ANN", "SelfAttentionBlock2D")
def core(
    case: Case,
    *,
    in_channels: int,
    key_channels: int,
    value_channels: int,
    out_channels: int | None = None,
    scale: int = 1,
    psp_size: Sequence[int] = SIZES,
) -> Subject:
    module = PyramidAttention(
        in_channels,
        in_channels,
        out_channels or in_channels,
        width=key_channels,
        value_width=value_channels,
        dims=case.dims,
        sizes=psp_size,
        shared=True,
        norm="batch",
    )

    def call(inputs: Tensors) -> Sequence[Tensor]:
        (x,) = inputs.values()
        x = MAX_POOL[case.dims](scale)(x) if scale > 1 else x
        return [module(x, x)]

    return Subject(module, renamed(CORE, unused="f_query.*"), call)


@adapter("MendelXu/ANN", "AFNB")
def fusion(
    case: Case,
    *,
    low_in_channels: int,
    high_in_channels: int,
    out_channels: int,
    key_channels: int,
    value_channels: int,
    dropout: float,
    sizes: Sequence[int] = (1,),
    psp_size: Sequence[int] = SIZES,
) -> Subject:
    module = _block(
        case, high_in_channels, out_channels, sizes, gate_channels=low_in_channels, width=key_channels,
        value_width=value_channels, sizes_pooled=psp_size, dropout=dropout,
    )  # fmt: skip
    names = {f"attention.{ours}": f"stages.0.{theirs}" for ours, theirs in {**CORE, **QUERY}.items()}
    names |= {"join.0": "conv_bn_dropout.0", "join.1": "conv_bn_dropout.1"}

    def call(inputs: Tensors) -> Sequence[Tensor]:
        low, high = inputs.values()
        return [module(high, low)]

    return Subject(module, renamed(names), call)


def _block(
    case: Case, channels: int, out_channels: int, scales: Sequence[int], *, sizes_pooled: Sequence[int], **options: Any
) -> AsymmetricNonLocal:
    if tuple(scales) != (1,):
        raise NotCovered(f"scales {tuple(scales)}: here a single one, 1")
    if options["dropout"] and case.training:
        raise NotCovered("dropout in train mode")
    return AsymmetricNonLocal(out_channels, dims=case.dims, in_channels=channels, sizes=sizes_pooled, **options)
