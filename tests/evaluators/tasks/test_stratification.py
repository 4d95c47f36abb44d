"""Made splits show what is rare in every part that can have it."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evaluators.tasks.split import check_groups, complete_split
from evaluators.tasks.task import SPLITS, Case

FRACTIONS = {"val": 0.2, "test": 0.2}
CLASSES = ["organ", "lesion", "cyst"]
showing = st.lists(st.frozensets(st.sampled_from(CLASSES)), min_size=3, max_size=60)


def split_of(shown, seed=0, groups=None, fractions=FRACTIONS):
    cases = [Case(name, "train", group=(groups or {}).get(name, "")) for name in shown]
    return {case.name: case.split for case in complete_split(cases, fractions, seed, shown)}


def named(shown):
    return {f"case{number}": classes for number, classes in enumerate(shown)}


def parts_with(shown, split, name):
    return [sum(split[case] == part and name in classes for case, classes in shown.items()) for part in SPLITS]


@pytest.mark.parametrize("seed", range(10))
@pytest.mark.parametrize(("positive", "parts"), [(1, [1, 0, 0]), (2, [1, 1, 0]), (3, [1, 1, 1]), (5, [3, 1, 1])])
def test_few_positive_cases_go_to_training_then_validation_then_test(positive, parts, seed):
    shown = {f"case{n}": ["lesion"] if n < positive else [] for n in range(20)}
    assert parts_with(shown, split_of(shown, seed), "lesion") == parts


@pytest.mark.parametrize("seed", range(10))
def test_a_class_is_shown_in_about_its_share(seed):
    shown = {f"case{n}": ["organ"] + ["lesion"] * (n < 40) + ["cyst"] * (n % 10 == 0) for n in range(100)}
    split = split_of(shown, seed)
    for name, count in (("lesion", 40), ("cyst", 10)):
        for part, cases in zip(SPLITS, parts_with(shown, split, name), strict=True):
            assert abs(cases - count * {"train": 0.6}.get(part, 0.2)) <= 1


@given(showing, st.integers(0, 99))
def test_every_part_that_can_shows_every_class(shown, seed):
    """Alone, the rarest class of all is in as many parts as it has cases."""
    shown = named(shown)
    split = split_of(shown, seed)
    counts = {name: sum(name in classes for classes in shown.values()) for name in CLASSES}
    rarest = min((n for n in CLASSES if counts[n]), key=lambda n: counts[n], default=None)
    if rarest and counts[rarest] < len(shown):
        assert sum(map(bool, parts_with(shown, split, rarest))) == min(3, counts[rarest])


@given(showing, st.integers(0, 99), st.floats(0.05, 0.45), st.floats(0.05, 0.45))
def test_the_sizes_are_those_of_a_split_that_looks_at_nothing(shown, seed, val, test):
    shown = named(shown)
    fractions = {"val": val, "test": test}
    sizes = [sorted(split_of(s, seed, fractions=fractions).values()) for s in (shown, dict.fromkeys(shown, ()))]
    assert sizes[0] == sizes[1]


@given(showing, st.integers(0, 9), st.randoms(use_true_random=False))
def test_neither_the_order_of_the_cases_nor_that_of_the_classes_matters(shown, seed, shuffler: random.Random):
    shown = named(shown)
    names = list(shown)
    shuffler.shuffle(names)
    renamed = dict(zip(CLASSES, reversed(CLASSES), strict=True))
    other = {name: [renamed[c] for c in sorted(shown[name])] for name in names}
    assert split_of(shown, seed) == split_of(other, seed)


@given(showing, st.lists(st.integers(0, 12), min_size=60, max_size=60), st.integers(0, 9))
def test_groups_stay_whole_and_no_part_is_empty(shown, numbers, seed):
    shown = named(shown)
    groups = {name: f"g{number}" for name, number in zip(shown, numbers, strict=False)}
    groups |= dict(zip(list(shown)[:3], ["a", "b", "c"], strict=True))
    split = split_of(shown, seed, groups)
    check_groups([Case(name, part, group=groups[name]) for name, part in split.items()])
    assert set(split.values()) == set(SPLITS)


def test_a_small_part_gets_the_cases_that_show_most():
    """Two validation cases can show four classes only if each shows two."""
    pairs = [["a", "b"], ["c", "d"], ["a"], ["b"], ["c"], ["d"], ["a", "b"], ["c", "d"], ["a", "b"], ["c", "d"]]
    shown = named(pairs)
    split = split_of(shown)
    for part in ("val", "test"):
        assert {name for case, classes in shown.items() if split[case] == part for name in classes} == set("abcd")


def test_thousands_of_cases_are_dealt_in_no_time():
    shown = {f"case{n}": [name for k, name in enumerate(CLASSES) if n % (k + 2)] for n in range(5000)}
    split = split_of(shown)
    assert parts_with(shown, split, "organ")[1] == pytest.approx(500, abs=2)
