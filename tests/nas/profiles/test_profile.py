"""A profile's parts add up to the cost of the network, and tell what a training step keeps."""

from __future__ import annotations

import json

import pytest
import torch
from torch import Tensor

from nas.profiles.profile import Load, Part, profile_of
from search_spaces import MECHANISMS
from search_spaces.architecture.architecture import Architecture
from search_spaces.architecture.cost import Cost
from search_spaces.architecture.placement import Placement
from tests.nas.networks import CLASSES, IN_CHANNELS, SIZE, every_host, filled, plain

FLOAT = 4  # bytes


def kept(architecture: Architecture, size: tuple[int, ...]) -> int:
    """Bytes that autograd keeps of a real network's forward pass, counted independently: storages by address."""
    network, image = architecture.build(IN_CHANNELS, CLASSES).train(), torch.randn(1, IN_CHANNELS, *size)
    given = {tensor.data_ptr() for tensor in (image, *network.parameters(), *network.buffers())}
    held: dict[int, tuple[Tensor, int]] = {}

    def keep(tensor: Tensor) -> None:
        address = tensor.untyped_storage().data_ptr()
        if address not in given:
            held[address] = (tensor, tensor.untyped_storage().nbytes())

    with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
        network.outputs(image)
    return sum(size for _, size in held.values())


def load(parts: tuple[Part, ...], name: str, slot: bool = False) -> Load:
    (found,) = (part.load for part in parts if part.name == name and bool(part.mechanisms) is slot)
    return found


@every_host
def test_the_parts_add_up_to_the_cost_of_the_network(host: str, dims: int) -> None:
    architecture = filled(host, dims)
    profile = profile_of(architecture, IN_CHANNELS, CLASSES, SIZE[dims])
    assert Cost(profile.total.params, profile.total.macs) == architecture.cost(IN_CHANNELS, CLASSES, SIZE[dims])
    alone = plain(host, dims).cost(IN_CHANNELS, CLASSES, SIZE[dims])
    assert Cost(profile.plain.params, profile.plain.macs) == alone
    placed = {part.name: part.mechanisms for part in profile.parts if part.mechanisms}
    expected = {slot: tuple(one.mechanism for one in series) for slot, series in architecture.attention}
    assert placed == expected
    stages = [part.name for part in profile.parts if not part.mechanisms]
    assert len(stages) == len(set(stages)) > 3
    assert all(part.load.activations >= 0 and part.load.macs >= 0 for part in profile.parts)


@every_host
def test_activations_are_what_autograd_keeps(host: str, dims: int) -> None:
    profile = profile_of(filled(host, dims), IN_CHANNELS, CLASSES, SIZE[dims])
    # Windows of learnt positions are the exception: the CPU's kernel holds queries, keys and values once more.
    assert profile.total.activations == pytest.approx(kept(filled(host, dims), SIZE[dims]), rel=0.03)
    if host in ("unet", "nested"):
        assert profile.total.activations == kept(filled(host, dims), SIZE[dims])


@pytest.mark.parametrize("mechanism", ["mhsa", "non_local", "criss_cross", "se", "scse", "window"])
def test_activations_of_a_mechanism_are_what_autograd_keeps(mechanism: str) -> None:
    architecture = Architecture.create("unet", 2, {"depth": 2, "width": 8}, {"encoder.1": Placement(mechanism)})
    profile = profile_of(architecture, IN_CHANNELS, CLASSES, (32, 24))
    assert profile.total.activations == kept(architecture, (32, 24))


def test_attention_between_all_positions_keeps_no_weights_of_pairs() -> None:
    placed = {"encoder.0": Placement("mhsa", (("heads", 1), ("position", "none"), ("ratio", 2)))}
    profile = profile_of(Architecture.create("unet", 2, {"depth": 2}, placed), 1, 1, (64, 64))
    pairs = 64**4 * FLOAT
    assert load(profile.parts, "encoder.0", slot=True).activations < pairs / 4


