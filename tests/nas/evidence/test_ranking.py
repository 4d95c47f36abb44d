"""Kendall's tau and its interval: as scipy has it, and as resampling by hand gives it."""

import numpy as np
import pytest
from scipy.stats import kendalltau

from nas.evidence import ranking
from nas.evidence.bootstrap import resamples
from nas.evidence.ranking import ceiling, kendall, kendall_interval


def scores(count: int, seed: int, ties: bool = False) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    first = rng.normal(size=count)
    second = first + rng.normal(size=count)
    return (first.round(), second.round()) if ties else (first, second)


@pytest.mark.parametrize("ties", [False, True])
def test_tau_is_that_of_scipy(ties: bool):
    for seed in range(5):
        first, second = scores(17, seed, ties)
        assert kendall(first, second) == pytest.approx(kendalltau(first, second).statistic)


def test_the_same_order_is_one_and_the_reverse_minus_one():
    assert kendall([1, 2, 3], [10, 20, 30]) == 1
    assert kendall([1, 2, 3], [3, 2, 1]) == -1


def test_what_orders_nothing_has_no_tau():
    assert kendall([1, 1, 1], [1, 2, 3]) is None
    assert kendall_interval([1, 1, 1], [1, 2, 3]) is None


def test_two_networks_have_no_interval():
    assert kendall_interval([1, 2], [1, 2]) is None


def test_the_interval_is_that_of_resampled_networks(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(ranking, "resamples", lambda count, seed: resamples(count, seed)[:100])
    first, second = scores(12, 0)
    drawn = [np.repeat(np.arange(12), times.astype(int)) for times in resamples(12, 2)[:100]]
    taus = [kendalltau(first[places], second[places]).statistic for places in drawn]
    assert kendall_interval(first, second) == pytest.approx(tuple(np.nanquantile(taus, [0.025, 0.975])))


def test_the_ceiling_is_one_for_seeds_that_agree_and_near_zero_for_noise():
    rng = np.random.default_rng(0)
    worth = rng.normal(size=(40, 1))
    assert ceiling(np.repeat(worth, 3, axis=1)) == 1
    assert abs(ceiling(rng.normal(size=(40, 3)))) < 0.2
    assert 0.2 < ceiling(worth + rng.normal(size=(40, 3))) < 0.8


def test_a_single_seed_has_no_ceiling():
    assert ceiling(np.zeros((5, 1))) is None
