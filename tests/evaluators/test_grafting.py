"""A graft changes nothing at first, and is the candidate in the end."""

from __future__ import annotations

import copy

import pytest
import torch
from torch import Tensor

from evaluators.grafting import Gated, Grafted
from search_spaces import HOSTS, MECHANISMS, Architecture
from search_spaces.hosts import Host
from tests.search_spaces.tiny import CHANNELS, CLASSES, filled, images, options, size_for

KINDS = ("se", "attention_gate", "reverse", "scale", "sk")  # feature, gated, guided, pyramid, block
CASES = [(host, "se") for host in HOSTS] + [(host, "sk") for host in HOSTS] + [("unet", name) for name in KINDS]


def built(architecture: Architecture, seed: int) -> Host:
    return architecture.build(CHANNELS, CLASSES, seed).double().eval()


def image_for(architecture: Architecture) -> Tensor:
    return images(size_for(architecture), 2)[0]


def plain_of(architecture: Architecture) -> Architecture:
    return Architecture(architecture.host, architecture.dims, architecture.options)


def test_the_mechanisms_are_of_every_kind_of_input():
    assert len({MECHANISMS[name].inputs for name in KINDS}) == len(KINDS)


@pytest.mark.parametrize(("host", "mechanism"), dict.fromkeys(CASES))
def test_with_closed_gates_it_is_the_trained_network_and_with_open_ones_the_candidate(host: str, mechanism: str):
    architecture = filled(host, 2, mechanism)
    assert architecture.attention
    plain, candidate = built(plain_of(architecture), 1), built(architecture, 2)
    image = image_for(architecture)
    grafted = Grafted(copy.deepcopy(candidate), copy.deepcopy(plain), opening=4, rate=1.0).eval()
    gates = [module for module in grafted.modules() if isinstance(module, Gated)]
    assert len(gates) == len(architecture.attention)

    torch.testing.assert_close(grafted(image), plain(image))

    shared = {name: value for name, value in plain.state_dict().items() if name in candidate.state_dict()}
    candidate.load_state_dict({**candidate.state_dict(), **shared})
    for gated in gates:
        gated.gate.fill_(1)
    torch.testing.assert_close(grafted(image), candidate(image))


def test_the_gates_open_evenly_step_by_step_in_training_alone():
    architecture = filled("unet", 2, "se")
    grafted = Grafted(built(architecture, 0), built(plain_of(architecture), 0), opening=4, rate=1.0)
    image = image_for(architecture)
    seen = []
    for _ in range(6):
        grafted.train().outputs(image)
        grafted.eval()(image)
        seen.append({float(module.gate) for module in grafted.modules() if isinstance(module, Gated)})
    assert seen == [{0.25}, {0.5}, {0.75}, {1.0}, {1.0}, {1.0}]


def test_a_learnt_gate_moves_as_many_times_faster_as_its_rate():
    architecture = filled("unet", 2, "se")
    image = image_for(architecture)
    opened = []
    for rate in (1.0, 10.0):
        grafted = Grafted(built(architecture, 0), built(plain_of(architecture), 0), opening=None, rate=rate).train()
        optimiser = torch.optim.AdamW(grafted.parameters(), 1e-3, weight_decay=0)
        grafted.outputs(image).logits.square().mean().backward()
        optimiser.step()
        gated = next(module for module in grafted.modules() if isinstance(module, Gated))
        assert isinstance(gated.gate, torch.nn.Parameter)
        opened.append(abs(gated.gate.item()) * rate)
    assert opened == pytest.approx([1e-3, 1e-2], rel=1e-2)


def test_the_host_around_the_mechanisms_is_the_trained_one():
    architecture = Architecture.create("unet", 2, options("unet"))
    plain = built(architecture, 5)
    grafted = Grafted(built(architecture, 0), plain, opening=1, rate=1.0)
    assert all(torch.equal(value, plain.state_dict()[name]) for name, value in grafted.network.state_dict().items())
