from __future__ import annotations

import pytest

from nas.surrogate.observations import observed
from tests.nas.trials import architecture, trial


def test_trials_of_one_architecture_are_one_observation():
    seen = observed([trial(0, 0.5), trial(1, 0.7, architecture=architecture(0), seed=1), trial(2, 0.6, params=9)])
    assert seen.architectures == (architecture(0), architecture(2))
    assert seen.scores.tolist() == [pytest.approx(0.6), 0.6]
    assert seen.trials.tolist() == [2, 1]
    assert seen.params.tolist() == [1000, 9]


def test_failed_trials_are_left_out():
    seen = observed([trial(0, 0.5), trial(1, None)])
    assert seen.architectures == (architecture(0),)
    assert seen.scores.tolist() == [0.5]


def test_a_trial_that_was_scored_on_the_way_counts_for_less_and_as_what_it_would_have_come_to():
    whole = [trial(number, 0.6, curve=((50, 0.5), (100, 0.6))) for number in range(4)]
    seen = observed([*whole, trial(4, 0.52, steps=50, curve=((50, 0.52),))])
    assert seen.scores.tolist() == pytest.approx([0.6, 0.6, 0.6, 0.6, 0.62])
    assert seen.trials[:4].tolist() == [1, 1, 1, 1]
    assert 0.2 < seen.trials[4] < 0.6


def test_what_failed_counts_as_the_worst_that_was_seen_unless_it_has_a_score():
    seen = observed([trial(0, 0.5), trial(1, 0.7)]).with_failed(
        [trial(2, None), trial(3, None, architecture=architecture(1))]
    )
    assert seen.architectures == (architecture(0), architecture(1), architecture(2))
    assert seen.scores.tolist() == [0.5, 0.7, 0.5]


def test_a_network_that_hardly_trained_counts_as_bad_and_no_more():
    scores = [0.80, 0.81, 0.79, 0.80, 0.82]
    seen = observed([trial(number, dice) for number, dice in enumerate([*scores, 0.02])])
    assert seen.scores[:5].tolist() == scores
    assert 0.6 < seen.scores[5] < 0.79
