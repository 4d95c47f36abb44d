"""The light networks of other people have as many parameters as published, and run in the dimensions that they say."""

from __future__ import annotations

import copy
import json
import pickle
from collections.abc import Callable

import pytest
import torch

from search_spaces import HOSTS, load_preset
from search_spaces.errors import InputError
from search_spaces.hosts import Host
from search_spaces.hosts.outside import is_ours
from search_spaces.initialisation import WithoutInitialisation
from search_spaces.rivals.cmunext import CMUNeXt
from search_spaces.rivals.ege_unet import EGEUNet
from search_spaces.rivals.mk_unet import MKUNet
from search_spaces.rivals.tiny_unet import TinyUNet
from search_spaces.rivals.unext import UNeXt, shifted
from tests.search_spaces.tiny import THIN, loss_of, narrowed

# Network, parameters of three channels and one output, as published, and how exact that is.
COUNTS = [
    ("mk_unet_t", MKUNet, 27_041, 27_000, 1000),  # the authors' code was not read, so held to the paper's rounding
    ("mk_unet", MKUNet, 315_523, 316_000, 1000),
    ("ege_unet", EGEUNet, 53_374, 53_000, 1000),  # the others to the unit, and to the rounding of the paper
    ("tiny_unet", TinyUNet, 481_105, 480_000, 10_000),
    ("cmunext_s", CMUNeXt, 417_505, 418_000, 1000),
    ("unext", UNeXt, 1_471_921, 1_470_000, 10_000),
]


@pytest.mark.parametrize(("name", "network", "params", "published", "rounding"), COUNTS)
def test_parameters_are_those_of_the_authors_code_and_of_the_paper(
    name: str, network: type[torch.nn.Module], params: int, published: int, rounding: int
) -> None:
    architecture = load_preset(name)
    assert architecture.host == f"python:{network.__module__}.{network.__name__}"
    with torch.device("meta"), WithoutInitialisation():
        made = network(3, 1, **json.loads(dict(architecture.options)["arguments"]))
    assert sum(parameter.numel() for parameter in made.parameters()) == params
    assert round(params / rounding) * rounding == published


def test_a_preset_is_named_for_every_network() -> None:
    assert {name for name, *_ in COUNTS} == set(THIN)
    assert all(is_ours(load_preset(name).host) for name in THIN)


@pytest.mark.parametrize("name", THIN)
def test_3d_is_trained_or_refused_in_a_line(name: str) -> None:
    if 3 not in HOSTS[load_preset(name).host].dims:
        with pytest.raises(InputError) as caught:
            load_preset(name, 3)
        assert str(caught.value).startswith(f"preset '{name}' in 3D: host ")
        assert str(caught.value).count("\n") == 0
        return
    network = narrowed(name, 3).build(1, 2).train()
    loss = loss_of(network, torch.randn(2, 1, 5, 32, 7), torch.randint(0, 3, (2, 5, 32, 7)))
    loss.backward()
    assert loss.isfinite()
    assert all(parameter.grad is not None for parameter in network.parameters())


@pytest.mark.parametrize("name", THIN)
def test_any_size_and_one_image_give_logits_of_that_size(name: str) -> None:
    network = narrowed(name, 2).build(3, 2).eval()
    with torch.no_grad():
        assert network(torch.randn(1, 3, 33, 47)).shape == (1, 3, 33, 47)


def test_fifths_of_the_channels_are_shifted_and_zeros_moved_in() -> None:
    x = torch.arange(1.0, 5.0).reshape(1, 1, 4, 1).expand(1, 5, 4, 4)
    found = shifted(x, 2)[0, :, :, 0].tolist()
    assert found == [[3, 4, 0, 0], [2, 3, 4, 0], [1, 2, 3, 4], [0, 1, 2, 3], [0, 0, 1, 2]]
    assert torch.equal(shifted(x.mT, 3), shifted(x, 2).mT)


@pytest.mark.parametrize("again", [copy.deepcopy, lambda network: pickle.loads(pickle.dumps(network))])
def test_a_network_is_copied_and_pickled(again: Callable[[Host], Host]) -> None:
    network, image = narrowed("tiny_unet", 2).build(1, 2).eval(), torch.randn(1, 1, 20, 31)
    twin = again(network)
    assert type(twin) is type(network)
    with torch.no_grad():
        assert torch.equal(twin(image), network(image))
        next(twin.parameters()).zero_()
        assert not torch.equal(twin(image), network(image))
