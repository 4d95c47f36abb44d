"""Networks that MONAI ships have, at equal settings, as many parameters as here but for differences told to the last.

In each test ``k`` is a kernel of three and ``half`` one of two positions an axis; ``c`` are the levels' channels.
"""

from __future__ import annotations

from typing import Any

import pytest
import torch
from monai.networks.nets import AttentionUnet, BasicUNet, BasicUNetPlusPlus, DynUNet, SegResNet
from torch import nn

from search_spaces import Architecture, Placement, load_preset

DEPTH, WIDTH, INPUTS, CLASSES = 4, 8, 2, 2
c = [WIDTH * 2**level for level in range(DEPTH + 1)]
LEVELS = range(DEPTH)
NORM = ("instance", {"affine": True})
every_dims = pytest.mark.parametrize("dims", [2, 3])


def params(network: nn.Module) -> int:
    return sum(parameter.numel() for parameter in network.parameters())


def ours(dims: int, host: str = "unet", skips: Placement | None = None, **options: Any) -> int:
    attention = {f"skip.{level}": skips for level in LEVELS} if skips else {}
    architecture = Architecture.create(host, dims, {"depth": DEPTH, "width": WIDTH, **options}, attention)
    return architecture.cost(INPUTS, CLASSES, (16,) * dims).params


def theirs(network: Any, dims: int, **options: Any) -> int:
    with torch.device("meta"):
        return params(network(spatial_dims=dims, in_channels=INPUTS, out_channels=1 + CLASSES, **options))


@every_dims
def test_basic_unet(dims: int) -> None:
    k, half = 3**dims, 2**dims
    biases = 2 * sum(c) + 2 * sum(c[:-1])  # of convolutions before a norm
    wider = c[1] * (c[1] - c[0]) * half + (c[1] - c[0])  # into the finest level, channels are not halved going up
    wider += (c[1] - c[0]) * c[0] * k  # nor for the convolution that follows
    assert theirs(BasicUNet, dims, features=(*c, c[0])) - ours(dims, down="max_pool") == biases + wider


@every_dims
def test_basic_unet_plus_plus(dims: int) -> None:
    k, half = 3**dims, 2**dims
    biases = 2 * sum(c) + sum(2 * c[level] * (DEPTH - level) for level in LEVELS)
    wider = c[1] * (c[1] - c[0]) * half + (c[1] - c[0]) + (c[1] - c[0]) * c[0] * k
    found = theirs(BasicUNetPlusPlus, dims, features=(*c, c[0])) - ours(
        dims, "nested", down="max_pool", supervision=True
    )
    assert found == biases + DEPTH * wider  # once in each column


@every_dims
@pytest.mark.parametrize("supervision", [False, True])
def test_dynunet(dims: int, supervision: bool) -> None:
    found = theirs(
        DynUNet,
        dims,
        kernel_size=[3] * (DEPTH + 1),
        strides=[1] + [2] * DEPTH,
        upsample_kernel_size=[2] * DEPTH,
        filters=c,
        norm_name=NORM,
        deep_supervision=supervision,
        deep_supr_num=DEPTH - 1,
    ) - ours(dims, supervision=supervision)
    assert found == -sum(c[:-1])  # transposed convolutions have a bias here


@every_dims
def test_residual_dynunet(dims: int) -> None:
    found = theirs(
        DynUNet,
        dims,
        kernel_size=[3] * (DEPTH + 1),
        strides=[1] + [2] * DEPTH,
        upsample_kernel_size=[2] * DEPTH,
        filters=c,
        norm_name=NORM,
        res_block=True,
    ) - ours(dims, block="residual")
    encoder_norms = 2 * sum(c)  # of the 1x1 convolution beside each block
    decoder_shortcuts = sum(2 * c[level] * c[level] for level in LEVELS)  # its decoder is not residual
    assert found == encoder_norms - decoder_shortcuts - sum(c[:-1])


@every_dims
def test_attention_unet(dims: int) -> None:
    k, half = 3**dims, 2**dims
    gates = Placement("attention_gate", (("variant", "same_resolution"), ("reduction", 2)))
    difference = 2 * sum(c)  # biases of the encoder's convolutions
    for level in LEVELS:
        here, coarser = c[level], c[level + 1]
        difference += coarser * here * (k - half) + 2 * here  # going up: a kernel of 3, and a norm
        difference -= (coarser - here) * here // 2  # the gate sees the feature that has come up
        difference -= here * here * k + 4 * here  # one convolution in the decoder, with a norm without weights
        difference += here + 1  # its bias, and the slope of its PReLU
    found = theirs(AttentionUnet, dims, channels=c, strides=[2] * DEPTH) - ours(
        dims, norm="batch", activation="relu", skips=gates
    )
    assert found == difference


@every_dims
def test_segresnet(dims: int) -> None:
    k = 3**dims
    difference = c[0] * c[0] * k - INPUTS * c[0]  # a stem before the first block, which needs no shortcut
    for level in range(1, DEPTH + 1):
        difference += c[level] * c[level] * k - c[level - 1] * c[level]  # the strided convolution is before the block
    difference -= sum(c[:-1])  # biases of the 1x1 convolutions going up
    difference += 2 * c[0]  # a norm before the last convolution
    found = theirs(
        SegResNet, dims, init_filters=WIDTH, norm=NORM, blocks_down=(1,) * (DEPTH + 1), blocks_up=(1,) * DEPTH
    ) - ours(dims, block="residual", activation="relu", up="linear", join="sum")
    assert found == difference


@pytest.mark.parametrize(
    ("name", "in_channels", "classes", "published", "apart"),
    [
        ("attention_unet", 1, 3, 6_214_151, 0.11),  # its decoder stages see more channels: see the preset's deviation
        ("ca_net", 3, 1, 2_785_610, 0.002),
        ("non_local_unet", 2, 3, 1_760_452, 0.04),  # it has a stem of its own
    ],
)
def test_presets_are_as_large_as_the_authors_own_code(
    name: str, in_channels: int, classes: int, published: int, apart: float
) -> None:
    architecture = load_preset(name)
    found = architecture.cost(in_channels, classes, (32,) * architecture.dims).params
    assert found == pytest.approx(published, rel=apart)
