"""Window attention: Swin Transformer of its authors, and MONAI's for Swin UNETR."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from torch import Tensor

from search_spaces.attention.window import WindowBlock
from tests.reference.adapter import NotCovered, Subject, adapter, renamed
from tests.reference.case import Case, Tensors

BLOCK = {
    "norm1": "norm1",
    "norm2": "norm2",
    "offset_bias": "attn.relative_position_bias_table",
    "attention.qkv": "attn.qkv",
    "attention.project": "attn.proj",
}


@adapter("microsoft/Swin-Transformer", "WindowAttention")
def attention(case: Case, *, dim: int, window_size: Sequence[int], num_heads: int, qkv_bias: bool = True) -> Subject:
    module = WindowBlock(dim, num_heads, window_size, (0,) * len(window_size), 1, qkv_bias)

    def call(inputs: Tensors) -> Sequence[Tensor]:
        (tokens,) = inputs.values()
        return [module.attention(tokens, module._bias(window_size))]

    names = {ours: theirs.removeprefix("attn.") for ours, theirs in BLOCK.items() if theirs.startswith("attn.")}
    return Subject(module, _constants_dropped(names, module), call)


@adapter("microsoft/Swin-Transformer", "SwinTransformerBlock")
def swin(
    case: Case,
    *,
    dim: int,
    input_resolution: Sequence[int],
    num_heads: int,
    window_size: int = 7,
    shift_size: int = 0,
    mlp_ratio: float = 4.0,
    qkv_bias: bool = True,
) -> Subject:
    if min(input_resolution) <= window_size:
        raise NotCovered(f"a map of {input_resolution} in windows of {window_size}: the reference shrinks both sides")
    if any(length % window_size for length in input_resolution):
        raise NotCovered(f"a map of {input_resolution} in windows of {window_size}: the reference does not pad")
    dims = len(input_resolution)
    module = WindowBlock(dim, num_heads, (window_size,) * dims, (shift_size,) * dims, _ratio(mlp_ratio), qkv_bias)

    def call(inputs: Tensors) -> Sequence[Tensor]:
        (tokens,) = inputs.values()
        return [module(tokens.unflatten(1, tuple(input_resolution))).flatten(1, dims)]

    names = {**BLOCK, "perceptron.0": "mlp.fc1", "perceptron.2": "mlp.fc2"}
    return Subject(module, _constants_dropped(names, module), call)


@adapter("Project-MONAI/MONAI", "SwinTransformerBlock")
def monai(
    case: Case,
    *,
    dim: int,
    num_heads: int,
    window_size: Sequence[int],
    shift_size: Sequence[int],
    mlp_ratio: float = 4.0,
    qkv_bias: bool = True,
) -> Subject:
    size = case.shape[1:-1]
    smaller = [length < side for length, side in zip(size, window_size, strict=True)]
    if any(smaller[1:]):
        raise NotCovered(f"a map of {size} in windows of {window_size}: the reference pairs wrong offsets there")
    module = WindowBlock(dim, num_heads, window_size, shift_size, _ratio(mlp_ratio), qkv_bias)

    def call(inputs: Tensors) -> Sequence[Tensor]:
        return [module(next(iter(inputs.values())))]

    names = {**BLOCK, "perceptron.0": "mlp.linear1", "perceptron.2": "mlp.linear2"}
    return Subject(module, _constants_dropped(names, module), call)


def _ratio(ratio: float) -> int:
    if ratio != int(ratio):
        raise NotCovered(f"mlp_ratio {ratio}: here a whole number")
    return int(ratio)


def _constants_dropped(names: Mapping[str, str], module: WindowBlock) -> Callable[[Tensors], Tensors]:
    """The index of the bias table and the mask follow from sizes; what a case has no weights for stays as it is."""

    def convert(reference: Tensors) -> Tensors:
        kept = {
            key: value for key, value in reference.items() if not key.endswith(("relative_position_index", "attn_mask"))
        }
        return {**module.state_dict(), **renamed(names)(kept)}

    return convert