def test_a_stage_keeps_two_maps_a_convolution_and_what_is_joined_for_it() -> None:
    architecture = Architecture.create("unet", 2, {"depth": 2, "width": 4})
    parts = profile_of(architecture, 1, 1, (16, 8)).parts
    positions, statistics = 16 * 8, 2 * 2 * 4  # mean and deviation of two norms, each of four channels
    assert load(parts, "encoder.0").activations == FLOAT * (4 * 4 * positions + statistics)
    assert load(parts, "decoder.0").activations == FLOAT * ((8 + 4 * 4) * positions + statistics)
    assert load(parts, "encoder.0").macs == 9 * (1 * 4 + 4 * 4) * positions
    assert load(parts, "encoder.0").params == 9 * (1 * 4 + 4 * 4) + 4 * 4


def test_parts_come_in_the_order_of_the_network_with_the_shape_of_their_result() -> None:
    architecture = Architecture.create("unet", 3, {"depth": 2, "width": 4}, {"skip.0": Placement("attention_gate")})
    parts = profile_of(architecture, 2, 3, (9, 8, 7)).parts
    shapes = {part.name: part.shape for part in parts}
    assert [name for name in shapes if not name.startswith(("up", "down"))] == [
        "encoder.0", "encoder.1", "encoder.2", "decoder.1", "skip.0", "decoder.0", "head",
    ]  # fmt: skip
    assert shapes["encoder.1"] == shapes["decoder.1"] == (8, 5, 4, 4)
    assert shapes["skip.0"] == (4, 9, 8, 7)
    assert shapes["head"] == (4, 9, 8, 7)


def test_what_runs_in_training_only_has_parameters_and_no_operations() -> None:
    architecture = Architecture.create("unet", 2, {"depth": 3, "width": 4, "supervision": True})
    parts = profile_of(architecture, 1, 1, (16, 16)).parts
    heads = [part for part in parts if part.name.startswith("supervision")]
    assert [(part.load.macs, part.shape) for part in heads] == [(0, None)] * 2
    assert [part.load.params for part in heads] == [2 * 8 + 2, 2 * 16 + 2]


def test_what_attention_adds_is_told_beside_the_host_without_it() -> None:
    architecture = Architecture.create("unet", 2, {"depth": 2, "width": 8}, {"encoder.1": Placement("se")})
    profile = profile_of(architecture, 1, 1, (32, 32))
    assert profile.added.params == load(profile.parts, "encoder.1", slot=True).params
    assert profile.added + profile.plain == profile.total
    share = profile.added.params / profile.plain.params
    assert f"attention adds {profile.added.params:,} parameters ({share:.1%}), " in profile.summary()
    assert "without attention" in profile_of(plain("unet", 2), 1, 1, (32, 32)).summary()


def test_a_block_that_is_cheaper_than_its_convolution_adds_less_than_nothing() -> None:
    assert MECHANISMS["res2net"].inputs == "block"
    architecture = Architecture.create("unet", 2, {"depth": 2, "width": 16}, {"block.bottleneck": Placement("res2net")})
    profile = profile_of(architecture, 1, 1, (32, 32))
    assert profile.added.params < 0
    assert f"attention adds {profile.added.params:,} parameters (-" in profile.summary()
    assert ", -" in profile.summary(), "operations too"


def test_plain_data_holds_the_same_numbers() -> None:
    profile = profile_of(filled("unet", 2), IN_CHANNELS, CLASSES, SIZE[2])
    data = json.loads(json.dumps(profile.to_dict()))
    assert Architecture.from_dict(data["architecture"]) == filled("unet", 2)
    for unit in ("params", "macs", "activations"):
        assert sum(part[unit] for part in data["parts"]) == data["total"][unit]
        assert data["total"][unit] == data["without_attention"][unit] + data["added_by_attention"][unit]
    assert [part["name"] for part in data["parts"]] == [part.name for part in profile.parts]
