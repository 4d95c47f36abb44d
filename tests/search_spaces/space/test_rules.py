"""What a space excludes, ties, fixes and lines up: nothing else is drawn, and the count stays exact."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from search_spaces import Architecture, InputError, Placement, load_space
from search_spaces.space.union import SearchSpace, Union

SMALL: dict[str, Any] = {
    "options": {"depth": 2, "width": [4, 16], "block": ["plain", "residual"]},
    "slots": ["skip.*", "bottleneck"],
    "mechanisms": {"se": {"reduction": [2, 8]}, "eca": {"kernel": 3}, "attention_gate": {"variant": "grid"}},
}


def held(architecture: Architecture) -> dict[str, list[str]]:
    return {slot: [placement.mechanism for placement in series] for slot, series in architecture.attention}


def in_skips(a: Architecture, *names: str) -> bool:
    return any(name in names for slot, there in held(a).items() if slot.startswith("skip.") for name in there)


RULES: dict[str, tuple[dict[str, Any], Callable[[Architecture], bool]]] = {
    "forbidden together": (
        {"forbid": [{"block": "residual", "skip.*": "attention_gate"}]},
        lambda a: not (dict(a.options)["block"] == "residual" and in_skips(a, "attention_gate")),
    ),
    "one of several values": (
        {"forbid": [{"width": [16], "skip.*": ["attention_gate", "se"]}]},
        lambda a: not (dict(a.options)["width"] == 16 and in_skips(a, "attention_gate", "se")),
    ),
    "one needs another": (
        {"require": [{"if": {"skip.*": "any"}, "then": {"bottleneck": ["se", "eca"]}}]},
        lambda a: not any(slot.startswith("skip.") for slot in held(a)) or "bottleneck" in held(a),
    ),
    "one excludes another": (
        {"require": [{"if": {"bottleneck": "any"}, "then": {"skip.*": "none"}}]},
        lambda a: "bottleneck" not in held(a) or not any(slot.startswith("skip.") for slot in held(a)),
    ),
    "always": (
        {"require": [{"then": {"skip.1": "se"}}]},
        lambda a: held(a).get("skip.1") == ["se"],
    ),
    "two rules and a limit": (
        {"forbid": [{"skip.0": "se", "skip.1": "se"}, {"block": "residual", "bottleneck": "none"}], "max_filled": 2},
        lambda a: (
            not (held(a).get("skip.0") == held(a).get("skip.1") == ["se"])
            and not (dict(a.options)["block"] == "residual" and "bottleneck" not in held(a))
            and len(a.attention) <= 2
        ),
    ),
}
every_rule = pytest.mark.parametrize(("rules", "keeps"), RULES.values(), ids=RULES)


@every_rule
def test_exactly_what_keeps_the_rules_is_in_the_space(rules: dict[str, Any], keeps: Any) -> None:
    space = load_space({**SMALL, **rules}, 2)
    expected = {architecture for architecture in load_space(SMALL, 2) if keeps(architecture)}
    assert set(space) == expected
    assert space.size() == len(expected) > 0
    assert all((architecture in space) == keeps(architecture) for architecture in load_space(SMALL, 2))


@every_rule
def test_draws_and_changes_keep_the_rules(rules: dict[str, Any], keeps: Any) -> None:
    space = load_space({**SMALL, **rules}, 2)
    rng = np.random.default_rng(0)
    drawn = [space.sample(rng, sparse=bool(index % 2)) for index in range(60)]
    for one, other in itertools.pairwise(drawn):
        changed = [space.mutate(one, rng), space.crossover(one, other, rng)]
        assert all(keeps(architecture) and architecture in space for architecture in (one, *changed))
    assert all(map(keeps, space.neighbours(drawn[0])))


@every_rule
def test_rules_come_back_from_plain_data(rules: dict[str, Any], keeps: Any) -> None:
    space = load_space({**SMALL, **rules}, 2)
    twin = load_space(yaml.safe_load(yaml.safe_dump(space.to_dict())), 2)
    assert twin.to_dict() == space.to_dict()
    assert twin.size() == space.size()


# -- ties, fixed parts, series ------------------------------------------------------------------------------


def test_tied_slots_hold_the_same_and_count_as_one() -> None:
    space = load_space({**SMALL, "tied": ["skip.*"], "max_filled": 1}, 2)
    listed = list(space)
    assert space.size() == len(set(listed)) == len(listed)
    for architecture in listed:
        skips = {slot: names for slot, names in held(architecture).items() if slot.startswith("skip.")}
        assert len(skips) in (0, 2)
        assert len({tuple(names) for names in skips.values()}) <= 1
    assert any(len(architecture.attention) == 2 for architecture in listed)
    lonely = Architecture.create("unet", 2, {"depth": 2, "width": 4}, {"skip.0": Placement("eca", (("kernel", 3),))})
    with pytest.raises(InputError, match=r"slots 'skip\.\*' are tied"):
        load_space({**SMALL, "tied": ["skip.*"]}, 2).sample_of(lonely)


def test_fixed_parts_are_in_every_architecture_but_the_plain_network() -> None:
    space = load_space({**SMALL, "fixed": {"bottleneck": {"mechanism": "cbam", "kernel": 3}}}, 2)
    listed = list(space)
    assert space.size() == len(set(listed))
    assert all(held(architecture)["bottleneck"] == ["cbam"] for architecture in listed)
    assert all(architecture in space for architecture in listed)
    assert space.plain().is_plain
    with pytest.raises(InputError, match="'bottleneck': the space fixes cbam"):
        space.sample_of(space.plain())


@given(seed=st.integers(0, 2**32 - 1))
def test_series_are_drawn_changed_and_found_again(seed: int) -> None:
    space, rng = load_space({**SMALL, "series": 2}, 2), np.random.default_rng(seed)
    architecture = space.sample(rng, sparse=False)
    for _ in range(5):
        assert space.freeze(space.sample_of(architecture)) == architecture
        assert all(1 <= len(names) <= 2 for names in held(architecture).values())
        architecture = space.mutate(architecture, rng)


def test_the_size_counts_series() -> None:
    space = load_space({**SMALL, "slots": "skip.0", "series": 3}, 2)
    listed = list(space)
    assert space.size() == len(listed) == len(set(listed))
    assert max(len(names) for a in listed for names in held(a).values()) == 3


# -- several hosts ------------------------------------------------------------------------------------------

HOSTS: dict[str, Any] = {
    "hosts": {"unet": {"depth": [2, 3], "width": [4, 8]}, "dual_path": {"depth": 2, "width": 4}},
    "slots": ["skip.*", "cross.*"],
    "mechanisms": {"se": {"reduction": 2}, "eca": {"kernel": 3}},
}


def test_several_hosts_stand_side_by_side() -> None:
    space = load_space(HOSTS, 2)
    assert isinstance(space, Union)
    listed = list(space)
    assert space.size() == len(listed) == len(set(listed))
    assert {architecture.host for architecture in listed} == {"unet", "dual_path"}
    assert space.plain().host == "unet"
    assert "cross.0" in {slot for a in listed for slot in held(a)}, "a pattern that one host alone has is no fault"


def test_changes_cross_from_host_to_host_and_stay_inside() -> None:
    space, rng = load_space(HOSTS, 2), np.random.default_rng(0)
    architecture, seen = space.plain(), set()
    for _ in range(300):
        architecture = space.crossover(space.mutate(architecture, rng), space.sample(rng), rng)
        assert architecture in space
        seen.add(architecture.host)
    assert seen == {"unet", "dual_path"}


def test_conditions_name_the_host() -> None:
    space: SearchSpace = load_space({**HOSTS, "forbid": [{"host": "unet", "skip.*": "any"}]}, 2)
    listed = list(space)
    assert space.size() == len(listed)
    assert all(architecture.is_plain for architecture in listed if architecture.host == "unet")
    assert not all(architecture.is_plain for architecture in listed)


def test_several_hosts_come_back_from_plain_data() -> None:
    space = load_space(HOSTS, 2)
    twin = load_space(yaml.safe_load(yaml.safe_dump(space.to_dict())), 2)
    assert twin.to_dict() == space.to_dict()
    assert set(twin) == set(space)


# -- faults -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        ({"forbid": {"block": "residual"}}, ["forbid is a list of rules"]),
        ({"forbid": [{}]}, ["'forbid' is a mapping of options and slots"]),
        ({"forbid": [{"skip.9": "se"}]}, ["unknown slot of unet: 'skip.9'"]),
        ({"forbid": [{"skip.0": "see"}]}, ["unknown mechanism 'see' (did you mean 'se'?)"]),
        ({"forbid": [{"host": "u"}]}, ["unknown host 'u'"]),
        ({"require": [{"if": {"skip.0": "se"}}]}, ["has the keys 'if' (or not) and 'then'"]),
        ({"require": [{"then": {"skip.0": "se"}}, {"then": {"skip.0": "none"}}]}, ["leave no architecture at all"]),
        ({"series": 0, "tied": 3}, ["series is a whole number from 1", "tied is a pattern"]),
        ({"tied": "skp.*"}, ["unknown slot of unet: 'skp.*'"]),
        ({"fixed": {"bottleneck": {"reduction": 2}}}, ["fixed 'bottleneck' is a mapping with the key 'mechanism'"]),
        ({"fixed": {"bottleneck": "attention_gate"}}, ["takes gated input, slot 'bottleneck' offers feature"]),
        ({"hosts": {"unet": {}}, "host": "unet"}, ["'host' goes with one host"]),
        ({"hosts": ["unet", "unett"]}, ["unknown host 'unett'"]),
        ({"hosts": 3}, ["hosts is a list of names"]),
        ({"spaces": []}, ["spaces is a list of spaces"]),
        ({"spaces": [{"host": "unet"}, {"host": "unet"}]}, ["host 'unet' is there twice"]),
    ],
)
def test_every_fault_of_a_rule_is_told(data: dict[str, Any], expected: list[str]) -> None:
    with pytest.raises(InputError) as caught:
        load_space(data, 2)
    faults = caught.value.faults
    assert len(faults) == len(expected), caught.value
    assert all(text in fault for text, fault in zip(expected, faults, strict=True)), caught.value
