"""The signed-rank test gives scipy's p values."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import wilcoxon

from nas.evidence.signed_ranks import EXACT, EXACT_TIED, signed_rank_p

APART = (6, 30, EXACT, EXACT + 1, 200)
TIED = (7, EXACT_TIED + 1, 60)  # scipy takes seconds for a few more than 7


@pytest.mark.parametrize("gain", [-0.6, 0.0, 0.3, 3.0])
@pytest.mark.parametrize(("count", "digits"), [*((count, 12) for count in APART), *((count, 0) for count in TIED)])
def test_p_values_are_those_of_scipy(count: int, digits: int, gain: float) -> None:
    for seed in range(3):
        assert_as_scipy(np.random.default_rng((seed, count)).normal(gain, 1.3, count).round(digits))


def test_ties_are_counted_out_as_far_as_scipy_does() -> None:
    assert_as_scipy(np.array([*range(-4, EXACT_TIED - 5), 1.0]))


def assert_as_scipy(differences: np.ndarray) -> None:
    assert differences.any()
    expected = wilcoxon(differences, zero_method="zsplit").pvalue
    assert signed_rank_p(differences) == pytest.approx(expected, rel=1e-9, abs=1e-15)


def test_six_gains_of_six_by_hand() -> None:
    assert signed_rank_p(np.array([0.3, 0.1, 0.2, 0.6, 0.5, 0.4])) == 2 / 2**6
    assert signed_rank_p(np.array([0.3, -0.1, 0.2, 0.6, 0.5, 0.4])) == 4 / 2**6
    assert signed_rank_p(np.array([1.0, 1.0, 1.0, -1.0])) == 10 / 2**4
