"""What the model of a search makes of its front."""

from __future__ import annotations

import numpy as np

from nas.evidence.bootstrap import mean_interval
from nas.evidence.front import Front, front_of
from nas.evidence.plain_data import front_to_list
from nas.records.trial import Trial
from nas.surrogate import beliefs
from nas.surrogate.beliefs import believed
from search_spaces.architecture.architecture import Architecture
from search_spaces.architecture.cost import Cost
from tests.nas.surrogate.made_up import SPACE, drawn, params_of
from tests.nas.trials import one_class, scored, trial

NOISE = 0.02


def worth(architecture: Architecture) -> float:
    return 0.7 + 0.02 * float(np.log(params_of(architecture) / 1e4))


def search(count: int, seed: int = 0, noise: float = NOISE) -> list[Trial]:
    """Single trainings, whose noise is as large as what networks differ by; their cases hardly differ."""
    rng = np.random.default_rng(seed)
    plain = SPACE.plain()
    networks = [plain, *(one for one in drawn(count, seed, sparse=True) if one != plain)]
    return [
        scored(
            number,
            one_class((worth(one) + rng.normal(0, noise) + rng.normal(0, 0.002, 10)).tolist()),
            architecture=one,
            cost=Cost(params_of(one), 1),
        )
        for number, one in enumerate(networks)
    ]


def front(trials: list[Trial]) -> Front:
    return believed(front_of(trials), trials)


def test_intervals_of_a_search_hold_what_networks_are_worth_though_the_best_of_many_are_lucky():
    held, seen = [], []
    for seed in range(6):
        trials = search(50, seed)
        for point, bare in zip(front(trials).points, front_of(trials).points, strict=True):
            assert point.low is not None
            assert point.high is not None
            held.append(point.low <= worth(point.architecture) <= point.high)
            low, high = mean_interval(bare.scores, 0.0, 9.0) or (0.0, 1.0)
            seen.append(low <= worth(point.architecture) <= high)
    assert np.mean(held) > 0.85
    assert np.mean(seen) < 0.4  # over the cases of one training


def test_a_search_of_a_few_networks_leaves_open_how_noisy_trainings_are():
    """With the likeliest noise alone it is 0.77."""
    held = [
        point.low <= worth(point.architecture) <= point.high
        for seed in range(20)
        for point in front(search(5, seed)).compared
    ]
    assert np.mean(held) > 0.85


def test_a_gain_of_a_search_is_what_the_model_expects_and_not_what_one_lucky_training_showed():
    trials = search(60)
    found, bare = front(trials), front_of(trials)
    last, lucky = found.best(), bare.best()
    assert last.gain is not None
    assert lucky.gain is not None
    true = worth(last.architecture) - worth(SPACE.plain())
    assert abs(last.gain - true) < abs(lucky.gain - true)
    assert last.gain_low <= true <= last.gain_high
    assert found.plain is not None
    assert found.plain.gain is None
    assert found.comparisons == {}


def test_chances_are_those_of_the_model():
    found = front(search(40))
    assert set(found.chances) == {point.architecture for point in found.compared}
    assert sum(found.chances[point.architecture] for point in found.points) / len(found.points) > 0.2
    assert 0 <= found.chance_within(found.best(), 0.01) <= 1


def test_of_networks_that_many_others_dominate_nothing_is_told(monkeypatch):
    monkeypatch.setattr(beliefs, "CONSIDERED", 12)
    found = front(search(60))
    told = [point for point in found.compared if point.low is not None]
    assert set(found.points) <= set(told)
    assert len(told) < 20
    assert {point["low"] is None for point in front_to_list(found)} == {True, False}


def test_a_search_in_which_every_trial_failed_has_an_empty_front():
    trials = [trial(number, None) for number in range(3)]
    assert front(trials).chances == front(trials).doubts == {}


def test_a_search_of_one_trial_has_a_front_all_the_same():
    found = front(search(1)[:1])
    assert found.chances == {SPACE.plain(): 1.0}
    assert front([]).points == ()
