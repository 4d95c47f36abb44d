"""How probable it is that a network is on the front."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nas.evidence.chances import SURE, chance_within, chances_of_front, doubts
from nas.evidence.front import Front, front_of, nondomination_ranks
from search_spaces.architecture.cost import Cost
from tests.nas.trials import architecture, one_class, scored

CASES = 12


def finals(
    worth: list[float], seeds: int = 3, noise: float = 0.01, seed: int = 0, params: list[int] | None = None
) -> Front:
    """The front of networks that are worth so much on the same cases, by default each larger than the one before."""
    rng = np.random.default_rng(seed)
    cases = rng.normal(0, 0.1, CASES)
    sizes = params or [1000 * (place + 1) for place in range(len(worth))]
    trials = []
    for place, value in enumerate(worth):
        for number in range(seeds):
            scores = np.clip(value + cases - cases.mean() + rng.normal(0, noise), 0, 1)
            changes = {"architecture": architecture(place), "seed": number, "cost": Cost(sizes[place], 1)}
            trials.append(scored(len(trials), one_class(scores.tolist()), phase="final", **changes))
    return front_of(trials)


@settings(deadline=None)
@given(
    st.lists(st.integers(1, 4), min_size=1, max_size=6).flatmap(
        lambda params: st.tuples(
            st.just(params),
            st.lists(st.lists(st.integers(0, 5), min_size=len(params), max_size=len(params)), min_size=1, max_size=8),
        )
    )
)
def test_a_chance_is_the_share_of_draws_in_which_the_network_is_on_the_front(made):
    params, drawn = made
    expected = np.mean([[rank == 0 for rank in nondomination_ranks(params, scores)] for scores in drawn], axis=0)
    assert chances_of_front(params, np.array(drawn, float)) == pytest.approx(expected)


def test_networks_that_are_alike_share_the_chance_and_clear_ones_have_it_all():
    front = finals([0.6, 0.7, 0.7, 0.75], seeds=6)
    first, second, third, last = (front.chances[architecture(place)] for place in range(4))
    assert first == pytest.approx(1)  # nothing is lighter
    assert second > 0.99
    assert 0.02 < third < 0.98
    assert last > 0.99


def test_two_seeds_that_agree_to_the_last_digit_do_not_make_a_small_difference_sure():
    front = finals([0.700, 0.702], seeds=2, noise=0)
    assert 0.5 < front.chances[architecture(1)] < 0.95
    assert finals([0.70, 0.80], seeds=2, noise=0).chances[architecture(1)] > 0.95


def test_one_training_each_is_held_to_be_as_noisy_as_trainings_are():
    assert 0.5 < finals([0.70, 0.71], seeds=1).chances[architecture(1)] < 0.98


def test_a_chance_of_nine_in_ten_comes_true_about_as_often():
    rng = np.random.default_rng(0)
    told = []
    for seed in range(40):
        worth = (0.7 + 0.01 * np.arange(5) + rng.normal(0, 0.015, 5)).tolist()
        front = finals(worth, seeds=2, seed=seed)
        true = [rank == 0 for rank in nondomination_ranks(list(range(5)), worth)]
        told += [(front.chances[architecture(place)], true[place]) for place in range(1, 5)]
    sure = [came for chance, came in told if chance > 0.8]
    doubtful = [came for chance, came in told if 0.2 <= chance <= 0.8]
    hopeless = [came for chance, came in told if chance < 0.2]
    assert min(len(sure), len(doubtful), len(hopeless)) > 15
    assert np.mean(sure) > 0.85
    assert 0.25 < np.mean(doubtful) < 0.75
    assert np.mean(hopeless) < 0.15


def test_chances_are_the_same_every_time():
    assert finals([0.7, 0.71, 0.705]).chances == finals([0.7, 0.71, 0.705]).chances


def test_the_chance_to_be_about_as_good_as_the_best_rises_with_what_that_means():
    front = finals([0.70, 0.712, 0.72])
    point = front.points[0]
    chances = [front.chance_within(point, delta) for delta in (0, 0.01, 0.02, 0.05, 1)]
    assert chances == sorted(chances)
    assert chances[0] < 0.2
    assert chances[-1] == 1
    assert chance_within(1, 0.1, np.array([[0.5, 0.45], [0.5, 0.3]])) == 0.5


def test_the_chance_that_the_lightest_is_near_the_best_comes_true_about_as_often_and_the_best_is_no_better_than_told():
    rng = np.random.default_rng(1)
    told, true, held = [], [], []
    for seed in range(50):
        worth = 0.7 + rng.normal(0, 0.015, 6)
        front = finals(worth.tolist(), seed=seed)
        of = dict(zip(map(architecture, range(6)), worth.tolist(), strict=True))
        light, best = front.within_tolerance(0.01), front.best()
        told.append(front.chance_within(light, 0.01))
        true.append(of[light.architecture] >= worth.max() - 0.01)
        held.append(best.low <= of[best.architecture] <= best.high)
    assert np.mean(told) == pytest.approx(np.mean(true), abs=0.15)
    assert np.mean(held) > 0.9  # though it is picked for its score


def test_doubt_falls_on_the_networks_that_are_close_and_on_none_that_is_surely_off():
    draws = np.random.default_rng(0).normal((0.6, 0.8, 0.8, 0.3), 0.01, (4000, 4))
    found = doubts([1, 2, 3, 4], draws)
    assert found[3] == 0
    assert found[1] == pytest.approx(found[2], rel=0.1)  # though the lighter of the two is surely on the front
    assert found[1] > 0.2
    assert found[0] == pytest.approx(SURE * (1 - SURE))
