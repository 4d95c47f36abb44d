"""Adapters on MONAI's own modules, with other arguments than those of the stored cases."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from monai.networks.blocks import SimpleASPP
from monai.networks.nets.swin_unetr import BasicLayer, PatchMergingV2, SwinTransformerBlock
from torch import Tensor, nn

from tests.reference.comparison import run_case
from tests.reference.made_cases import case_of, noise, passes


@pytest.mark.parametrize(
    ("arguments", "shape"),
    [
        ({"dim": 6, "depth": 3, "window_size": [3, 4], "num_heads": 3, "mlp_ratio": 1.7}, (1, 6, 9, 11)),
        ({"dim": 8, "depth": 1, "window_size": [2, 3, 4], "num_heads": 2, "mlp_ratio": 2.5}, (1, 8, 6, 7, 9)),
        ({"dim": 8, "depth": 2, "window_size": [7, 3, 3], "num_heads": 2, "qkv_bias": True}, (2, 8, 4, 7, 9)),
    ],
    ids=["three-blocks", "one-block", "a-short-axis"],
)
def test_a_stage_of_window_attention_of_any_depth_and_window(
    tmp_path: Path, arguments: dict[str, Any], shape: tuple[int, ...]
) -> None:
    arguments = {"drop_path": [0.0] * arguments["depth"], **arguments}
    layer = BasicLayer(**arguments, norm_layer=nn.LayerNorm, downsample=PatchMergingV2)
    passes(case_of(tmp_path, "BasicLayer(downsample=PatchMergingV2)", arguments, layer, noise(*shape), layer))


def test_a_block_whose_perceptron_is_no_whole_multiple(tmp_path: Path) -> None:
    arguments = {"dim": 6, "num_heads": 2, "window_size": [3, 4], "shift_size": [0, 0], "mlp_ratio": 2.3}
    block = SwinTransformerBlock(**arguments)
    call: Callable[[Tensor], Tensor] = lambda x: block(x, None)  # noqa: E731 - the mask, which is none without a shift
    passes(case_of(tmp_path, "SwinTransformerBlock", arguments, block, noise(2, 9, 8, 6), call))


@pytest.mark.parametrize(
    "arguments",
    [
        {"spatial_dims": 2, "kernel_sizes": [1, 3, 5], "dilations": [1, 2, 3], "norm_type": "INSTANCE"},
        {"spatial_dims": 3, "kernel_sizes": [3, 3], "dilations": [1, 2], "acti_type": "RELU"},
        {"spatial_dims": 2, "bias": True},
    ],
    ids=["instance-norm", "relu", "bias"],
)
def test_an_atrous_pyramid_of_other_kernels_norms_and_activations(tmp_path: Path, arguments: dict[str, Any]) -> None:
    arguments = {"in_channels": 6, "conv_out_channels": 5, **arguments}
    module = SimpleASPP(**arguments)
    shape = (2, 6, 7, 8, 6)[: 2 + arguments["spatial_dims"]]
    passes(case_of(tmp_path, "SimpleASPP", arguments, module, noise(*shape), module))


def test_what_monai_gets_wrong_is_not_covered(tmp_path: Path) -> None:
    arguments = {"dim": 4, "depth": 2, "num_heads": 1, "window_size": [3, 7], "drop_path": [0.0, 0.0]}
    layer = BasicLayer(**arguments, norm_layer=nn.LayerNorm, downsample=PatchMergingV2)
    case = case_of(tmp_path, "BasicLayer(downsample=PatchMergingV2)", arguments, layer, noise(1, 4, 6, 4), layer)
    result = run_case(case)
    assert (result.verdict, result.reason) == (
        "not covered",
        "a map of [6, 4] in windows of (3, 7): the reference pairs wrong offsets there",
    )
