"""Swin-Unet of its authors, whole and in parts, and a stage of MONAI's Swin UNETR."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Sequence

from torch import Tensor, nn
from torch.nn import functional as F

from search_spaces.attention.window import WindowAttention
from search_spaces.hosts.window_transformer import WindowTransformer
from search_spaces.stages.patches import PatchExpanding, PatchMerging
from tests.reference.adapter import NotCovered, Subject, adapter, renamed
from tests.reference.adapters.window import BLOCK, check_dropout, check_offsets
from tests.reference.case import Case, Tensors

SWIN_UNET = "HuCaoFighting/Swin-Unet"
Weights = Callable[[Tensors], Tensors]


@adapter(SWIN_UNET, "PatchMerging")
def merging(case: Case, *, input_resolution: Sequence[int], dim: int) -> Subject:
    dims = len(input_resolution)
    module = PatchMerging(dim, 2 * dim, dims=dims)
    weights = renamed({"norm": "norm", "reduce": "reduction"})
    return Subject(module, columns_first(weights, dims), on_tokens(module, input_resolution))


@adapter(SWIN_UNET, "PatchExpand", "FinalPatchExpand_X4")
def expanding(case: Case, *, input_resolution: Sequence[int], dim: int, dim_scale: int | None = None) -> Subject:
    dims, final = len(input_resolution), case.key[1].startswith("Final")
    patch = dim_scale or (4 if final else 2)
    module = PatchExpanding(dim, dim if final else dim // patch, dims=dims, patch=patch)
    weights = renamed({"expand": "expand", "norm": "norm"})
    return Subject(module, weights, on_tokens(module, input_resolution))


@adapter(SWIN_UNET, "SwinTransformerSys")
def swin_unet(
    case: Case,
    *,
    img_size: int,
    patch_size: int,
    in_chans: int,
    num_classes: int,
    embed_dim: int,
    depths: Sequence[int],
    num_heads: Sequence[int],
    window_size: int,
    mlp_ratio: float = 4.0,
    qkv_bias: bool = True,
    depths_decoder: Sequence[int] = (),  # read and never used
    drop_rate: float = 0.0,
    attn_drop_rate: float = 0.0,
    drop_path_rate: float = 0.1,
    ape: bool = False,
    patch_norm: bool = True,
) -> Subject:
    if ape or not patch_norm or not qkv_bias:
        raise NotCovered(f"ape {ape}, patch_norm {patch_norm}, qkv_bias {qkv_bias}")
    check_dropout(case, drop_rate, attn_drop_rate, drop_path_rate)
    finest, merges = patch_size.bit_length() - 1, len(depths) - 1
    depth = finest + merges
    module = WindowTransformer(
        in_chans,
        num_classes - 1,
        dims=case.dims,
        attention={},
        depth=depth,
        width=embed_dim,
        patch=patch_size,
        window=window_size,
        heads=num_heads,
        ratio=mlp_ratio,
        layers=depths,
    )
    names = {
        "embed.project": "patch_embed.proj",
        "embed.norm": "patch_embed.norm",
        "bottleneck.1": "norm",
        "expand.0": "norm_up",
        "expand.1.expand": "up.expand",
        "expand.1.norm": "up.norm",
        "head": "output",
        **blocks("bottleneck.0", f"layers.{merges}", depths[merges]),
    }
    for index in range(merges):
        level, up = finest + index, merges - index
        names |= blocks(f"encoder.{level}", f"layers.{index}", depths[index])
        names |= blocks(f"decoder.{level}.blocks", f"layers_up.{up}", depths[index])
        names |= {f"merge.{level}.norm": f"layers.{index}.downsample.norm"}
        names |= {f"merge.{level}.reduce": f"layers.{index}.downsample.reduction"}
        names |= {f"decoder.{level}.join": f"concat_back_dim.{up}"}
        before = "layers_up.0" if up == 1 else f"layers_up.{up - 1}.upsample"
        names |= {f"decoder.{level}.expand.{part}": f"{before}.{part}" for part in ("expand", "norm")}
    weights = wider_tables(renamed(names), module)
    return Subject(module, columns_first(without_constants(weights), case.dims))


@adapter("Project-MONAI/MONAI", "BasicLayer(downsample=PatchMergingV2)")
def monai(
    case: Case,
    *,
    dim: int,
    depth: int,
    num_heads: int,
    window_size: Sequence[int],
    drop_path: Sequence[float],
    mlp_ratio: float = 4.0,
    qkv_bias: bool = False,
    drop: float = 0.0,
    attn_drop: float = 0.0,
) -> Subject:
    check_dropout(case, drop, attn_drop, *drop_path)
    check_offsets(case.shape[2:], window_size)
    window = WindowAttention(
        dim, dims=case.dims, window=window_size, heads=num_heads, ratio=mlp_ratio, layers=depth, bias=qkv_bias
    )
    module = nn.Sequential(window, PatchMerging(dim, 2 * dim, dims=case.dims))
    names = {"1.norm": "downsample.norm", "1.reduce": "downsample.reduction"} | blocks("0", "", depth, "linear")
    weights = without_constants(renamed(names))
    return Subject(module, columns_first(weights, case.dims) if case.dims == 2 else weights)


def blocks(ours: str, theirs: str, count: int, layer: str = "fc") -> dict[str, str]:
    """Names of the blocks of a level; ``layer``: what the reference calls the perceptron's layers."""
    block = {**BLOCK, "perceptron.0": f"mlp.{layer}1", "perceptron.2": f"mlp.{layer}2"}
    return {
        f"{ours}.blocks.{index}.{name}": f"{theirs}.blocks.{index}.{other}".removeprefix(".")
        for index in range(count)
        for name, other in block.items()
    }


