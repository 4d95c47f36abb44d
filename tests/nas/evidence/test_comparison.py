"""Paired comparisons with the plain network."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import wilcoxon

from nas.evidence.bootstrap import mean_interval
from nas.evidence.comparison import Comparison, by_case, compare, holm, signed_rank


def table(gain: float, spread: float, cases: int = 40, seeds: int = 2, seed: int = 0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return gain + rng.normal(0, spread, (seeds, cases, 1))


def compared(*tables: np.ndarray) -> list[Comparison]:
    """With intervals over cases alone."""
    return compare(tables, [mean_interval(one, 0.0, 9.0) for one in tables])


def test_a_steady_gain_is_told_from_none():
    gained, nothing = compared(table(0.02, 0.02), table(0.0, 0.02, seed=1))
    assert gained.p is not None
    assert nothing.p is not None
    assert gained.p < 0.001
    assert nothing.p > 0.05


def test_many_networks_make_each_less_sure():
    one = table(0.01, 0.03)
    (alone,) = compared(one)
    together = compared(one, *(table(0.0, 0.03, seed=seed) for seed in range(1, 10)))
    assert alone.p == pytest.approx(wilcoxon(by_case(one), zero_method="zsplit").pvalue)
    assert together[0].p == pytest.approx(min(1.0, 10 * alone.p))


@given(st.lists(st.floats(0, 1), min_size=1, max_size=12))
def test_corrected_values_are_no_smaller_and_keep_their_order(values):
    corrected = holm(values)
    assert all(value <= after <= 1 for value, after in zip(values, corrected, strict=True))
    order = np.argsort(values, kind="stable")
    assert np.all(np.diff(np.array(corrected)[order]) >= 0)


def test_holm_by_hand():
    assert holm([0.01, 0.04, 0.03]) == pytest.approx([0.03, 0.06, 0.06])


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


def test_what_could_have_been_shown_shrinks_with_more_cases_and_is_what_a_study_finds():
    def shown(cases: int) -> float:
        return float(np.mean([compared(table(0.0, 0.05, cases, seed=seed))[0].detectable for seed in range(20)]))

    few = shown(20)
    assert few > 2 * shown(200) > 0
    found = [compared(table(few, 0.05, cases=20, seed=seed))[0].p < 0.05 for seed in range(200)]
    assert 0.65 < np.mean(found) < 0.95


def test_cases_without_a_class_and_seeds_that_failed_are_passed_over():
    differences = table(0.02, 0.01)
    differences[0, 3] = differences[1, 3] = np.nan
    differences[1, 4] = np.nan
    assert len(by_case(differences)) == 39
    assert compared(differences)[0].p < 0.001


def test_hardly_any_case_or_no_difference_at_all_is_no_evidence():
    assert compared(table(0.1, 0.01, cases=5), np.empty((0, 9, 1)))[0].p is None
    (nothing,) = compared(np.zeros((2, 10, 1)))
    assert nothing.p == 1.0
    assert nothing.detectable == 0.0
    assert compared() == []
