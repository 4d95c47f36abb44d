"""Picks by limits, by a Dice to be reached, by key."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nas.evidence.front import Front, front_of
from nas.evidence.picks import Limits, chance_of_reaching, lightest_reaching, with_key
from nas.records.inference_cost import InferenceCost
from search_spaces.errors import InputError
from tests.nas.trials import trial

outcomes = st.lists(st.tuples(st.integers(1, 8), st.integers(0, 8)), min_size=1, max_size=12)


def made(values: list[tuple[int, float]]) -> Front:
    """A front of one trial for each pair (parameters in thousands, Dice)."""
    return front_of([trial(number, dice, 1000 * params) for number, (params, dice) in enumerate(values)])


def costs(front: Front, times: list[float]) -> dict[str, InferenceCost]:
    """Milliseconds of each network, by rising parameters."""
    every = sorted(front.compared, key=lambda point: point.cost.params)
    return {
        point.architecture.key: InferenceCost((32, 32), (), "a processor", 1, time, None)
        for point, time in zip(every, times, strict=True)
    }


@settings(deadline=None)
@given(outcomes, st.integers(1, 9))
def test_the_best_within_a_limit_is_the_best_on_the_front_within_the_budget(values, limit):
    front = made([(params, dice / 8) for params, dice in values])
    if limit < min(params for params, _ in values):
        with pytest.raises(InputError, match="no network within"):
            Limits(params=1000 * limit).front(front, {})
        return
    within = Limits(params=1000 * limit).front(front, {})
    assert within.best().architecture == front.within_budget(1000 * limit).architecture
    assert all(point.cost.params <= 1000 * limit for point in within.compared)


def test_what_a_slow_network_dominates_is_picked_where_time_is_short():
    front = made([(1, 0.6), (2, 0.8), (3, 0.7)])
    quick = Limits(latency=10).front(front, costs(front, [5, 20, 10]))
    assert [point.dice for point in quick.points] == [0.6, 0.7]
    assert all(point.on_front for point in quick.points)
    assert [point.dice for point in front.points] == [0.6, 0.8]


def test_without_limits_a_front_is_itself():
    front = made([(1, 0.6), (2, 0.8)])
    assert Limits().front(front, {}) is front
    assert not Limits()


def test_limits_that_none_keeps_to_tell_the_least_there_is():
    front = made([(1, 0.6), (2, 0.8)])
    wanted = "no network within 999 parameters and 4 ms; the least there is: 1000 parameters and 5.0 ms"
    with pytest.raises(InputError, match=wanted):
        Limits(params=999, latency=4).front(front, costs(front, [5.0, 6.0]))
    with pytest.raises(InputError, match="latency: no prediction of this run was measured"):
        Limits(latency=4).front(front, {})
    with pytest.raises(InputError, match="no completed trial"):
        Limits(params=1).front(front_of([]), {})


def test_the_lightest_that_reaches_a_dice_is_as_likely_to_as_not():
    front = made([(1, 0.6), (2, 0.8), (3, 0.79), (4, 0.9)])
    point = lightest_reaching(front, 0.75)
    assert point.dice == 0.8
    assert 0.5 <= chance_of_reaching(front, point, 0.75) <= 1
    assert lightest_reaching(front, 0).cost.params == 1000
    with pytest.raises(
        InputError, match=r"no network is predicted to reach a Dice of 0.99; the likeliest, 4.00k param"
    ):
        lightest_reaching(front, 0.99)


@pytest.mark.parametrize("dice", [-0.1, 1.1, float("nan")])
def test_a_dice_outside_its_range_is_refused(dice):
    with pytest.raises(InputError, match="at least: expected a Dice from 0 to 1"):
        lightest_reaching(made([(1, 0.5)]), dice)


def test_any_network_is_found_by_the_beginning_of_its_key():
    front = made([(1, 0.8), (2, 0.6)])
    (dominated,) = front.dominated
    assert with_key(front, dominated.architecture.key[:10]) is dominated
    with pytest.raises(InputError, match="it fits none"):
        with_key(front, "nothing")
    with pytest.raises(InputError, match="it fits none"):
        with_key(front, "")
