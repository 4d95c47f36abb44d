"""Spaces from YAML: what ships loads, what a user writes means what it says, and all faults are told together."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml

from search_spaces import HOSTS, MECHANISMS, InputError, Space, load_space, space_names

TINY = {"depth": 2, "width": 4, "block": "plain", "norm": "instance"}


# -- what ships ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("dims", [2, 3])
@pytest.mark.parametrize("name", space_names())
def test_a_shipped_space_loads_and_draws(name: str, dims: int) -> None:
    space = load_space(name, dims)
    rng = np.random.default_rng(0)
    assert space.plain() in space
    assert all(space.sample(rng, sparse) in space for sparse in (True, False) for _ in range(50))


@pytest.mark.parametrize("dims", [2, 3])
def test_the_shipped_unet_offers_every_mechanism_of_its_dimensions(dims: int) -> None:
    space = load_space("unet", dims)
    assert space.mechanisms == placed_in(dims)


@pytest.mark.parametrize("dims", [2, 3])
def test_the_light_space_has_room_on_both_sides_of_twenty_and_five_hundred_thousand_parameters(dims: int) -> None:
    space = load_space("light", dims)
    widest = [one for one in space.plain_networks() if dict(one.options)["width"] == max(space.options["width"])]
    assert space.smallest(3, 1)[1] < 20_000
    assert max(one.cost(3, 1, (64,) * dims).params for one in widest) > 500_000
    assert min(space.options["width"]) == 4
    assert {"plain", "depthwise"} == set(space.options["block"])


# -- what can be written ------------------------------------------------------------------------------------


def test_a_mapping_and_a_file_give_the_same_space(tmp_path: Path) -> None:
    data = {"host": "unet", "options": TINY, "mechanisms": ["se"], "max_filled": 1}
    (tmp_path / "mine.yaml").write_text(yaml.safe_dump(data))
    for source in (tmp_path / "mine.yaml", str(tmp_path / "mine.yaml")):
        assert load_space(source, 2).to_dict() == load_space(data, 2).to_dict()


@pytest.mark.parametrize("key", ["options", "slots", "mechanisms", "max_filled"])
def test_a_key_without_a_value_is_as_if_left_out(key: str) -> None:
    assert load_space({key: None}, 2).to_dict() == load_space({}, 2).to_dict()


def test_nothing_written_offers_every_placement_in_the_default_host() -> None:
    space = load_space({}, 3)
    assert space.host == "unet"
    assert space.options == {name: (value,) for name, value in HOSTS["unet"].defaults.items()}
    assert space.mechanisms == placed_in(3)
    assert space.max_filled == len(space.slots)
    assert all(
        space.slots[slot][name] == MECHANISMS[name].choices for slot in space.slots for name in space.slots[slot]
    )


def placed_in(dims: int) -> list[str]:
    """The mechanisms that some slot of a U-Net takes: all, whatever their input."""
    return [name for name in MECHANISMS if dims in MECHANISMS[name].dims]


def test_all_options_are_those_of_the_registry() -> None:
    assert load_space({"options": "all", "mechanisms": []}, 2).options == HOSTS["unet"].options


def slots_of(slots: Any, **changes: Any) -> list[str]:
    return list(load_space({"options": TINY, "slots": slots, "mechanisms": "se", **changes}, 2).slots)


def test_slots_are_names_and_patterns() -> None:
    assert slots_of("skip.*") == ["skip.0", "skip.1"]
    assert slots_of(["skip.1", "bottleneck", "skip.[01]"]) == ["bottleneck", "skip.0", "skip.1"]
    assert slots_of([]) == []
    assert slots_of("all") == [
        *("encoder.0", "encoder.1", "bottleneck", "skip.0", "skip.1"),
        *("decoder.0", "decoder.1"),
    ]


def test_slots_of_any_offered_depth_can_be_named() -> None:
    assert slots_of("skip.3", options={"depth": [2, 4]}) == ["skip.3"]


def test_a_mechanism_goes_where_it_fits() -> None:
    slots = load_space({"options": TINY, "mechanisms": ["attention_gate", "se"]}, 2).slots
    assert set(slots["encoder.0"]) == set(slots["bottleneck"]) == {"se"}
    assert set(slots["skip.0"]) == set(slots["decoder.1"]) == {"attention_gate", "se"}


def test_one_value_and_a_list_of_it_are_the_same_and_repeats_count_once() -> None:
    for reduction in (4, [4], [4, 4]):
        space = load_space({"mechanisms": {"se": {"reduction": reduction}}}, 2)
        assert space.labels["skip.0/se/reduction"] == (4,)


def test_numbers_that_the_registry_does_not_list_are_taken() -> None:
    space = load_space({"options": {"width": 5}, "mechanisms": {"eca": {"kernel": [9]}, "se": {"reduction": 3}}}, 2)
    assert space.options["width"] == (5,)
    assert space.labels["skip.0/eca/kernel"] == (9,)


def test_each_slot_can_have_its_own_mechanisms_and_a_later_pattern_adds_to_an_earlier() -> None:
    slots = {"skip.*": ["se"], "skip.0": {"eca": {"kernel": 5}}, "bottleneck": None}
    space = load_space({"options": TINY, "slots": slots, "mechanisms": ["cbam"]}, 2)
    assert {slot: set(mechanisms) for slot, mechanisms in space.slots.items()} == {
        "bottleneck": {"cbam"},
        "skip.0": {"se", "eca"},
        "skip.1": {"se"},
    }
    assert space.slots["skip.0"]["eca"] == {"kernel": (5,)}


# -- faults -------------------------------------------------------------------------------------------------

BAD: dict[str, tuple[dict[str, Any], list[str]]] = {
    "a misspelt key": ({"slot": "all"}, ["unknown key of a space 'slot' (did you mean 'slots'?)"]),
    "a misspelt host": ({"host": "u_net"}, ["unknown host 'u_net' (did you mean 'unet'?)"]),
    "a host that is no name": ({"host": ["unet"]}, ["unknown host"]),
    "options that are no mapping": (
        {"options": [3]},
        ["host 'unet': options are a mapping of name to values; got [3]"],
    ),
    "a misspelt option": ({"options": {"dept": 3}}, ["'dept' (did you mean 'depth'?)"]),
    "several values of a setting": (
        {"options": {"widest": [320, 512]}},
        ["option 'widest' is a setting and no choice, expected one value; got [320, 512]"],
    ),
    "a misspelt word": (
        {"options": {"block": ["plane"]}},
        ["option 'block' is one of plain, residual, depthwise; got 'plane'"],
    ),
    "a number for a word": ({"options": {"norm": 1}}, ["option 'norm' is one of instance, batch; got 1"]),
    "a word for a number": (
        {"options": {"depth": "deep"}},
        ["'depth' is a positive whole number such as 2; got 'deep'"],
    ),
    "no whole number": ({"options": {"width": [4, 4.5, 8.0]}}, ["got 4.5", "got 8.0"]),
    "no positive number": ({"options": {"width": [0, -4, 4]}}, ["got 0", "got -4"]),
    "infinity and nothing": ({"options": {"width": [float("inf"), float("nan")]}}, ["got inf", "got nan"]),
    "a list in a list": ({"options": {"depth": [[3]]}}, ["got [3]"]),
    "no value": ({"options": {"depth": []}}, ["option 'depth' has an empty list of values"]),
    "an option without a value": ({"options": {"depth": None}}, ["got None"]),
    "a misspelt mechanism": ({"mechanisms": ["see", "cbam"]}, ["unknown mechanism 'see' (did you mean 'se'?)"]),
    "mechanisms that are no names": ({"mechanisms": [["se"], 3]}, ["unknown mechanism", "unknown mechanism '3'"]),
    "a number of mechanisms": ({"mechanisms": 3}, ["mechanisms is 'all', a list of names, or a mapping"]),
    "a misspelt hyper-parameter": (
        {"mechanisms": {"se": {"reductoin": 4}}},
        ["option of mechanism 'se': 'reductoin' (did you mean 'reduction'?)"],
    ),
    "yes for a number": (
        {"mechanisms": {"non_local": {"subsample": [True]}}},
        ["'subsample' is a positive whole number such as 1; got True"],
    ),
    "choices that are no mapping": ({"mechanisms": {"se": [4]}}, ["mechanism 'se': options are a mapping"]),
    "what a mechanism refuses": (
        {"mechanisms": {"eca": {"kernel": [3, 4]}}},
        ["mechanism 'eca': eca kernel: expected"],
    ),
    "what a mechanism refuses beside some others of its words": (
        {"slots": "bottleneck", "mechanisms": {"gather_excite": {"extent": [3], "gather": ["mean", "learned"]}}},
        ["mechanism 'gather_excite': gather_excite extent: expected 0 or, where it is learned, a power of two; got 3"],
    ),
    "what a fixed mechanism refuses": (
        {"fixed": {"bottleneck": {"mechanism": "cbam", "kernel": 4}}},
        ["slot 'bottleneck': cbam kernel: expected an odd length, got 4"],
    ),
    "a misspelt slot": ({"slots": ["skip.0", "skp.1"]}, ["unknown slot of unet: 'skp.1' (did you mean 'skip."]),
    "a slot that no depth has": ({"options": {"depth": 2}, "slots": "skip.2"}, ["'skip.2'"]),
    "a number of slots": (
        {"slots": 3},
        ["slots is 'all', a list of names, or a mapping of names to mechanisms; got 3"],
    ),
    "a misspelt slot of its own": ({"slots": {"skp.1": ["se"]}}, ["unknown slot of unet: 'skp.1'"]),
    "a misspelt mechanism of a slot": (
        {"slots": {"skip.1": ["see"]}},
        ["unknown mechanism 'see' (did you mean 'se'?)"],
    ),
    "a mechanism that does not fit": (
        {"slots": {"bottleneck": ["attention_gate"]}},
        ["slot 'bottleneck': mechanism 'attention_gate' takes gated input, slot 'bottleneck' offers feature"],
    ),
    "a mechanism that fits nowhere": (
        {"slots": "bottleneck", "mechanisms": ["attention_gate", "se"]},
        ["mechanism 'attention_gate' fits none of the slots bottleneck: mechanism 'attention_gate' takes gated input"],
    ),
    "a mechanism that no slot lists": (
        {"slots": {"skip.0": ["eca"]}, "mechanisms": ["se"]},
        ["mechanism 'se' fits none of the slots skip.0: they list others"],
    ),
    "a word for a limit": ({"max_filled": "two"}, ["max_filled is a whole number from 0, or left out; got 'two'"]),
    "a limit below zero": ({"max_filled": -1}, ["max_filled"]),
    "a limit that is no whole number": ({"max_filled": 1.5}, ["max_filled"]),
    "yes for a limit": ({"max_filled": True}, ["max_filled"]),
    "everything wrong": (
        {
            "hots": "unet",
            "options": {"depth": ["deep"], "widht": 4},
            "slots": ["skp.0", "skip.0"],
            "mechanisms": {"see": {}, "se": {"reduction": -1}},
            "max_filled": -1,
        },
        ["'hots' (did", "'see' (did", "'reduction'", "max_filled", "'widht' (did", "'depth'", "'skp.0' (did"],
    ),
    "much wrong with an unknown host": (
        {"host": "u_net", "mechanisms": ["see"], "max_filled": -1},
        ["unknown mechanism 'see'", "max_filled", "unknown host 'u_net'"],
    ),
}


@pytest.mark.parametrize(("data", "expected"), BAD.values(), ids=BAD)
def test_every_fault_is_told_in_a_line_of_its_own(data: dict[str, Any], expected: list[str]) -> None:
    with pytest.raises(InputError) as caught:
        load_space(data, 2)
    faults = caught.value.faults
    assert len(faults) == len(expected), caught.value
    for fault, words in zip(faults, expected, strict=True):
        assert words in fault
        assert "\n" not in fault


def test_dimensions_that_the_host_does_not_have_are_refused() -> None:
    with pytest.raises(InputError, match=r"host 'unet' exists in \(2, 3\) dimensions, the task has 4"):
        load_space("unet", 4)


def test_an_unknown_name_is_told_with_the_nearest() -> None:
    with pytest.raises(InputError) as caught:
        load_space("unnet", 2)
    assert "unknown space 'unnet' (did you mean 'unet'?)" in str(caught.value)
    assert "or the path of a YAML file" in str(caught.value)


def test_a_file_that_is_no_space_is_named(tmp_path: Path) -> None:
    (tmp_path / "broken.yaml").write_text("a: [")
    (tmp_path / "list.yaml").write_text("[unet]")
    (tmp_path / "empty.yaml").write_text("")
    (tmp_path / "binary.yml").write_bytes(b"\xff\xfe\x00")
    (tmp_path / "folder.yaml").mkdir()
    for name in ("missing.yaml", "broken.yaml", "list.yaml", "empty.yaml", "binary.yml", "folder.yaml"):
        with pytest.raises(InputError, match=f"space file '{tmp_path / name}'") as caught:
            load_space(tmp_path / name, 2)
        assert len(caught.value.faults) == 1
        assert "\n" not in str(caught.value)


def test_what_loads_is_a_space_that_can_be_frozen() -> None:
    space: Space = load_space({"options": TINY, "slots": "skip.0", "mechanisms": "se"}, 2)
    sample = {**space.sample_of(space.plain()), "skip.0/mechanism": "se", "skip.0/se/reduction": 8}
    assert str(space.freeze(sample)).endswith("+ skip.0: se(reduction=2)"), "4 channels: squeezed to the lower bound"
