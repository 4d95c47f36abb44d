"""Window attention: Swin Transformer of its authors, and MONAI's for Swin UNETR."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from torch import Tensor

from search_spaces.attention.window import WindowBlock
from tests.reference.adapter import NotCovered, Subject, adapter, queries_scaled, renamed
from tests.reference.case import Case, Tensors

Weights = Callable[[Tensors], Tensors]
BLOCK = {
    "norm1": "norm1",
    "norm2": "norm2",
    "offset_bias": "attn.relative_position_bias_table",
    "attention.qkv": "attn.qkv",
    "attention.project": "attn.proj",
}


@adapter("microsoft/Swin-Transformer", "WindowAttention")
def attention(
    case: Case,
    *,
    dim: int,
    window_size: Sequence[int],
    num_heads: int,
    qkv_bias: bool = True,
    qk_scale: float | None = None,
    attn_drop: float = 0.0,
    proj_drop: float = 0.0,
) -> Subject:
    check_dropout(case, attn_drop, proj_drop)
    module = WindowBlock(dim, num_heads, window_size, (0,) * len(window_size), 1, qkv_bias)

    def call(inputs: Tensors) -> Sequence[Tensor]:
        tokens, *mask = inputs.values()
        scores = module._bias(window_size)
        return [module.attention(tokens, scores + mask[0].unsqueeze(1) if mask else scores)]

    names = {ours: theirs.removeprefix("attn.") for ours, theirs in BLOCK.items() if theirs.startswith("attn.")}
    return Subject(module, _scaled(_constants_dropped(names, module), dim, num_heads, qk_scale), call)


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
    qk_scale: float | None = None,
    drop: float = 0.0,
    attn_drop: float = 0.0,
    drop_path: float = 0.0,
) -> Subject:
    check_dropout(case, drop, attn_drop, drop_path)
    if min(input_resolution) <= window_size:  # the reference then shrinks both sides of the window, and shifts none
        window_size, shift_size = min(input_resolution), 0
    dims = len(input_resolution)
    module = WindowBlock(dim, num_heads, (window_size,) * dims, (shift_size,) * dims, mlp_ratio, qkv_bias)

    def call(inputs: Tensors) -> Sequence[Tensor]:
        (tokens,) = inputs.values()
        return [module(tokens.unflatten(1, tuple(input_resolution))).flatten(1, dims)]

    names = {**BLOCK, "perceptron.0": "mlp.fc1", "perceptron.2": "mlp.fc2"}
    return Subject(module, _scaled(_constants_dropped(names, module), dim, num_heads, qk_scale), call)


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
    drop: float = 0.0,
    attn_drop: float = 0.0,
    drop_path: float = 0.0,
) -> Subject:
    check_dropout(case, drop, attn_drop, drop_path)
    check_offsets(case.shape[1:-1], window_size)
    module = WindowBlock(dim, num_heads, window_size, shift_size, mlp_ratio, qkv_bias)

    def call(inputs: Tensors) -> Sequence[Tensor]:
        return [module(next(iter(inputs.values())))]

    names = {**BLOCK, "perceptron.0": "mlp.linear1", "perceptron.2": "mlp.linear2"}
    return Subject(module, _constants_dropped(names, module), call)


def _scaled(convert: Weights, dim: int, heads: int, scale: float | None) -> Weights:
    width = dim // heads
    return queries_scaled(convert, "attention.qkv", (scale or width**-0.5) * width**0.5)


def check_dropout(case: Case, *rates: float) -> None:
    if case.training and any(rates):
        raise NotCovered("dropout in train mode")


def check_offsets(size: Sequence[int], window: Sequence[int]) -> None:
    """MONAI cuts its index of the full window short for a smaller one, which is right along the first axis alone."""
    if any(length < side for length, side in list(zip(size, window, strict=True))[1:]):
        raise NotCovered(f"a map of {size} in windows of {tuple(window)}: the reference pairs wrong offsets there")


def _constants_dropped(names: Mapping[str, str], module: WindowBlock) -> Weights:
    """The index of the bias table and the mask follow from sizes; what a case has no weights for stays as it is."""

    def convert(reference: Tensors) -> Tensors:
        kept = {
            key: value for key, value in reference.items() if not key.endswith(("relative_position_index", "attn_mask"))
        }
        return {**module.state_dict(), **renamed(names)(kept)}

    return convert
