"""The signed-rank test, and Student's quantile."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import stdtrit
from scipy.stats import wilcoxon

from nas.evidence.bootstrap import student_quantile
from nas.evidence.signed_ranks import signed_rank

signed = st.lists(st.integers(-3, 3), min_size=1, max_size=9)


@given(signed)
def test_the_signed_rank_test_is_what_all_choices_of_signs_give_with_ties_and_zeros(values):
    sizes = [abs(value) for value in values]
    ranks = [sum(other < size for other in sizes) + (sizes.count(size) + 1) / 2 for size in sizes]

    def away(signs) -> float:
        return abs(sum(sign * rank for sign, rank, size in zip(signs, ranks, sizes, strict=True) if size))

    seen = away(np.sign(values).tolist())
    expected = np.mean([away(signs) >= seen - 1e-9 for signs in itertools.product((-1, 1), repeat=len(values))])
    assert signed_rank(np.array(values, float)) == pytest.approx(expected)


@pytest.mark.parametrize("cases", [8, 40, 300])
def test_without_ties_the_signed_rank_test_is_that_of_scipy(cases):
    values = np.random.default_rng(0).normal(0.01, 0.1, cases)
    assert signed_rank(values) == pytest.approx(wilcoxon(values).pvalue, rel=1e-6)


def test_of_networks_that_are_worth_the_same_one_in_twenty_or_fewer_is_told_apart_by_the_test():
    rng = np.random.default_rng(3)
    for made in (rng.normal(0, 0.03, (300, 9)), np.round(rng.normal(0, 0.005, (300, 9)), 2)):
        assert np.mean([signed_rank(values) < 0.05 for values in made]) < 0.08


def test_six_gains_of_six_by_hand():
    assert signed_rank(np.array([0.3, 0.1, 0.2, 0.6, 0.5, 0.4])) == 2 / 2**6
    assert signed_rank(np.array([0.3, -0.1, 0.2, 0.6, 0.5, 0.4])) == 4 / 2**6
    assert signed_rank(np.array([1.0, 1.0, 1.0, -1.0])) == 10 / 2**4


@pytest.mark.parametrize("freedom", [1, 2, 9, 100, 5000])
def test_students_quantile_is_that_of_scipy(freedom):
    assert student_quantile(freedom) == pytest.approx(stdtrit(freedom, 0.975), rel=1e-6)
