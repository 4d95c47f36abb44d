"""Scores on the way, brought to the end."""

from __future__ import annotations

import numpy as np
import pytest

from nas.records.trial import Trial
from nas.surrogate.fidelity import at_the_end
from tests.nas.trials import trial


def whole(number: int, early: float, late: float, params: int = 10_000) -> Trial:
    return trial(number, late, params, curve=((50, early), (100, late)))


def early(number: int, dice: float, params: int = 10_000) -> Trial:
    return trial(number, dice, params, steps=50, curve=((50, dice),))


def test_what_was_worked_to_the_end_stays_as_it_is():
    trials = [whole(0, 0.4, 0.6), trial(1, None), whole(2, 0.5, 0.65)]
    assert [(score.trial.number, score.dice, score.weight) for score in at_the_end(trials)] == [
        (0, 0.6, 1.0),
        (2, 0.65, 1.0),
    ]


def test_where_nothing_was_worked_to_the_end_the_most_steps_are_the_end():
    assert [(score.dice, score.weight) for score in at_the_end([early(0, 0.4), early(1, 0.5)])] == [(0.4, 1), (0.5, 1)]


def test_larger_networks_gain_more_where_they_have_been_seen_to():
    rng = np.random.default_rng(0)
    sizes = 10 ** np.linspace(4, 6, 40)
    trials = [whole(n, 0.5, 0.5 + 0.1 * (np.log10(p) - 3) + rng.normal(0, 1e-3), int(p)) for n, p in enumerate(sizes)]
    small, large = at_the_end([*trials, early(50, 0.5, 10_000), early(51, 0.5, 1_000_000)])[-2:]
    assert small.dice == pytest.approx(0.6, abs=0.02)
    assert large.dice == pytest.approx(0.8, abs=0.02)


def test_the_more_alike_networks_gain_the_more_a_score_on_the_way_counts():
    steady = [whole(number, 0.5, 0.6) for number in range(30)]
    fickle = [whole(number, 0.5, 0.55 + 0.1 * (number % 2)) for number in range(30)]
    weights = [at_the_end([*trials, early(30, 0.5)])[-1].weight for trials in (steady, fickle, steady[:1])]
    assert weights[0] > weights[2] > weights[1]