def wider_tables(weights: Weights, module: nn.Module) -> Weights:
    """The reference shrinks the windows of a level that is smaller; here it looks up the middle of the full table."""

    def convert(reference: Tensors) -> Tensors:
        found, state = weights(reference), module.state_dict()
        for key in [key for key in found if key.endswith("offset_bias")]:
            full, given = (math.isqrt(len(table[key])) for table in (state, found))
            margin = (full - given) // 2
            square = found[key].T.unflatten(1, (given, given))
            found[key] = F.pad(square, [margin] * 4).flatten(1).T
        return found

    return convert


def without_constants(weights: Weights) -> Weights:
    """Without the index of the bias table and the mask, which follow from sizes."""

    def convert(reference: Tensors) -> Tensors:
        constants = ("relative_position_index", "attn_mask")
        return weights({key: value for key, value in reference.items() if not key.endswith(constants)})

    return convert


def columns_first(weights: Weights, dims: int) -> Weights:
    """The references join a patch with the first axis fastest, here it is the last: merging's inputs change places."""
    corners = list(itertools.product(range(2), repeat=dims))
    order = [corners.index(corner[::-1]) for corner in corners]

    def convert(reference: Tensors) -> Tensors:
        found = weights(reference)
        merged = [key.removesuffix("reduce.weight") for key in found if key.endswith("reduce.weight")]
        for place in merged:
            for key in (f"{place}reduce.weight", f"{place}norm.weight", f"{place}norm.bias"):
                found[key] = found[key].unflatten(-1, (len(order), -1))[..., order, :].flatten(-2)
        return found

    return convert


def on_tokens(module: nn.Module, size: Sequence[int]) -> Callable[[Tensors], Sequence[Tensor]]:
    """Calls a module of maps with tokens ``(batch, positions, channels)``, as the references do."""

    def call(inputs: Tensors) -> Sequence[Tensor]:
        (tokens,) = inputs.values()
        return [module(tokens.transpose(1, 2).unflatten(2, tuple(size))).flatten(2).transpose(1, 2)]

    return call
