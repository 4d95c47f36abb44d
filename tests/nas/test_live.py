"""What a search shows while it runs, in a terminal and in a log file."""

from __future__ import annotations

import io
from dataclasses import replace
from pathlib import Path

import pytest
from rich.console import Console

from evaluators.evaluator import Progress
from nas.cli.live import LiveWatcher
from nas.engine.orders import Order
from nas.engine.schedule import Schedule
from search_spaces.architecture.cost import Cost
from tests.nas.trials import architecture, trial

SCHEDULE = Schedule(
    trials=5, seconds=None, steps=100, final_steps=300, final_seeds=1, candidates=2, seed=0, workers=2
)  # fmt: skip


@pytest.fixture(params=[True, False], ids=["terminal", "log"])
def console(request) -> Console:
    return Console(file=io.StringIO(), force_terminal=request.param, width=100, color_system=None)


def text_of(console: Console) -> str:
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


def order(number: int) -> Order:
    return Order(number, "search", architecture(number, "skip.0"), 100, 0, "val")


def drawn(watcher: LiveWatcher) -> str:
    """What is to be seen, on another console: a live one shows its last frame with everything that is printed."""
    console = Console(file=io.StringIO(), width=100)
    console.print(watcher._render())
    return text_of(console)


def test_every_message_is_taken_and_the_end_is_drawn(console):
    with LiveWatcher(console) as watcher:
        watcher.reading("reading cases", 1, 2)
        watcher.reading("reading cases", 2, 2)
        watcher.opened(Path("runs/x"), SCHEDULE, [trial(0)])
        for number in (1, 2, 3):
            watcher.started(order(number), Cost(1234, 10))
        watcher.progress(order(1), Progress(40, 100, 0.25))
        watcher.progress(order(2), Progress(100, 100, 0.25, scored=(3, 99)))
        running = drawn(watcher)
        watcher.stopped(order(3))
        watcher.finished(trial(1, dice=0.75, params=2000))
        watcher.finished(trial(2, dice=None, error="diverged: the [loss] was nan"))
        watcher.finals([architecture(0), architecture(1)], {}, 2)
        watcher.finished(trial(0, dice=0.5, phase="final"))
        ended = drawn(watcher)
    for shown in ("search 1", "1.23k", "40/100", "100/100, scored 3/99", "0.250", "se(", "1/5"):
        assert shown in running
    assert "running" not in ended
    assert "search failed" not in ended
    lines = [" ".join(line.split()) for line in text_of(console).splitlines()]
    assert any(line.endswith("run runs/x: 2 trials at once, 1 trials done before") for line in lines)
    (failure,) = [line for line in lines if "diverged" in line]
    assert "search 2: failed: diverged: the [loss] was nan, 1.00k parameters, 2 s, unet depth" in failure


def test_the_front_is_of_the_search_until_a_final_ended():
    watcher = LiveWatcher(Console(file=io.StringIO(), force_terminal=True, width=100))
    watcher.opened(Path("runs/x"), SCHEDULE, [])
    assert "front so far" not in drawn(watcher)
    watcher.finished(trial(0, dice=None))
    assert "front so far" not in drawn(watcher)
    watcher.finished(trial(1, dice=0.8))
    assert "front so far (validation cases)" in drawn(watcher)
    assert "0.800" in drawn(watcher)
    watcher.finals([architecture(1)], {}, 1)
    watcher.finished(trial(0, dice=0.6, phase="final"))
    assert "finals so far (test cases)" in drawn(watcher)
    assert "0.600" in drawn(watcher)
    assert "0.800" not in drawn(watcher)


@pytest.mark.parametrize(
    ("trials", "seconds", "before", "left"),
    [
        (5, 1000.0, 0, "5 min 00 s"),  # at a minute and forty seconds for each, which is more than rich looks back
        (5, 250.0, 0, "50 s"),
        (5, None, 0, "5 min 00 s"),
        (5, 1000.0, 2, "0 s"),
        (50, 251.5, 1, "50 s"),  # a trial of an earlier session took one and a half
    ],
)
def test_time_left_is_that_of_the_limit_that_ends_the_search(trials, seconds, before, left):
    now = 1000.0
    watcher = LiveWatcher(Console(file=io.StringIO(), force_terminal=True, width=100, color_system=None))
    watcher._bars.get_time = lambda: now
    done = [trial(number) for number in range(before)]
    watcher.opened(Path("runs/x"), replace(SCHEDULE, trials=trials, seconds=seconds), done)
    now += 500  # workers start
    for number in range(before, before + (3 if before else 2)):
        watcher.started(order(number), Cost(1234, 10))
        watcher.progress(order(number), Progress(1, 100, 0.5))
        now += 200 / (3 if before else 2)
        watcher.finished(trial(number))
    assert f" left {left} " in " ".join(drawn(watcher).split())


def test_what_the_limit_of_time_cuts_off_is_told_and_that_it_does_not_hold_for_finals(console):
    with LiveWatcher(console) as watcher:
        watcher.opened(Path("runs/x"), replace(SCHEDULE, seconds=60), [])
        for number in (0, 1):
            watcher.started(order(number), Cost(1234, 10))
        watcher.progress(order(1), Progress(40, 100, 0.5))
        watcher.finished(trial(0, seconds=20.0))
        watcher.stopped(order(1))
        watcher.finals([architecture(0)], {}, 4)
    lines = [" ".join(line.split()) for line in text_of(console).splitlines()]
    assert any("search 1: cut off by limits.time after 40 of 100 steps" in line for line in lines)
    told = "note: finals: 4 trainings, beyond limits.time; about 2 min 00 s at the pace of the search"
    assert any(told in line for line in lines)


def test_a_log_file_is_told_now_and_then_how_far_the_reading_of_large_data_is():
    now = 0.0
    console = Console(file=io.StringIO(), width=80)
    watcher = LiveWatcher(console)
    watcher._bars.get_time = lambda: now
    watcher._silent = now
    for stage in ("reading cases", "preparing cases"):
        for done in range(1, 6):
            now += 16
            watcher.reading(stage, done, 5)
    assert text_of(console).splitlines() == [
        "reading cases: 2 of 5",
        "reading cases: 4 of 5",
        "preparing cases: 1 of 5",
        "preparing cases: 3 of 5",
        "preparing cases: 5 of 5",
    ]


def test_a_log_file_has_a_line_a_trial_however_long():
    console = Console(file=io.StringIO(), width=80)
    with LiveWatcher(console) as watcher:
        watcher.opened(Path("/a/long/path/" + "x" * 100), SCHEDULE, [])
        for number in range(3):
            watcher.finished(trial(number, architecture=architecture(number, "skip.0")))
        watcher.finished(trial(0, phase="final"))
    lines = text_of(console).splitlines()
    assert [line.split(":")[0].rsplit(" ", 1)[-1] for line in lines[1:]] == ["0", "1", "2", "0"]
    assert len(lines) == 5
    assert all("Dice 0.5000" in line and "unet depth" in line for line in lines[1:])
