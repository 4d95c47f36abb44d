from __future__ import annotations

import pytest

from nas.records.usage import running_seconds, usage
from tests.nas.trials import trial


def ended(second: int, **changes: object):
    """A trial of ten seconds that ended so many seconds after three o'clock."""
    return trial(
        second, seconds=10.0, finished=f"2026-01-02T03:{second // 60:02d}:{second % 60:02d}.000+00:00", **changes
    )


def test_time_counts_once_where_trials_overlap_and_not_at_all_between_sessions():
    assert running_seconds([ended(10), ended(15)]) == 15
    assert running_seconds([ended(15), ended(10), ended(300)]) == 25
    assert running_seconds([]) == 0


def test_usage_counts_search_trials_over_all_sessions():
    trials = [ended(10, cpu_seconds=8.0), ended(20, cpu_seconds=6.0), ended(500, cpu_seconds=9.0, dice=None)]
    finals = [ended(30, phase="final", cpu_seconds=10.0)]
    found = usage([*trials, *finals], cores=1)
    assert found == {
        "trials": 3,
        "seconds": 30.0,
        "trials_per_hour": 360.0,
        "utilisation": pytest.approx(33 / 40, abs=1e-3),
    }
    assert usage(trials, cores=2)["utilisation"] == pytest.approx(23 / 60, abs=1e-3)


def test_nothing_searched_is_no_division_by_zero():
    assert usage([], 2) == {"trials": 0, "seconds": 0.0, "trials_per_hour": 0.0, "utilisation": 0.0}
