"""Plain networks of equal size."""

from __future__ import annotations

import pytest

from search_spaces import HOSTS, Architecture, Placement
from search_spaces.architecture.architecture import slots_of
from search_spaces.architecture.counterpart import NEAR, plain_counterpart, plain_unet

EVERY = [(name, dims) for name in HOSTS for dims in HOSTS[name].dims]


def params_of(architecture: Architecture) -> int:
    return architecture.cost(1, 2, (16,) * architecture.dims).params


def with_attention(host: str, dims: int, mechanism: str = "mhsa", **options: int) -> Architecture:
    """The host with a mechanism in all slots that take it."""
    bare = Architecture.create(host, dims, options)
    takes = [name for name, slot in slots_of(host, dims, bare.options).items() if "feature" in slot.inputs]
    return Architecture.create(host, dims, options, {name: Placement(mechanism) for name in takes})


@pytest.mark.parametrize(("host", "dims"), EVERY, ids=[f"{name}-{dims}d" for name, dims in EVERY])
def test_it_is_the_same_host_without_attention_and_no_width_comes_nearer(host, dims):
    network = with_attention(host, dims)
    wanted = params_of(network)
    found = plain_counterpart(network, params_of)
    assert found is not None
    assert found.is_plain
    options, own = dict(found.options), dict(network.options)
    assert {**options, "width": own["width"]} == own
    assert options["width"] > own["width"]
    near = range(max(options["width"] - 3, 1), options["width"] + 4)
    others = [Architecture.create(host, dims, {"width": width}) for width in near]
    nearest = min(others, key=lambda one: max(params_of(one) / wanted, wanted / params_of(one)))
    assert params_of(found) == params_of(nearest)


def test_a_width_that_no_space_offers_will_do():
    found = plain_counterpart(with_attention("unet", 2, width=16), params_of)
    assert found is not None
    assert dict(found.options)["width"] not in HOSTS["unet"].options["width"]
    assert abs(params_of(found) / params_of(with_attention("unet", 2, width=16)) - 1) < NEAR


def test_attention_of_a_few_parameters_has_its_own_host_as_counterpart():
    host = Architecture.create("unet", 2, {"width": 8})
    assert (
        plain_counterpart(Architecture.create("unet", 2, {"width": 8}, {"skip.0": Placement("se")}), params_of) == host
    )


def test_attention_that_saves_parameters_has_a_narrower_one():
    saves = {f"block.encoder.{level}": Placement("odconv") for level in range(4)}
    network = Architecture.create("unet", 2, {"width": 24}, saves)
    fewer = params_of(Architecture.create("unet", 2, {"width": 24})) // 2
    found = plain_counterpart(network, lambda one: fewer if one == network else params_of(one))
    assert found is not None
    assert dict(found.options)["width"] < 24
    assert abs(params_of(found) / fewer - 1) < NEAR


def test_a_width_that_a_host_refuses_is_passed_over():
    network = with_attention("unet", 2, width=16)
    first = plain_counterpart(network, params_of)

    def refusing(architecture: Architecture) -> int:
        if architecture == first:
            raise RuntimeError("heads do not divide the width")
        return params_of(architecture)

    found = plain_counterpart(network, refusing)
    assert found is not None
    assert first is not None
    assert abs(dict(found.options)["width"] - dict(first.options)["width"]) == 1


def test_a_plain_network_has_none():
    assert plain_counterpart(Architecture.create("unet", 2), params_of) is None


@pytest.mark.parametrize("wanted", [27_000, 53_000, 316_000, 1_470_000])
@pytest.mark.parametrize(("dims", "deepest"), [(2, 4), (3, 3)])
def test_a_plain_unet_has_any_number_of_parameters_and_is_neither_thin_nor_broad(wanted, dims, deepest):
    found = plain_unet(wanted, dims, deepest, params_of)
    assert found.is_plain
    assert found.host == "unet"
    assert abs(params_of(found) / wanted - 1) < 0.05
    options = dict(found.options)
    assert 2 <= options["depth"] <= deepest
    assert 4 <= options["width"] <= 20
