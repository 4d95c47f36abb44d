"""Architectures are checked, canonical, plain data, and rebuild the same network anywhere."""

from __future__ import annotations

import dataclasses
import json
import os
import pickle
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import yaml
from hypothesis import given
from hypothesis import strategies as st

from search_spaces import Architecture, InputError, Placement, Space, load_space
from tests.search_spaces.rebuilding import fingerprint, fingerprints_elsewhere

SMALL = {"depth": [2, 3], "width": [4, 6], "norm": "instance"}
SPACES = {dims: load_space({"host": "unet", "options": SMALL}, dims) for dims in (2, 3)}
SIZE: dict[int, tuple[int, ...]] = {2: (13, 8), 3: (9, 4, 6)}

seeds = st.integers(0, 2**32 - 1)
spaces = st.sampled_from(list(SPACES.values()))


def draw(space: Space, seed: int) -> Architecture:
    return space.sample(np.random.default_rng(seed), sparse=False)


def unet(**attention: Any) -> dict[str, Any]:
    """Plain data of a small 2D U-Net; ``skip_0`` stands for ``skip.0``."""
    slots = {name.replace("_", "."): value for name, value in attention.items()}
    return {"host": "unet", "dims": 2, "options": {"depth": 2, "width": 4}, "attention": slots}


# -- canonical form -----------------------------------------------------------------------------------------


def test_options_left_out_take_their_defaults() -> None:
    short = Architecture.create("unet", 2, {"depth": 2}, {"skip.0": Placement("se")})
    full = Architecture.create(
        "unet",
        2,
        {"norm": "instance", "block": "plain", "width": 8, "depth": 2},
        {"skip.0": [Placement("se", (("reduction", 4),))]},
    )
    assert short == full
    assert hash(short) == hash(full)
    assert short.key == full.key
    assert short.to_yaml() == full.to_yaml()


def test_empty_slots_are_dropped() -> None:
    plain = Architecture.create("unet", 2)
    assert Architecture.create("unet", 2, {}, {"skip.0": [], "bottleneck": ()}) == plain
    assert plain.is_plain
    assert not Architecture.from_dict(unet(skip_0="se")).is_plain


@given(spaces, seeds, st.randoms(use_true_random=False))
def test_the_order_in_which_things_are_given_does_not_matter(space: Space, seed: int, random: Any) -> None:
    architecture = draw(space, seed)
    options, attention = list(architecture.options), list(architecture.attention)
    random.shuffle(options)
    random.shuffle(attention)
    shuffled = [
        (slot, [dataclasses.replace(p, options=tuple(random.sample(p.options, len(p.options)))) for p in series])
        for slot, series in attention
    ]
    twin = Architecture.create(architecture.host, architecture.dims, dict(options), dict(shuffled))
    assert twin == architecture
    assert twin.key == architecture.key
    assert str(twin) == str(architecture)


@given(spaces, seeds, seeds)
def test_different_architectures_have_different_keys_and_data(space: Space, first: int, second: int) -> None:
    a, b = draw(space, first), draw(space, second)
    assert (a == b) == (a.key == b.key) == (a.to_dict() == b.to_dict()) == (str(a) == str(b))


def test_the_order_of_a_series_counts() -> None:
    there = Architecture.from_dict(unet(skip_0=["se", "eca"]))
    back = Architecture.from_dict(unet(skip_0=["eca", "se"]))
    assert there != back
    assert [placement.mechanism for placement in there.attention[0][1]] == ["se", "eca"]


def test_numbers_that_no_space_offers_are_taken() -> None:
    architecture = Architecture.create("unet", 2, {"width": 7}, {"skip.0": Placement("se", (("reduction", 3),))})
    assert dict(architecture.options)["width"] == 7


@pytest.mark.parametrize("value", [True, 2.0, "2", [2], {"at": 2}, None])
def test_a_value_of_another_kind_is_refused_though_an_equal_one_was_taken(value: Any) -> None:
    assert Architecture.from_dict(unet(skip_0={"mechanism": "se", "reduction": 2}))
    expected = "option 'reduction' is a positive whole number such as 2; got " + re.escape(repr(value))
    with pytest.raises(InputError, match=expected):
        Architecture.from_dict(unet(skip_0={"mechanism": "se", "reduction": value}))
    with pytest.raises(InputError, match="slot 'skip.0': unknown mechanism"):
        Architecture.from_dict(unet(skip_0={"mechanism": value}))


# -- plain data ---------------------------------------------------------------------------------------------


@given(spaces, seeds)
def test_yaml_and_json_hold_the_whole_architecture(space: Space, seed: int) -> None:
    architecture = draw(space, seed)
    assert Architecture.from_dict(yaml.safe_load(architecture.to_yaml())) == architecture
    assert Architecture.from_dict(json.loads(json.dumps(architecture.to_dict()))) == architecture


