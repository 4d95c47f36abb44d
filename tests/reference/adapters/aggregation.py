"""Global aggregation of Non-local U-Nets, whose reference is written for TensorFlow."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from torch import Tensor, nn

from search_spaces.stages.aggregation import Aggregation, AggregationStage
from tests.reference.adapter import NotCovered, Subject, adapter, renamed
from tests.reference.case import Case, Tensors

REPOSITORY = "divelab/Non-local-U-Nets"
NORM = {
    "norm.weight": "batch_normalization.gamma",
    "norm.bias": "batch_normalization.beta",
    "norm.running_mean": "batch_normalization.moving_mean",
    "norm.running_var": "batch_normalization.moving_variance",
}


@adapter(REPOSITORY, "multihead_attention_3d")
def block(
    case: Case,
    *,
    total_key_filters: int,
    total_value_filters: int,
    output_filters: int,
    num_heads: int,
    layer_type: str = "SAME",
) -> Subject:
    module = Aggregation(
        case.shape[1],
        output_filters,
        dims=case.dims,
        step=layer_type.lower(),
        heads=num_heads,
        width=total_key_filters,
        value_width=total_value_filters,
    )
    return Subject(module, _weights(case, layer_type), _call(module, layer_type))


@adapter(REPOSITORY, "Network._build_network, bottom block lines")
def bottom(case: Case, *, channels: int, heads: int) -> Subject:
    module = AggregationStage(channels, channels, dims=case.dims, step="same", heads=heads)
    return Subject(module, _weights(case, "SAME", "aggregation.", NORM), _call(module, "SAME"))


@adapter(REPOSITORY, "Network._attention_block")
def up(case: Case, *, filters: int, strides: int) -> Subject:
    if strides != 2:
        raise NotCovered(f"strides {strides}: here the size doubles")
    module = AggregationStage(case.shape[1], filters, dims=case.dims, step="up")
    names = NORM | {"shortcut.layer.weight": "conv3d_transpose.kernel"}
    return Subject(module, _weights(case, "UP", "aggregation.", names), _call(module, "UP"))


def _weights(
    case: Case, layer_type: str, prefix: str = "", others: dict[str, str] | None = None
) -> Callable[[Tensors], Tensors]:
    """The layers are numbered as they were made: query, key, value, output; the query's is transposed going up."""
    numbered = ["conv3d", *(f"conv3d_{index}" for index in (1, 2, 3))]
    theirs = ["conv3d_transpose", *numbered[:3]] if layer_type == "UP" else numbered
    names = dict(others or {})
    for ours, other in zip(("query.layer", "key", "value", "project"), theirs, strict=True):
        for kind, name in (("weight", "kernel"), ("bias", "bias")):
            names[f"{prefix}{ours}.{kind}"] = f"multihead_attention_3d.{other}.{name}"
    rename = renamed(names)

    def convert(reference: Tensors) -> Tensors:
        found = rename(reference)
        del found[f"{prefix}key.bias"]  # the softmax over keys does not see it
        return found

    return convert


def _call(module: nn.Module, layer_type: str) -> Callable[[Tensors], Sequence[Tensor]]:
    def call(inputs: Tensors) -> Sequence[Tensor]:
        x: Tensor = inputs["x"]
        size: Iterable[int] = (2 * length for length in x.shape[2:])
        return [module(x, x.new_empty(1, 1, *size)) if layer_type == "UP" else module(x)]

    return call
