"""Which trials go on at a rung."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nas.engine.halving import Halving
from nas.records.trial import Trial
from tests.nas.trials import trial


def at(number: int, params: int, dice: float, steps: int = 10) -> Trial:
    return trial(number, dice, params, steps=steps, curve=((steps, dice),))


def halving(trials: list[Trial], reduction: float = 3.0) -> Halving:
    made = Halving((10, 20), reduction)
    for one in trials:
        made.saw(one)
    return made


def who_goes_on(trials: list[Trial], reduction: float = 3.0) -> list[int]:
    made = halving(trials, reduction)
    return [one.number for one in trials if made.goes_on(one)]


def test_a_third_goes_on_and_of_networks_alike_the_best():
    assert who_goes_on([at(number, 1000, 0.5 + number / 100) for number in range(9)]) == [6, 7, 8]


def test_a_light_network_is_judged_among_light_ones():
    trials = [
        at(0, 1000, 0.50),
        at(1, 1001, 0.40),
        at(2, 9000, 0.60),
        at(3, 9001, 0.58),
        at(4, 9002, 0.57),
        at(5, 9003, 0.55),
    ]
    assert who_goes_on(trials) == [0, 2]


def test_with_a_reduction_of_one_all_go_on():
    assert who_goes_on([at(number, 1000, 0.5) for number in range(4)], 1.0) == [0, 1, 2, 3]


def test_who_is_exempt_goes_on_and_takes_nobodys_place():
    made = Halving((10,), 3.0, lambda one: one.number == 0)
    trials = [at(0, 1000, 0.1), *(at(number, 1000, 0.5 + number / 100) for number in range(1, 4))]
    for one in trials:
        made.saw(one)
    assert [one.number for one in trials if made.goes_on(one)] == [0, 3]
    assert not made.is_hopeless(trials[0])


def test_a_trial_goes_on_later_when_others_have_come_in_worse():
    first = [at(0, 1000, 0.50), at(1, 1000, 0.52)]
    made = halving(first, 2.0)
    assert made.next([first[0]]) is None
    for one in (at(2, 1000, 0.3), at(3, 1000, 0.2)):
        made.saw(one)
    assert made.next([first[0]]) == first[0]


def test_the_highest_rung_comes_first():
    low = [at(number, 1000, 0.5) for number in range(3)]
    high = [at(number, 1000, 0.5, steps=20) for number in range(3, 6)]
    assert halving([*low, *high]).next([*low, *high]) == high[0]


@pytest.mark.parametrize(("dice", "hopeless"), [(0.50, False), (0.47, False), (0.42, True)])
def test_only_what_noise_does_not_explain_is_hopeless(dice: float, hopeless: bool):
    late = at(1, 2000, dice)
    assert halving([at(0, 1000, 0.5), late]).is_hopeless(late) == hopeless
    assert not halving([at(0, 3000, 0.9), late]).is_hopeless(late)  # a heavier one says nothing


@given(
    st.lists(st.tuples(st.integers(1000, 1010), st.floats(0, 1)), min_size=1, max_size=30), st.sampled_from([2.0, 3.0])
)
def test_never_more_than_the_share_and_never_one_that_another_beats_in_both(found, reduction):
    trials = [at(number, params, dice) for number, (params, dice) in enumerate(found)]
    chosen = who_goes_on(trials, reduction)
    assert len(chosen) == int(len(trials) / reduction)
    scores = {one.number: (one.cost.params, one.dice or 0.0) for one in trials}
    for params, dice in (scores[one] for one in chosen):
        beaten = any(size <= params and score > dice for size, score in scores.values())
        left_on_front = [
            one
            for one, (size, score) in scores.items()
            if one not in chosen and score > max((s for p, s in scores.values() if (p, -s) < (size, -score)), default=0)
        ]
        assert not (beaten and left_on_front)
