"""What a worker does around an evaluation."""

from __future__ import annotations

import faulthandler
import time
from typing import Any

import pytest

from nas.engine.failures import OutOfTime
from nas.engine.orders import SILENCE, Order
from nas.engine.ray_worker import GRACE, Worker
from tests.nas.trials import architecture


def at_work(seconds: float, ago: float = 0.0, **changes: Any) -> Worker:
    """A worker whose trial began so many seconds ago."""
    worker = Worker.__new__(Worker)
    worker.order = Order(0, "search", architecture(), 10, 0, "val", seconds=seconds, **changes)
    worker.began = time.perf_counter() - ago
    return worker


def test_a_limit_of_time_that_no_timer_takes_is_no_failure():
    worker = at_work(1e300)
    with worker._in_time():
        assert worker._seconds() < 60


def test_what_is_late_has_failed_where_it_may_take_so_long_and_no_longer():
    worker = at_work(50.0, ago=60)
    with pytest.raises(OutOfTime, match=r"^took longer than limits\.trial_time \(50 s\)$"), worker._in_time():
        pass


def test_what_is_late_and_reports_has_not_failed_where_it_would_be_stopped(monkeypatch):
    """As the first trial of a search, where a worker takes longer to begin than ``limits.time`` is."""
    timers: list[float] = []
    monkeypatch.setattr(faulthandler, "dump_traceback_later", lambda seconds, **_: timers.append(seconds))
    with at_work(50.0, ago=60, silence=True)._in_time():
        pass
    with at_work(1000.0, silence=True)._in_time():
        pass
    assert timers == [SILENCE + GRACE, pytest.approx(1000 + GRACE, abs=60)]
