"""Asymmetric non-local blocks of their authors."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from torch import Tensor

from search_spaces.attention.pyramid_non_local import FusionNonLocal, PyramidAttention, PyramidNonLocal
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
    if in_channels != out_channels or tuple(sizes) != (1,):
        raise NotCovered(f"{in_channels} channels in, {out_channels} out, scales {tuple(sizes)}")
    module = PyramidNonLocal(
        in_channels,
        dims=case.dims,
        width=key_channels,
        value_width=value_channels,
        sizes=psp_size,
        dropout=dropout,
    )
    names = {f"attention.{ours}": f"stages.0.{theirs}" for ours, theirs in CORE.items()}
    names |= {"join.0": "conv_bn_dropout.0", "join.1": "conv_bn_dropout.1.0"}
    return Subject(module, _without_twin(names, "stages.0.f_query"))


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
    if scale != 1:
        raise NotCovered(f"scale {scale}")
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
        return [module(x, x)]

    return Subject(module, _without_twin(CORE, "f_query"), call)


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
    if high_in_channels != out_channels or tuple(sizes) != (1,):
        raise NotCovered(f"{high_in_channels} channels in, {out_channels} out, scales {tuple(sizes)}")
    module = FusionNonLocal(
        high_in_channels,
        dims=case.dims,
        gate_channels=low_in_channels,
        width=key_channels,
        value_width=value_channels,
        sizes=psp_size,
        dropout=dropout,
    )
    names = {f"attention.{ours}": f"stages.0.{theirs}" for ours, theirs in {**CORE, **QUERY}.items()}
    names |= {"join.0": "conv_bn_dropout.0", "join.1": "conv_bn_dropout.1"}

    def call(inputs: Tensors) -> Sequence[Tensor]:
        low, high = inputs.values()
        return [module(high, low)]

    return Subject(module, renamed(names), call)


def _without_twin(names: Mapping[str, str], twin: str) -> Callable[[Tensors], Tensors]:
    """The reference lists its one projection of queries and keys under two names."""

    def convert(reference: Tensors) -> Tensors:
        return renamed(names)({key: value for key, value in reference.items() if not key.startswith(f"{twin}.")})

    return convert
