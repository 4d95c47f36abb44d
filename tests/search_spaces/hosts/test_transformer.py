"""The transformer host: which stem has which stages, and TransUNet as published."""

from __future__ import annotations

import pytest
from torch import nn

from search_spaces import Architecture, Placement
from search_spaces.architecture.cost import host_params
from search_spaces.architecture.preset import load_preset
from search_spaces.hosts.transformer import TransformerUNet
from search_spaces.stages.bottleneck import Bottleneck
from tests.search_spaces.hosts.test_hosts import image, lightest, slots


def test_transunet_has_the_published_parameters() -> None:
    preset = load_preset("transunet")
    assert host_params(preset.host, 2, preset.options, 3, 8) == 105_277_081


@pytest.mark.parametrize(
    ("stem", "units"), [("plain", [0, 0, 0, 0, 0]), ("bottleneck", [0, 1, 1, 1]), ("resnet50", [0, 3, 4, 9])]
)
def test_a_stem_has_its_bottlenecks(stem: str, units: list[int]) -> None:
    options = {**lightest("transformer"), "depth": 4, "stem": stem}
    network = TransformerUNet(1, 1, dims=2, attention={}, **options)
    found = [sum(isinstance(part, Bottleneck) for part in stage.modules()) for stage in network.encoder.values()]
    assert found == units


def test_a_stem_of_bottlenecks_has_nothing_at_full_resolution() -> None:
    names = {slot.name for slot in slots("transformer", 2, {**lightest("transformer"), "stem": "bottleneck"})}
    assert {"encoder.1", "skip.1", "decoder.0", "block.decoder.0"} <= names
    assert not {"encoder.0", "skip.0"} & names
    assert not any(name.startswith("block.encoder") for name in names)


def test_what_the_stem_hands_over_is_attended_to_before_the_transformer() -> None:
    architecture = Architecture.create("transformer", 2, lightest("transformer"), {"encoder.2": Placement("se")})
    network = architecture.build(2, 3).eval()
    seen: list[str] = []
    for name, part in (("attention", network.attention["encoder_2"]), ("transformer", network.transformer)):
        assert isinstance(part, nn.Module)
        part.register_forward_hook(lambda *_, name=name: seen.append(name))
    network(image(2, (16, 12)))
    assert seen == ["attention", "transformer"]
