from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from nas.evidence.hypervolume import Box
from nas.records.trial import Trial
from nas.surrogate.recommendation import expected_front, finalists
from search_spaces.architecture.architecture import Architecture
from tests.nas.surrogate.made_up import SPACE, drawn, params_of, trials_of
from tests.nas.trials import trial

BOX = Box(5_000, 500_000)


def worth(architecture: Architecture) -> float:
    """Grows with parameters; attention changes nothing."""
    return 0.7 + 0.03 * float(np.log(params_of(architecture) / 1e4))


def noisy_trials(count: int, noise: float = 0.01, seed: int = 0) -> list[Trial]:
    architectures = drawn(count, seed, sparse=True)
    rng = np.random.default_rng(seed)
    return trials_of(architectures, [worth(one) + rng.normal(0, noise) for one in architectures])


def test_a_single_lucky_score_does_not_make_a_front():
    trials = noisy_trials(80)
    middle = sorted(trials, key=lambda one: one.cost.params)[40]
    lucky = [
        *(one for one in trials if one is not middle),
        trial(999, 0.99, middle.cost.params, architecture=middle.architecture),
    ]
    front = expected_front(lucky)
    assert sum(params_of(one) > middle.cost.params for one in front) > 2
    assert [params_of(one) for one in front] == sorted(params_of(one) for one in front)


def test_finalists_are_the_plain_network_the_best_and_others_over_the_range():
    trials = noisy_trials(60)
    plain = min(trials, key=lambda one: one.cost.params).architecture
    chosen = finalists(trials, BOX, 5, plain, seed=0)
    assert chosen[0] == plain
    assert params_of(chosen[1]) > 0.5 * max(one.cost.params for one in trials)
    places = sorted(BOX.place(params_of(one)) for one in chosen)
    widths = np.diff([*places, BOX.place(max(one.cost.params for one in trials))])
    assert max(widths) < 0.5 * (places[-1] - places[0])


def test_finalists_hold_the_best_within_each_size_that_is_asked_for():
    trials = noisy_trials(60)
    sizes = sorted(one.cost.params for one in trials)[15:50:15]
    chosen = finalists(trials, BOX, 5, SPACE.plain(), 0, sizes=[*sizes, 1])
    front = expected_front(trials)
    for size in sizes:
        assert max((one for one in front if params_of(one) <= size), key=params_of) in chosen
    assert len(chosen) <= 5


@settings(max_examples=10)
@given(most=st.integers(1, 9), count=st.integers(1, 12), seed=st.integers(0, 3))
def test_finalists_are_at_most_as_many_as_asked_each_once_and_all_tried(most, count, seed):
    trials = noisy_trials(count, seed=seed)
    chosen = finalists(trials, BOX, most, SPACE.plain(), seed)
    assert chosen[0] == SPACE.plain()
    assert 1 <= len(chosen) == len(set(chosen)) <= most
    assert set(chosen[1:]) <= {one.architecture for one in trials}


def test_a_plain_network_that_failed_is_a_finalist_all_the_same():
    trials = [trial(0, None, architecture=SPACE.plain()), *noisy_trials(5)]
    assert finalists(trials, BOX, 2, SPACE.plain(), 0)[0] == SPACE.plain()
    assert finalists(trials[:1], BOX, 2, SPACE.plain(), 0) == [SPACE.plain()]
    assert finalists([], BOX, 2, None, 0) == []


def test_without_noise_the_expected_front_is_the_front():
    trials = noisy_trials(40, noise=1e-6)
    best, expected = -1.0, set()
    for one in sorted(trials, key=lambda one: (one.cost.params, -(one.dice or 0))):
        if (one.dice or 0) > best + 1e-4:
            best = one.dice or 0
            expected.add(one.architecture)
    assert len(expected.intersection(expected_front(trials))) > 0.7 * len(expected)
