"""Which order is tried once more, and when the time of one is over; without Ray."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from types import SimpleNamespace

import pytest

from evaluators.evaluator import Progress
from nas.engine import ray_bridge
from nas.engine.failures import time_is_over
from nas.engine.orders import Order, Outcome
from nas.engine.ray_bridge import Bridge
from nas.engine.ray_losses import Loss
from search_spaces.errors import InputError
from tests.nas.trials import architecture

KILLED = Loss("the worker died: it was killed")


class Given:
    """Orders one after the other; at a rung an order goes on, with what it has spent."""

    def __init__(self, orders: Sequence[Order]) -> None:
        self.left = list(orders)
        self.outcomes: list[Outcome] = []

    def next(self) -> Order | None:
        return self.left.pop(0) if self.left else None

    def progress(self, order: Order, progress: Progress) -> bool:
        return True

    def rung(self, order: Order, progress: Progress, outcome: Outcome) -> Order | None:
        return replace(order, spent=(outcome.seconds, outcome.cpu_seconds), state=b"at a rung")

    def finished(self, order: Order, outcome: Outcome) -> None:
        self.outcomes.append(outcome)

    def resized(self, trials: int) -> None: ...

    def longest_wait(self) -> float | None:
        return None


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> SimpleNamespace:
    clock = SimpleNamespace(now=100.0)
    monkeypatch.setattr(ray_bridge, "time", SimpleNamespace(monotonic=lambda: clock.now))
    return clock


def order(**changes: object) -> Order:
    return replace(Order(0, "search", architecture(0), 100, 0, "val", seconds=10.0), **changes)  # type: ignore[arg-type]


def test_what_hangs_after_it_was_gone_on_with_has_had_its_time_and_is_not_tried_again(clock):
    source = Given([order(spent=(8.0, 8.0))])
    bridge = Bridge(source)
    assert bridge.next("a") is not None
    clock.now += 7  # its worker ends itself, after 15 seconds of 10
    bridge.lost("a", KILLED)
    assert [(outcome.error, outcome.seconds) for outcome in source.outcomes] == [(time_is_over(order()), 15.0)]
    assert bridge.next("b") is None


def test_what_is_lost_after_a_rung_goes_on_from_there_once_and_its_seconds_count_once(clock):
    source = Given([order()])
    bridge = Bridge(source)
    assert bridge.next("a") is not None
    clock.now += 4
    assert bridge.rung("a", Progress(50, 100, 0.5), Outcome(4.0, 4.0, {"dice": 0.5}))
    clock.now += 3
    bridge.lost("a", KILLED)
    again = bridge.next("b")
    assert again is not None
    assert (again.state, again.spent) == (b"at a rung", (4.0, 4.0))
    clock.now += 2
    bridge.lost("b", KILLED)
    assert [(outcome.error, outcome.seconds) for outcome in source.outcomes] == [(KILLED.reason, 6.0)]


def test_time_in_which_a_trial_waits_for_a_node_is_not_its_own(clock):
    source = Given([order()])
    bridge = Bridge(source)
    assert bridge.next("a") is not None
    clock.now += 1000
    bridge.began("a")
    clock.now += 5
    bridge.lost("a", KILLED)
    assert source.outcomes == []
    assert bridge.next("b") == order()


CANNOT = Loss("it could not begin: No module named 'mine'", again=False, alone=False, begun=False)


def test_where_others_have_begun_what_one_machine_cannot_begin_is_no_failure_of_the_trial(clock):
    told: list[str] = []
    source = Given([order(), order(number=1)])
    bridge = Bridge(source, told.append)
    bridge.next("a")
    bridge.finished("a", Outcome(1.0, 1.0, {"dice": 0.5}))
    bridge.next("b")
    bridge.lost("b", CANNOT)
    assert bridge.next("c") == order(number=1)
    assert told == [f"search 1: {CANNOT.reason}; it begins in another"]
    bridge.finished("c", Outcome(1.0, 1.0, {"dice": 0.5}))
    assert [outcome.error for outcome in source.outcomes] == [None, None]


@pytest.mark.parametrize(("worked", "beginnings", "who"), [(False, 1, "no trial can"), (True, 3, "search 1 cannot")])
def test_what_begins_nowhere_ends_the_session_with_the_reason(clock, worked, beginnings, who):
    source = Given([order()] * worked + [order(number=1)])
    bridge = Bridge(source)
    if worked:
        bridge.next("before")
        bridge.finished("before", Outcome(1.0, 1.0, {"dice": 0.5}))
    for number in range(1, beginnings + 1):
        assert bridge.next(str(number)) == order(number=1)
        if number < beginnings:
            bridge.lost(str(number), CANNOT)
    with pytest.raises(InputError, match=f"^{who} begin, {CANNOT.reason}; expected this package"):
        bridge.lost(str(beginnings), CANNOT)
    assert bridge.failure is not None
    assert len(source.outcomes) == worked
