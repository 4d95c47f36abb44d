import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evaluators.tasks.split import check_fractions, check_groups, complete_split
from evaluators.tasks.task import SPLITS, Case
from search_spaces.errors import InputError

FRACTIONS = {"val": 0.2, "test": 0.2}
fractions = st.fixed_dictionaries({"val": st.floats(0.01, 0.45), "test": st.floats(0.01, 0.45)})
groups = st.lists(st.sampled_from(["", "a", "b", "c", "d", "e", "f"]), min_size=10, max_size=60)


def make_cases(groups):
    return [Case(f"case{number}", "train", group=group) for number, group in enumerate(groups)]


def parts_of(cases):
    return {case.name: case.split for case in cases}


def count(cases, part):
    return sum(case.split == part for case in cases)


@given(groups, fractions, st.integers(0, 99))
def test_a_group_never_crosses_the_split_and_no_part_is_empty(groups, fractions, seed):
    if len({group or number for number, group in enumerate(groups)}) < 3:
        groups = ["", "", "", *groups]
    cases = complete_split(make_cases(groups), fractions, seed)
    check_groups(cases)
    assert [case.name for case in cases] == [f"case{number}" for number in range(len(groups))]
    assert all(count(cases, part) for part in SPLITS)


@given(st.integers(3, 200), fractions, st.integers(0, 99))
def test_fractions_are_exact_where_cases_stand_alone(number, fractions, seed):
    cases = complete_split(make_cases([""] * number), fractions, seed)
    for part, fraction in fractions.items():
        wanted = max(1, round(fraction * number))
        assert count(cases, part) == wanted or (count(cases, "train") == 1 and count(cases, part) < wanted)


@given(st.lists(st.integers(1, 6), min_size=12, max_size=40), st.integers(0, 99))
def test_fractions_are_met_within_the_largest_group(sizes, seed):
    named = [f"g{number}" for number, size in enumerate(sizes) for _ in range(size)]
    cases = complete_split(make_cases(named), FRACTIONS, seed)
    for part, fraction in FRACTIONS.items():
        assert abs(count(cases, part) - fraction * len(cases)) <= max(sizes)


@given(groups, st.integers(0, 9), st.randoms(use_true_random=False))
def test_a_made_split_does_not_depend_on_the_order_of_the_cases(groups, seed, shuffler: random.Random):
    cases = make_cases(["", "", "", *groups])
    shuffled = cases.copy()
    shuffler.shuffle(shuffled)
    assert parts_of(complete_split(cases, FRACTIONS, seed)) == parts_of(complete_split(shuffled, FRACTIONS, seed))


def test_a_made_split_does_not_depend_on_which_case_of_a_group_shows_a_class_first():
    shows = {
        **{"c1": "ad", "c6": "", "c19": "abd"},
        **{"g0/c5": "ad", "g0/c14": "ac", "g1/c9": "ace", "g1/c18": "d"},
    }
    cases = [Case(name, "train", group=name.partition("/")[0] if "/" in name else "") for name in shows]
    cases.append(Case("given", "val"))
    first, second = (
        parts_of(complete_split(order, {"val": 0.2, "test": 0.45}, 234, shows)) for order in (cases, cases[::-1])
    )
    assert first == second


def test_another_seed_makes_another_split():
    cases = make_cases([""] * 40)
    assert parts_of(complete_split(cases, FRACTIONS, 0)) != parts_of(complete_split(cases, FRACTIONS, 1))


def test_a_made_split_is_the_same_on_every_machine():
    cases = complete_split(make_cases([""] * 10), FRACTIONS, 0)
    assert [case.name for case in cases if case.split == "test"] == ["case4", "case7"]


@pytest.mark.parametrize("missing", ["val", "test"])
def test_a_missing_part_comes_from_the_training_cases_alone(missing):
    given_part = "test" if missing == "val" else "val"
    given_cases = [Case(f"given{number}", given_part) for number in range(7)]
    cases = complete_split([*make_cases([""] * 10), *given_cases], FRACTIONS, 0)
    assert [case for case in cases if case.name.startswith("given")] == given_cases
    assert (count(cases, "train"), count(cases, missing), count(cases, given_part)) == (8, 2, 7)


def test_a_complete_split_is_kept():
    cases = [Case("a", "train"), Case("b", "val"), Case("c", "test")]
    assert complete_split(cases, FRACTIONS, 0) == cases


def test_a_group_named_like_a_case_is_another_thing():
    cases = [Case("x", "train"), *(Case(f"y{number}", "train", group="x") for number in range(2)), Case("z", "train")]
    assert len({case.split for case in complete_split(cases, FRACTIONS, 0) if case.group}) == 1


def test_too_few_groups_name_the_parts_that_would_be_empty():
    with pytest.raises(InputError, match=r"val and test would be empty.*at least 3 .*got 2"):
        complete_split(make_cases(["a", "a", "b"]), FRACTIONS, 0)
    with pytest.raises(InputError, match=r"val would be empty.*at least 2 .*got 1"):
        complete_split([Case("a", "train"), Case("b", "test")], FRACTIONS, 0)


def test_no_training_case_is_an_error():
    with pytest.raises(InputError, match="train is empty"):
        complete_split([Case("a", "val"), Case("b", "test")], FRACTIONS, 0)


def test_a_crossing_group_is_named_with_its_parts():
    cases = [Case("a", "train", group="p1"), Case("b", "test", group="p1"), Case("c", "val", group="p2")]
    with pytest.raises(InputError, match=r"^group 'p1' is in train and test; .* hint$"):
        check_groups(cases, " hint")


def test_cases_without_a_group_may_be_anywhere():
    check_groups([Case("a", "train"), Case("b", "test")])


def test_fractions_not_given_are_a_fifth():
    assert check_fractions(None) == FRACTIONS
    assert check_fractions({"val": 0.1}) == {"val": 0.1, "test": 0.2}


@pytest.mark.parametrize(
    ("given_fractions", "message"),
    [
        ({"valid": 0.1}, "unknown part of split 'valid' .did you mean 'val'"),
        ({"val": 0}, r"split\.val: expected a fraction between 0 and 1, got 0"),
        ({"val": 1.5}, r"split\.val: .*1\.5"),
        ({"test": "0.1"}, r"split\.test: .*'0\.1'"),
        ({"test": True}, r"split\.test: .*True"),
        ({"val": 0.5, "test": 0.5}, "leave nothing for training"),
    ],
)
def test_fractions_that_make_no_split_are_refused(given_fractions, message):
    with pytest.raises(InputError, match=message):
        check_fractions(given_fractions)