def test_a_fraction_may_be_written_as_a_whole_number() -> None:
    """As a report's page writes it, whose language knows no difference."""
    made = Architecture.create("unet", 2, {}, {"bottleneck": Placement("interaction", (("spread", 2.0),))})
    data = made.to_dict()
    data["attention"]["bottleneck"]["spread"] = 2
    found = Architecture.from_dict(data)
    assert (found, found.key) == (made, made.key)
    space = load_space({"slots": "bottleneck", "mechanisms": {"interaction": {"spread": [2, 4]}}}, 2)
    assert made in space


def test_a_series_and_short_forms_survive_yaml() -> None:
    data = unet(skip_0=["attention_gate", {"mechanism": "se", "reduction": 2}], bottleneck="eca")
    architecture = Architecture.from_dict(data)
    assert Architecture.from_dict(yaml.safe_load(architecture.to_yaml())) == architecture
    assert architecture.to_dict()["attention"] == {
        "bottleneck": {"mechanism": "eca", "kernel": "adaptive"},
        "skip.0": [
            {"mechanism": "attention_gate", "variant": "grid", "reduction": 1, "gates": 1},
            {"mechanism": "se", "reduction": 2},
        ],
    }


def test_a_file_is_loaded(tmp_path: Path) -> None:
    architecture = Architecture.from_dict(unet(skip_0="se"))
    (tmp_path / "a.yaml").write_text(architecture.to_yaml())
    assert Architecture.load(tmp_path / "a.yaml") == architecture
    assert Architecture.load(str(tmp_path / "a.yaml")) == architecture


def test_the_text_is_one_line_that_names_what_is_where() -> None:
    architecture = Architecture.from_dict(unet(skip_0=["attention_gate", "se"]))
    expected = "unet(depth=2, width=4) + skip.0: attention_gate(variant=grid, reduction=1, gates=1) > se(reduction=2)"
    assert str(architecture) == expected, "in canonical form: four channels are not squeezed"


def test_of_a_host_the_text_names_its_size_and_what_is_not_the_default() -> None:
    architecture = Architecture.create("unet", 2, {"block": "residual", "supervision": True})
    assert str(architecture) == "unet(depth=4, width=8, block=residual, supervision=True)"


# -- faults -------------------------------------------------------------------------------------------------

BAD: list[tuple[Any, list[str]]] = [
    (3, ["expected a mapping, got int"]),
    ({}, ["key 'host' is missing", "key 'dims' is missing"]),
    ({"hosts": "unet", "dims": 2}, ["'hosts' (did you mean 'host'?)", "key 'host' is missing"]),
    ({"host": "unett", "dims": 2}, ["unknown host 'unett' (did you mean 'unet'?)"]),
    ({"host": ["unet"], "dims": 2}, ["unknown host"]),
    ({"host": "unet", "dims": 4}, ["got 4"]),
    ({"host": "unet", "dims": 2.0}, ["got 2.0"]),
    ({"host": "unet", "dims": "2"}, ["got 2"]),
    ({"host": "unet", "dims": [2]}, ["got [2]"]),
    ({"host": "unet", "dims": 2, "options": [1], "attention": "se"}, ["'options' is a mapping", "'attention' is a"]),
    (
        {"host": "unet", "dims": 2, "options": {"deepth": 3, "width": 4.0, "block": "plane", "norm": True}},
        ["'deepth' (did you mean 'depth'?)", "'width'", "'block' is one of plain, residual, depth", "'norm'"],
    ),
    ({"host": "unet", "dims": 2, "options": {"depth": 0, "width": -4}}, ["'depth'", "'width'"]),
    ({"host": "unet", "dims": 2, "options": {"depth": True, "width": [4]}}, ["'depth'", "got [4]"]),
    (unet(skip_0=3, skip_1=[None, {}]), ["'skip.0'", "'skip.1': expected a mapping", "'skip.1': expected a mapping"]),
    (
        unet(skip_2="se", skip_0="see", bottleneck="attention_gate", output="se"),
        [
            "'skip.2' (did you mean 'skip.",
            "slot 'skip.0': unknown mechanism 'see' (did you mean 'se'?)",
            "'attention_gate' takes gated input, slot 'bottleneck' offers feature",
            "'se' takes feature input, slot 'output' offers pyramid",
        ],
    ),
    (unet(skip_0={"mechanism": ["se"]}), ["slot 'skip.0': unknown mechanism"]),
    (
        unet(skip_0={"mechanism": "se", "reductoin": 2, "reduction": "four"}),
        [
            "'reductoin' (did you mean 'reduction'?)",
            "mechanism 'se' in slot 'skip.0': option 'reduction' is a positive",
        ],
    ),
]


