"""The window-attention host: Swin-Unet as published, and Swin UNETR beside MONAI's."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from monai.networks.nets import SwinUNETR
from torch import Tensor, nn

from search_spaces import Architecture, InputError
from search_spaces.architecture.cost import host_params
from search_spaces.architecture.preset import load_preset
from search_spaces.hosts.window_transformer import WindowTransformer
from tests.search_spaces.hosts.test_hosts import build, image, lightest, slots

NAME = "window_transformer"


def difference_to_monai(width: int) -> int:
    """Parameters here beyond MONAI's, by the channels of each level."""
    c = [width, *(width * 2**level for level in range(5))]
    stages = [c[0], *c[1:4], c[5], *c[:5]]  # on the image, on skips but the coarsest, at the bottleneck, in the decoder
    norms = sum(2 * 2 * channels for channels in stages)  # two norms each, weight and bias; MONAI's have neither
    return norms + sum(c[:5])  # the bias of each transposed convolution


def test_swin_unet_has_the_published_parameters() -> None:
    preset = load_preset("swin_unet")
    assert host_params(preset.host, 2, preset.options, 3, 8) == 27_168_900


def test_swin_unetr_has_the_published_parameters_and_those_of_its_norms_and_biases() -> None:
    preset = load_preset("swin_unetr")
    assert host_params(preset.host, 3, preset.options, 1, 13) == 62_187_296 + difference_to_monai(48)


@pytest.mark.parametrize("dims", [2, 3])
def test_swin_unetr_differs_from_monai_in_norms_and_biases_alone(dims: int) -> None:
    theirs = SwinUNETR(2, 4, spatial_dims=dims, feature_size=12, num_heads=(1, 2, 4, 8), window_size=4, mlp_ratio=2)
    options = {"depth": 5, "width": 12, "decoder": "convolutional", "patch": 2, "window": 4, "heads": 1, "ratio": 2}
    ours = Architecture.create(NAME, dims, options)
    count = sum(parameter.numel() for parameter in theirs.parameters())
    assert host_params(NAME, dims, ours.options, 2, 3) == count + difference_to_monai(12)


class Record(nn.Module):
    """Stands in a slot, changes nothing, and keeps what it was given."""

    def forward(self, x: Tensor, *_: Any) -> Tensor:
        self.x = x
        return x


def test_a_skip_leaves_its_level_before_the_attention_there() -> None:
    record, x = Record(), image(2, (24, 16))
    network = build(NAME, 2, {**lightest(NAME), "patch": 4}, {"skip.2": record}).eval()
    assert isinstance(network, WindowTransformer)
    network(x)
    assert torch.equal(record.x, network.embed(x))


def test_nothing_of_the_expanding_decoder_is_finer_than_the_patches() -> None:
    options = {**lightest(NAME), "depth": 4, "patch": 4}
    found = slots(NAME, 2, options)
    assert min(slot.level for slot in found) == 2
    assert "output" not in {slot.name for slot in found}
    convolutional = slots(NAME, 2, {**options, "decoder": "convolutional"})
    assert {"encoder.0", "encoder.1", "skip.0", "output"} <= {slot.name for slot in convolutional}


@pytest.mark.parametrize("patch", [1, 3, 8])
def test_patches_that_leave_nothing_to_merge_are_refused(patch: int) -> None:
    with pytest.raises(InputError, match=f"a power of 2 from 2 to 4 with depth 3; got {patch}"):
        Architecture.create(NAME, 2, {"depth": 3, "patch": patch})


def test_each_level_has_two_blocks_unless_told_and_every_second_one_is_shifted() -> None:
    for layers, expected in ((2, [2, 2, 2]), (3, [3, 3, 3]), ((1, 2, 4), [1, 2, 4])):
        network = WindowTransformer(
            2, 1, dims=2, attention={}, **{**lightest(NAME), "layers": layers, "window": (4, 6)}
        )
        stages = [*network.encoder.values(), network.bottleneck[0]]
        assert [len(stage.blocks) for stage in stages] == expected  # type: ignore[union-attr]
        assert [stage.blocks[-1].shift for stage in stages] == [(0, 0) if n % 2 else (2, 3) for n in expected]
        assert len(network.decoder["1"].blocks.blocks) == expected[0]  # type: ignore[union-attr]
        assert network(image(2, (24, 16))).shape == (1, 2, 24, 16)


def test_each_deeper_level_has_twice_the_heads_unless_told() -> None:
    for heads, expected in ((2, [2, 4, 8]), ((1, 1, 2), [1, 1, 2])):
        options = {**lightest(NAME), "width": 8, "heads": heads}
        network = WindowTransformer(1, 1, dims=2, attention={}, **options)
        stages = [*network.encoder.values(), network.bottleneck[0]]
        assert [stage.blocks[0].attention.heads for stage in stages] == expected  # type: ignore[union-attr, index]
