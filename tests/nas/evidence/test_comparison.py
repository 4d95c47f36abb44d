"""Paired comparisons with the plain network."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import wilcoxon

from nas.evidence.bootstrap import mean_interval
from nas.evidence.comparison import Comparison, by_case, compare, holm


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
