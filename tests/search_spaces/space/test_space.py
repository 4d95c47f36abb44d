"""A space draws, changes, counts and freezes architectures, and nothing outside of it comes out."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from nni.mutable import SampleValidationError

from search_spaces import HOSTS, MECHANISMS, Architecture, InputError, Placement, Space, load_space
from search_spaces.architecture.canonical import canonical
from search_spaces.architecture.placement import Options
from search_spaces.attention.mechanism import Value
from search_spaces.hosts.slot import Slot
from search_spaces.space.samples import series_in


def unet(dims: int = 2, **changes: Any) -> Space:
    options = {"depth": [2, 3], "width": [4, 6], "block": ["plain", "residual"], **changes.pop("options", {})}
    space = load_space({"host": "unet", "options": options, **changes}, dims)
    assert isinstance(space, Space)
    return space


ONE_HOST: dict[str, Value] = {"depth": 2, "width": 4, "block": "plain"}
WIDE = {**ONE_HOST, "width": 16}
SE_AND_ECA = {"se": {"reduction": [2, 4]}, "eca": {"kernel": 3}}
OWN_CHOICES = {
    "skip.0": {"se": {"reduction": [2, 4]}},
    "skip.1": {"se": {"reduction": 8}, "eca": {}},
    "bottleneck": "eca",
}

EACH_KIND = ["se", "cbam", "attention_gate", "reverse", "sk", "scale"]  # of input; all mechanisms would take minutes
SPACES = {
    "2d": unet(2, mechanisms=EACH_KIND),
    "3d": unet(3, mechanisms=EACH_KIND),
    "at most two": unet(mechanisms=EACH_KIND, max_filled=2),
    "choices by slot": unet(slots=OWN_CHOICES),
    "nothing to fill": unet(mechanisms=EACH_KIND, max_filled=0),
    "no slots": unet(mechanisms=[]),
}
# Small enough to be listed in full; skip.2 is there at one of the two depths only.
SLOTS = ["bottleneck", "skip.0", "skip.2"]
FEW = {"depth": [2, 3], "width": 4, "block": "plain"}
SMALL = {
    "no limit": unet(options=FEW, slots=SLOTS, mechanisms=SE_AND_ECA),
    "at most one": unet(options=FEW, slots=SLOTS, mechanisms=SE_AND_ECA, max_filled=1),
    "at most two": unet(options=FEW, slots=SLOTS, mechanisms=SE_AND_ECA, max_filled=2),
    "more than there are": unet(options=FEW, slots=SLOTS, mechanisms=SE_AND_ECA, max_filled=9),
    "choices by slot": unet(options=FEW, slots=OWN_CHOICES),
    "nothing to fill": unet(options=FEW, slots=SLOTS, mechanisms=SE_AND_ECA, max_filled=0),
    "hosts alone": unet(mechanisms=[]),
    "one": unet(options=ONE_HOST, mechanisms=[]),
}
every_space = pytest.mark.parametrize("space", SPACES.values(), ids=SPACES)
every_small_space = pytest.mark.parametrize("space", SMALL.values(), ids=SMALL)
seeds = st.integers(0, 2**32 - 1)


def draw(space: Space, seed: int) -> Architecture:
    rng = np.random.default_rng(seed)
    return space.sample(rng, sparse=bool(rng.integers(2)))


def all_samples(space: Space) -> Iterator[dict[str, Value]]:
    for values in itertools.product(*space.labels.values()):
        yield dict(zip(space.labels, values, strict=True))


def by_architecture(space: Space) -> dict[Architecture, set[Raw]]:
    """Every architecture of a small space, from all samples, with what the samples that stand for it say."""
    unlimited = Space(space.host, space.dims, space.options, space.slots)
    found: dict[Architecture, set[Raw]] = {}
    for sample in all_samples(unlimited):
        architecture = unlimited.freeze(sample)
        if len(architecture.attention) <= space.max_filled:
            contents = tuple((slot, series_in(unlimited, sample, slot)[0]) for slot, _ in architecture.attention)
            found.setdefault(architecture, set()).add((architecture.options, contents))
    return found


def everything(space: Space) -> set[Architecture]:
    return set(by_architecture(space))


def placed(architecture: Architecture) -> dict[str, Placement]:
    """What sits in each filled slot of an architecture with one mechanism a slot."""
    return {slot: placement for slot, (placement,) in architecture.attention}


Raw = tuple[Options, tuple[tuple[str, Placement], ...]]  # options and contents as a sample has them


def changes_between(a: Raw, b: Raw) -> int:
    """Changed options, plus filled, emptied and replaced slots, plus changed hyper-parameters of those that stayed."""
    changes = _differing(a[0], b[0])
    there, here = dict(a[1]), dict(b[1])
    for slot in there.keys() | here.keys():
        one, other = there.get(slot), here.get(slot)
        same_kind = one and other and one.mechanism == other.mechanism
        changes += _differing(one.options, other.options) if same_kind and one and other else 1
    return changes


def _differing(a: Sequence[tuple[str, Value]], b: Sequence[tuple[str, Value]]) -> int:
    return sum(x != y for x, y in zip(a, b, strict=True))


# -- draws --------------------------------------------------------------------------------------------------


@every_space
@given(seed=seeds, sparse=st.booleans())
def test_every_draw_is_in_the_space_and_comes_back_from_its_sample(space: Space, seed: int, sparse: bool) -> None:
    architecture = space.sample(np.random.default_rng(seed), sparse)
    assert architecture in space
    assert space.freeze(space.sample_of(architecture)) == architecture
    assert len(architecture.attention) <= space.max_filled
    assert space.sample(np.random.default_rng(seed), sparse) == architecture


@every_space
def test_the_plain_network_is_in_the_space(space: Space) -> None:
    assert space.plain().is_plain
    assert space.plain() in space


def test_the_plain_network_has_the_default_options_where_they_are_offered() -> None:
    assert dict(unet(options={"depth": [3, 4], "width": [6, 16, 8]}).plain().options)["width"] == 8
    assert dict(unet(options={"depth": [3, 4], "width": [6, 16, 8]}).plain().options)["depth"] == 4
    assert dict(unet(options={"depth": [3, 2]}).plain().options)["depth"] == 3


@every_space
def test_at_least_a_third_of_sparse_draws_are_plain(space: Space) -> None:
    rng = np.random.default_rng(0)
    draws = [space.sample(rng) for _ in range(300)]
    assert sum(architecture.is_plain for architecture in draws) >= 100
    assert space.max_filled == 0 or not all(architecture.is_plain for architecture in draws)


def test_sparse_draws_visit_every_number_of_filled_slots() -> None:
    space, rng = SMALL["no limit"], np.random.default_rng(0)
    assert {len(space.sample(rng).attention) for _ in range(300)} == {0, 1, 2, 3}


def test_draws_that_are_not_sparse_are_uniform_in_every_label() -> None:
    space, rng, count = SMALL["no limit"], np.random.default_rng(0), 3000
    seen: dict[str, list[str]] = {"bottleneck": [], "skip.0": []}
    for _ in range(count):
        filled = placed(space.sample(rng, sparse=False))
        for slot, mechanisms in seen.items():
            mechanisms.append(filled[slot].mechanism if slot in filled else "none")
    for mechanisms in seen.values():
        for name in ("none", "se", "eca"):
            assert mechanisms.count(name) / count == pytest.approx(1 / 3, abs=0.04)  # 4.6 standard deviations


@every_space
def test_draws_with_given_options_are_in_the_space_and_have_them(space: Space) -> None:
    rng = np.random.default_rng(0)
    for plain in space.plain_networks()[:3]:
        drawn = [space.sample_with(plain.options, rng, empty=0.3) for _ in range(20)]
        assert all(architecture in space and architecture.options == plain.options for architecture in drawn)
        assert space.max_filled == 0 or not all(architecture.is_plain for architecture in drawn)


def test_slots_are_empty_with_the_chance_asked_for_and_else_uniform() -> None:
    space, rng, count = SMALL["no limit"], np.random.default_rng(0), 3000
    options = space.plain().options
    filled = [placed(space.sample_with(options, rng, empty=0.4)).get("skip.0") for _ in range(count)]
    held = ["none" if one is None else one.mechanism for one in filled]
    for name, share in (("none", 0.4), ("se", 0.3), ("eca", 0.3)):
        assert held.count(name) / count == pytest.approx(share, abs=0.04)  # 4.5 standard deviations


@every_small_space
@pytest.mark.parametrize("sparse", [True, False])
def test_draws_reach_every_architecture(space: Space, sparse: bool) -> None:
    rng = np.random.default_rng(0)
    missing = everything(space)
    for _ in range(20_000):
        missing.discard(space.sample(rng, sparse))
        if not missing:
            break
    assert not missing


# -- changes ------------------------------------------------------------------------------------------------


@every_space
@given(first=seeds, second=seeds)
def test_mutation_and_crossover_stay_in_the_space(space: Space, first: int, second: int) -> None:
    rng = np.random.default_rng(first ^ second)
    mother, father = draw(space, first), draw(space, second)
    assert space.crossover(mother, father, rng) in space
    for _ in range(5):
        mother = space.mutate(mother, rng)
        assert mother in space


@every_space
@given(seed=seeds)
def test_a_mutation_changes_an_option_or_one_slot_or_moves_what_is_in_one(space: Space, seed: int) -> None:
    before = draw(space, seed)
    after = space.mutate(before, np.random.default_rng(seed))
    options = _differing(before.options, after.options)
    there, here = placed(before), placed(after)
    touched = {slot for slot in there.keys() | here.keys() if there.get(slot) != here.get(slot)}
    if options:
        assert options == 1
        assert here.keys() <= there.keys(), "an option takes slots away at most"
        assert all(here[slot].mechanism == there[slot].mechanism for slot in here)
    elif len(touched) == 2:
        assert len(there) == len(here)
        assert len(there.keys() & touched) == len(here.keys() & touched) == 1
    else:
        assert len(touched) <= 1


def test_what_moves_to_another_slot_keeps_its_hyper_parameters_where_they_are_offered() -> None:
    space = unet(options=WIDE, slots=["skip.0", "skip.1"], mechanisms=SE_AND_ECA)
    assert space.options["width"] == (16,), "wide enough for se to have different forms"
    before = Architecture.create("unet", 2, WIDE, {"skip.0": Placement("se", (("reduction", 4),))})
    after = [space.mutate(before, np.random.default_rng(seed)) for seed in range(200)]
    moved = [placed(a)["skip.1"] for a in after if list(placed(a)) == ["skip.1"]]
    assert moved
    assert set(moved) == {placed(before)["skip.0"]}


@every_small_space
def test_mutations_reach_every_architecture(space: Space) -> None:
    rng, architecture = np.random.default_rng(0), space.plain()
    missing = everything(space)
    for _ in range(20_000):
        missing.discard(architecture)
        if not missing:
            break
        architecture = space.mutate(architecture, rng)
    assert not missing


@every_space
@given(first=seeds, second=seeds)
def test_a_child_has_each_option_and_each_slot_from_a_parent(space: Space, first: int, second: int) -> None:
    parents = draw(space, first), draw(space, second)
    child = space.crossover(*parents, np.random.default_rng(first ^ second))
    for option in child.options:
        assert option in parents[0].options + parents[1].options
    of_parents = [(slot, p.mechanism) for parent in parents for slot, p in placed(parent).items()]
    for slot, placement in placed(child).items():
        assert (slot, placement.mechanism) in of_parents
        if all(parent.options == child.options for parent in parents):  # else narrower layers may make equal more
            assert placement in (placed(parent).get(slot) for parent in parents)


def test_a_child_of_equal_parents_is_their_equal() -> None:
    for seed in range(20):
        parent = draw(SPACES["at most two"], seed)
        assert SPACES["at most two"].crossover(parent, parent, np.random.default_rng(seed)) == parent


@every_small_space
def test_neighbours_are_exactly_the_architectures_one_change_away(space: Space) -> None:
    listed = by_architecture(space)
    for architecture in sorted(listed, key=str)[:: max(1, len(listed) // 25)]:
        neighbours = list(space.neighbours(architecture))
        assert len(neighbours) == len(set(neighbours))
        assert set(neighbours) == {other for other in listed if one_change_away(space, listed, architecture, other)}


def one_change_away(space: Space, listed: dict[Architecture, set[Raw]], a: Architecture, b: Architecture) -> bool:
    if a.options == b.options:
        return a != b and any(changes_between(one, two) == 1 for one in listed[a] for two in listed[b])
    there, here = (dict(space.contents(x).items()) for x in (a, b))
    moved, back = (
        Architecture.create(x.host, x.dims, dict(options), fitting(contents, dict(options)))
        for x, options, contents in ((a, b.options, there), (b, a.options, here))
    )
    return _differing(a.options, b.options) == 1 and (moved, back) == (b, a)


def fitting(contents: Mapping[str, Sequence[Placement]], options: Mapping[str, Value]) -> dict[str, Any]:
    """What of ``contents`` has a slot in a network with these options."""
    slots = {slot.name for slot in HOSTS["unet"].module.slots(dims=2, **options)}
    return {slot: series for slot, series in contents.items() if slot in slots}


@every_space
@settings(max_examples=10)  # a network of the larger spaces has hundreds of neighbours
@given(seed=seeds)
def test_neighbours_are_neighbours_both_ways(space: Space, seed: int) -> None:
    architecture = draw(space, seed)
    neighbours = list(space.neighbours(architecture))
    rng = np.random.default_rng(seed)
    for index in rng.choice(len(neighbours), min(2, len(neighbours)), replace=False):
        neighbour = neighbours[index]
        assert neighbour in space
        assert architecture in list(space.neighbours(neighbour))


# -- counting -----------------------------------------------------------------------------------------------


@every_small_space
def test_the_size_is_the_number_of_architectures_listed_from_every_sample(space: Space) -> None:
    assert space.size() == len(everything(space))


@every_small_space
def test_the_size_is_the_number_of_architectures_reached_from_neighbour_to_neighbour(space: Space) -> None:
    found, frontier = {space.plain()}, [space.plain()]
    while frontier:
        for neighbour in space.neighbours(frontier.pop()):
            if neighbour not in found:
                found.add(neighbour)
                frontier.append(neighbour)
    assert space.size() == len(found)


def test_large_sizes_are_exact() -> None:
    slots, mechanisms = ["encoder.*", "bottleneck"], ["se", "eca"]
    space = unet(options={"depth": 4, "width": [4, 8]}, slots=slots, mechanisms=mechanisms)
    limited = unet(options={"depth": 4, "width": [4, 8]}, slots=slots, mechanisms=mechanisms, max_filled=2)
    expected = [ways_to_fill(width * 2**level) for width in (4, 8) for level in range(5)]
    expected = [expected[:5], expected[5:]]
    assert space.size() == 2 * sum(math.prod(1 + ways for ways in levels) for levels in expected)
    assert limited.size() == 2 * sum(
        1 + sum(levels) + sum(a * b for a, b in itertools.combinations(levels, 2)) for levels in expected
    )


def ways_to_fill(channels: int) -> int:
    """How many different modules ``se`` and ``eca`` make in a slot of so many channels."""
    return len(
        {
            canonical(
                Placement(name, tuple(zip(MECHANISMS[name].choices, values, strict=True))), Slot("", channels, 0), 2
            )
            for name in ("se", "eca")
            for values in itertools.product(*MECHANISMS[name].choices.values())
        }
    )


@every_small_space
def test_a_small_space_lists_each_architecture_once(space: Space) -> None:
    listed = list(space)
    assert len(listed) == len(set(listed))
    assert set(listed) == everything(space)


@every_small_space
def test_the_smallest_plain_network_is_found_with_its_parameters(space: Space) -> None:
    architecture, params = space.smallest(in_channels=2, classes=3)
    counts = {a: sum(p.numel() for p in a.build(2, 3).parameters()) for a in everything(space) if a.is_plain}
    assert architecture in counts
    assert params == counts[architecture] == min(counts.values())


# -- canonical form -----------------------------------------------------------------------------------------


@every_space
@given(seed=seeds)
def test_choices_that_play_no_part_make_no_difference(space: Space, seed: int) -> None:
    architecture, rng = draw(space, seed), np.random.default_rng(seed)
    sample = space.sample_of(architecture)
    active = {f"{slot}/{p.mechanism}/{name}" for slot, p in placed(architecture).items() for name, _ in p.options}
    open_slots = {slot.name for slot in _slots(architecture)}
    for label, values in space.labels.items():
        slot, *rest = label.split("/")
        if rest and (slot not in open_slots or (len(rest) == 2 and label not in active)):
            sample[label] = values[int(rng.integers(len(values)))]
    twin = space.freeze(sample)
    assert twin == architecture
    assert hash(twin) == hash(architecture)
    assert twin.key == architecture.key


def _slots(architecture: Architecture) -> list[Any]:
    return HOSTS[architecture.host].module.slots(dims=architecture.dims, **dict(architecture.options))


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"dims": 3}, "architecture is a 3D unet, the space is 2D unet"),
        ({"options": {**ONE_HOST, "width": 5}}, "'width' = 5 is not in the space; it offers [4, 6]"),
        ({"options": {**ONE_HOST, "depth": 4}}, "'depth' = 4"),
        ({"attention": {"bottleneck": Placement("se", (("reduction", 3),))}}, "'bottleneck/se/reduction' = 3"),
        ({"attention": {"skip.0": Placement("cbam")}}, "'skip.0/mechanism' = 'cbam'"),
        ({"attention": {"encoder.0": Placement("se")}}, "'encoder.0/mechanism' = 'se'"),
        ({"attention": {"skip.0": [Placement("se"), Placement("eca")]}}, "places one mechanism"),
        ({"attention": dict.fromkeys(["skip.0", "skip.1"], Placement("se"))}, "2 slots are filled, the space allows 1"),
    ],
)
def test_what_is_outside_of_the_space_is_refused_with_the_reason(changes: dict[str, Any], expected: str) -> None:
    space = unet(slots=["skip.0", "skip.1", "bottleneck"], mechanisms={"se": {}, "eca": {}}, max_filled=1)
    outside = Architecture.create(**{"host": "unet", "dims": 2, "options": ONE_HOST, **changes})
    assert outside not in space
    with pytest.raises(InputError) as caught:
        space.sample_of(outside)
    assert expected in str(caught.value)


# -- nni ----------------------------------------------------------------------------------------------------


@every_space
def test_labels_are_flat_and_their_values_plain(space: Space) -> None:
    for label, values in space.labels.items():
        slot, *rest = label.split("/")
        if not rest:
            assert slot in space.options
        elif rest[0] == "mechanism":
            assert values == ("none", *space.slots[slot])
        else:
            mechanism, name = rest
            assert values == space.slots[slot][mechanism][name]
        assert {type(value) for value in values} <= {bool, int, float, str}


def test_labels_read_as_in_the_documentation() -> None:
    space = SPACES["2d"]
    assert {"depth", "skip.1/mechanism", "skip.1/se/reduction"} <= space.labels.keys()


@every_space
@given(seed=seeds)
def test_nni_accepts_the_samples_and_gives_them_back(space: Space, seed: int) -> None:
    sample = space.sample_of(draw(space, seed))
    space.mutable.validate(dict(sample))
    assert space.mutable.freeze(dict(sample)) == sample
    assert {type(value) for value in sample.values()} <= {bool, int, float, str}


def test_nni_and_freeze_refuse_what_does_not_fit() -> None:
    space = SPACES["2d"]
    sample = space.sample_of(space.plain())
    for label in ("depth", "skip.0/mechanism", "skip.0/se/reduction"):
        missing = {key: value for key, value in sample.items() if key != label}
        for bad in (missing, {**sample, label: "no such value"}):
            with pytest.raises(SampleValidationError):
                space.mutable.validate(dict(bad))
            with pytest.raises(InputError, match="sample does not fit the space") as caught:
                space.freeze(bad)
            assert "\n" not in str(caught.value)


def test_freeze_refuses_more_filled_slots_than_the_space_allows() -> None:
    space = SPACES["at most two"]
    sample = space.sample_of(space.plain())
    sample.update({f"skip.{level}/mechanism": "se" for level in range(2)})
    assert len(space.freeze(sample).attention) == 2
    with pytest.raises(InputError, match="3 slots are filled, the space allows 2"):
        space.freeze({**sample, "bottleneck/mechanism": "se"})


# -- plain data ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("space", [*SPACES.values(), *SMALL.values()], ids=[*SPACES, *[f"small {n}" for n in SMALL]])
def test_the_space_comes_back_from_its_plain_data(space: Space) -> None:
    text = yaml.safe_dump(space.to_dict(), sort_keys=False)
    assert "&" not in text, "lists are written out, not referred to"
    twin = load_space(yaml.safe_load(text), space.dims)
    assert twin.to_dict() == space.to_dict()
    assert list(twin.labels.items()) == list(space.labels.items())
    assert twin.size() == space.size()
    for seed in range(10):
        assert draw(twin, seed) == draw(space, seed)


def test_choices_left_out_are_those_of_the_registry() -> None:
    space = Space("unet", 2, {"depth": [2]}, {"skip.0": {"se": {}}})
    assert space.options["depth"] == (2,)
    assert space.options["block"] == ("plain",), "an option left out keeps its default"
    assert space.labels["skip.0/se/reduction"] == MECHANISMS["se"].choices["reduction"]
    architecture = draw(space, 0)
    assert space.freeze(space.sample_of(architecture)) == architecture


def test_the_mechanisms_are_those_offered_anywhere() -> None:
    assert SPACES["2d"].mechanisms == sorted(EACH_KIND)
    assert SPACES["choices by slot"].mechanisms == ["eca", "se"]
    assert SPACES["no slots"].mechanisms == []
