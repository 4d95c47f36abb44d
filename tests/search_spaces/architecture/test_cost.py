"""Costs are looked up part by part, and are those of the network that would be built."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from search_spaces import HOSTS, Architecture, Cost, Placement, Space, load_space
from search_spaces.architecture import cost as cost_module
from search_spaces.architecture.cost import host_cost, host_params, measure, mechanism_cost
from search_spaces.hosts.slot import Slot
from search_spaces.initialisation import WithoutInitialisation

IN_CHANNELS, CLASSES = 2, 3
SIZE: dict[int, tuple[int, ...]] = {2: (21, 16), 3: (9, 12, 7)}
EVERY = [(name, dims) for name in HOSTS for dims in HOSTS[name].dims]
every_host = pytest.mark.parametrize(("host", "dims"), EVERY, ids=[f"{name}-{dims}d" for name, dims in EVERY])


def small(host: str, dims: int) -> Space:
    """Two values of each option: a host takes a tenth of a second to measure, an architecture next to nothing."""
    return load_space({"host": host, "options": {k: v[:2] for k, v in HOSTS[host].options.items()}}, dims)


def built_cost(architecture: Architecture) -> Cost:
    """Parameters and multiply-accumulates counted on the whole network."""
    with torch.device("meta"), WithoutInitialisation():
        network = architecture.build(IN_CHANNELS, CLASSES).eval()
        image = torch.empty(1, IN_CHANNELS, *SIZE[architecture.dims])
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        network(image)
    params = sum(parameter.numel() for parameter in network.parameters() if parameter.requires_grad)
    return Cost(params, counter.get_total_flops() // 2)


def assert_costs_are_those_of_built_networks(host: str, dims: int, count: int) -> None:
    space, rng = small(host, dims), np.random.default_rng(dims)
    for index in range(count):
        architecture = space.sample(rng, sparse=index % 2 == 0)
        looked_up = architecture.cost(IN_CHANNELS, CLASSES, SIZE[dims])
        assert looked_up == built_cost(architecture), architecture
        assert architecture.params(IN_CHANNELS, CLASSES) == looked_up.params, architecture


@every_host
def test_looked_up_costs_are_those_of_built_networks(host: str, dims: int) -> None:
    assert_costs_are_those_of_built_networks(host, dims, 6)


@pytest.mark.slow
@every_host
def test_looked_up_costs_are_those_of_a_thousand_built_networks(host: str, dims: int) -> None:
    assert_costs_are_those_of_built_networks(host, dims, 1000)


def test_mechanisms_in_series_add_up() -> None:
    options = {"depth": 2, "width": 4}
    series = [Placement("attention_gate"), Placement("se"), Placement("non_local")]
    architecture = Architecture.create("unet", 2, options, {"skip.1": series})
    assert architecture.cost(IN_CHANNELS, CLASSES, SIZE[2]) == built_cost(architecture)


@every_host
def test_the_parameters_of_a_host_alone_are_those_of_its_cost(host: str, dims: int) -> None:
    architecture = small(host, dims).plain()
    params = host_params(host, dims, architecture.options, IN_CHANNELS, CLASSES)
    assert params == architecture.cost(IN_CHANNELS, CLASSES, SIZE[dims]).params


@every_host
def test_costless_options_change_no_cost(host: str, dims: int) -> None:
    rng, entry = np.random.default_rng(dims), HOSTS[host]
    for _ in range(3):
        drawn = {name: values[int(rng.integers(min(len(values), 2)))] for name, values in entry.options.items()}
        for option in entry.costless:
            costs = {measured(host, dims, {**drawn, option: value}) for value in entry.options[option]}
            assert len(costs) == 1, (option, drawn)


def measured(host: str, dims: int, options: dict[str, Any]) -> Cost:
    shape = (IN_CHANNELS, *SIZE[dims])
    return measure(lambda: HOSTS[host].build(IN_CHANNELS, CLASSES, dims, options.items()), [shape])


def test_parts_that_were_measured_once_are_not_measured_again(monkeypatch: pytest.MonkeyPatch) -> None:
    options = {"depth": 2, "width": 4}
    alone = {
        slot: Architecture.create("unet", 2, options, {slot: Placement("se")}) for slot in ("skip.0", "bottleneck")
    }
    both = Architecture.create("unet", 2, options, dict.fromkeys(alone, Placement("se")))
    plain = Architecture.create("unet", 2, options).cost(1, 1, (8, 8))
    known = {slot: architecture.cost(1, 1, (8, 8)) for slot, architecture in alone.items()}
    monkeypatch.setattr(cost_module, "measure", lambda *_: pytest.fail("measured again"))
    expected = sum(cost.params for cost in known.values()) - plain.params
    assert both.cost(1, 1, (8, 8)).params == expected


def test_neither_the_random_state_nor_memory_is_touched() -> None:
    state = torch.random.get_rng_state()
    network = Architecture.create("unet", 3, {"depth": 3, "width": 37}, {"skip.0": Placement("cbam")})
    assert network.cost(1, 1, (4096, 4096, 4096)).macs > 10**15  # 256 GiB for the image alone
    assert torch.equal(torch.random.get_rng_state(), state)


# -- by hand ------------------------------------------------------------------------------------------------


def test_a_convolution_costs_what_the_textbook_says() -> None:
    kernel, positions = 3 * 5 * 9, 7 * 11
    cost = measure(lambda: nn.Conv2d(3, 5, 3, padding=1), [(3, 7, 11)])
    assert cost == Cost(params=kernel + 5, macs=kernel * positions)


def test_frozen_parameters_are_not_counted() -> None:
    assert measure(lambda: nn.Conv2d(3, 5, 1).requires_grad_(False), [(3, 7, 11)]).params == 0


def test_squeeze_excitation_costs_its_two_layers_at_any_size() -> None:
    se = Placement("se", (("reduction", 2),))
    for level in (0, 2):
        expected = Cost(params=8 * 4 + 4 + 4 * 8 + 8, macs=2 * 8 * 4)
        assert mechanism_cost(se, 2, Slot("encoder.0", 8, level), (13, 9)) == expected


def test_attention_between_all_positions_is_counted() -> None:
    non_local = Placement("non_local", (("mode", "embedded_gaussian"), ("reduction", 2), ("subsample", 1)))
    positions = math.prod((4, 3, 2))  # (13, 9, 6) halved twice, rounded up
    expected = 4 * 8 * 4 * positions + 2 * 4 * positions**2
    assert mechanism_cost(non_local, 3, Slot("bottleneck", 8, 2), (13, 9, 6)).macs == expected


def test_a_gate_is_measured_with_the_coarser_feature() -> None:
    gate = Placement("attention_gate", (("variant", "same_resolution"), ("reduction", 1)))
    fine, coarse = 13 * 9, 7 * 5
    expected = 8 * 8 * fine + 20 * 8 * coarse + 8 * fine
    assert mechanism_cost(gate, 2, Slot("skip.0", 8, 0, gate_channels=20), (13, 9)).macs == expected


def test_a_wider_host_costs_more() -> None:
    options = {"depth": 2, "width": 4, "block": "plain", "norm": "instance"}
    narrow = host_cost("unet", 2, tuple(options.items()), 1, 1, (16, 16))
    wide = host_cost("unet", 2, tuple({**options, "width": 8}.items()), 1, 1, (16, 16))
    assert wide.params > narrow.params
    assert wide.macs > narrow.macs