@pytest.mark.parametrize(("data", "expected"), BAD)
def test_all_faults_are_told_together_one_line_each(data: Any, expected: list[str]) -> None:
    with pytest.raises(InputError) as caught:
        Architecture.from_dict(data)
    assert len(caught.value.faults) == len(expected), caught.value
    for fault, words in zip(caught.value.faults, expected, strict=True):
        assert words in fault
        assert "\n" not in fault


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    (tmp_path / "broken.yaml").write_text("a: [")
    (tmp_path / "binary.yaml").write_bytes(b"\xff\xfe\x00")
    for name in ("missing.yaml", "broken.yaml", "binary.yaml", ""):
        with pytest.raises(InputError, match=str(tmp_path / name)) as caught:
            Architecture.load(tmp_path / name)
        assert len(str(caught.value).splitlines()) == 1


def test_a_size_of_other_dimensions_has_no_cost() -> None:
    with pytest.raises(InputError, match="has 3 axes, the architecture is 2D"):
        Architecture.create("unet", 2).cost(1, 1, (8, 8, 8))


# -- networks -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("dims", [2, 3])
def test_the_network_maps_an_image_to_one_logit_per_class_and_background(dims: int) -> None:
    for seed in range(5):
        network = draw(SPACES[dims], seed).build(in_channels=3, classes=2)
        y = network(torch.randn(1, 3, *SIZE[dims], generator=torch.Generator().manual_seed(0)))
        assert y.shape == (1, 3, *SIZE[dims])
        assert y.isfinite().all()


def test_mechanisms_in_series_run_one_after_the_other() -> None:
    network: Any = Architecture.from_dict(unet(skip_0=["attention_gate", "se"])).build(1, 1)
    x, gate = torch.randn(1, 4, 8, 8), torch.randn(1, 8, 4, 4)
    placed = network.attention["skip_0"].eval()
    first, second = placed.series
    assert torch.equal(placed(x, gate), second(first(x, gate)))


def test_building_leaves_the_global_random_state_alone() -> None:
    state = torch.random.get_rng_state()
    draw(SPACES[2], 1).build(1, 1)
    assert torch.equal(torch.random.get_rng_state(), state)


def test_the_seed_decides_the_weights() -> None:
    architecture = draw(SPACES[2], 3)
    one, same, other = (architecture.build(1, 1, seed).state_dict() for seed in (1, 1, 2))
    assert all(torch.equal(one[key], same[key]) for key in one)
    assert not all(torch.equal(one[key], other[key]) for key in one)


def test_another_process_rebuilds_the_same_network_from_yaml(tmp_path: Path) -> None:
    expected, paths = [], []
    for dims, space in SPACES.items():
        architecture = space.sample(np.random.default_rng(7), sparse=False)
        expected.append(fingerprint(architecture))
        paths.append(tmp_path / f"{dims}d.yaml")
        paths[-1].write_text(architecture.to_yaml())
    assert fingerprints_elsewhere(paths, hash_seed=1) == expected


PICKLED = """
import pickle, sys
from search_spaces.architecture.architecture import Architecture
architecture = Architecture.from_dict({"host": "unet", "dims": 2})
assert architecture in {architecture}
sys.stdout.buffer.write(pickle.dumps(architecture))
"""


def test_an_architecture_from_another_process_hashes_as_one_made_here() -> None:
    command = [sys.executable, "-c", PICKLED]
    done = subprocess.run(
        command, capture_output=True, check=True, timeout=300, env={**os.environ, "PYTHONHASHSEED": "7"}
    )
    assert pickle.loads(done.stdout) in {Architecture.from_dict({"host": "unet", "dims": 2})}


def test_what_is_equal_but_written_otherwise_is_checked_anew() -> None:
    data = {
        "host": "unet",
        "dims": 2,
        "options": {"depth": 2},
        "attention": {"skip.0": {"mechanism": "se", "reduction": 2}},
    }
    known = Architecture.from_dict(data)
    for value in (2.0, True):
        with pytest.raises(InputError, match="'depth'"):
            Architecture.from_dict({**data, "options": {"depth": value}})
        with pytest.raises(InputError, match=r"'se' in slot 'skip.0': option 'reduction'"):
            Architecture.from_dict({**data, "attention": {"skip.0": {"mechanism": "se", "reduction": value}}})
    with pytest.raises(InputError, match=r"slot 'output'"):  # as many channels, and another kind of place
        Architecture.from_dict({**data, "attention": {"output": {"mechanism": "se", "reduction": 2}}})
    assert Architecture.from_dict(data) == known
