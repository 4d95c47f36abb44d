"""How long is waited for a node; without Ray."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from ray.tune.experiment import Trial

from nas.engine import ray_waiting
from nas.engine.ray_bridge import Bridge
from nas.engine.ray_cluster import Node, Resources
from nas.engine.ray_waiting import FIRST_WORD, STARTING, Waiting
from search_spaces.errors import InputError


def waiting(longest: float | None, told: list[str], monkeypatch: pytest.MonkeyPatch) -> tuple[Waiting, SimpleNamespace]:
    """For one trial that never begins, on a clock of its own."""
    clock = SimpleNamespace(now=0.0)
    monkeypatch.setattr(ray_waiting, "time", SimpleNamespace(monotonic=lambda: clock.now))
    monkeypatch.setattr(ray_waiting, "free", lambda: Node(0, 0))
    source = SimpleNamespace(next=lambda: SimpleNamespace(spent=(0.0, 0.0)), longest_wait=lambda: longest)
    bridge = Bridge(source, told.append)  # type: ignore[arg-type]
    bridge.next("a")
    return Waiting(bridge, Resources()), clock


PENDING = [SimpleNamespace(trial_id="a", status=Trial.PENDING)]


def test_a_search_waits_as_long_as_its_time_lasts(monkeypatch):
    told: list[str] = []
    found, clock = waiting(STARTING + 60, told, monkeypatch)
    for clock.now in (0.0, FIRST_WORD + 1, 4 * FIRST_WORD - 1):
        found.on_step_end(0, PENDING)
    assert [line.split(";")[0] for line in told] == ["no trial has begun for 31 s"]
    clock.now = STARTING + 59
    found.on_step_end(0, PENDING)
    clock.now = STARTING + 61
    with pytest.raises(InputError, match=r"^limits\.time is over: no trial has begun for 3 min 01 s; each waits for"):
        found.on_step_end(0, PENDING)


def test_the_seconds_of_a_start_are_no_waiting_however_short_the_time(monkeypatch):
    found, clock = waiting(1.0, [], monkeypatch)
    for clock.now in (0.0, STARTING - 1):
        found.on_step_end(0, PENDING)


def test_finals_wait_as_long_as_it_takes_and_say_so_ever_more_seldom(monkeypatch):
    told: list[str] = []
    found, clock = waiting(None, told, monkeypatch)
    for minute in range(600):
        clock.now = 60.0 * minute
        found.on_step_end(0, PENDING)
    assert 3 <= len(told) <= 6
