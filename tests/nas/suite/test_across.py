"""What holds across tasks."""

from __future__ import annotations

from types import SimpleNamespace
from typing import cast

import numpy as np
import pytest

from nas.evidence.front import Front, front_of
from nas.records.trial import Trial
from nas.run import Run
from nas.suite.across import across, winners
from nas.testing import made_up
from search_spaces.architecture.architecture import Architecture
from search_spaces.space.space_file import load_space

SPACE = load_space(
    {
        "host": "unet",
        "options": {"depth": 2, "width": [4, 6, 8, 12]},
        "slots": ["bottleneck", "skip.*"],
        "mechanisms": {"se": {"reduction": 2}, "eca": {"kernel": 3}},
    },
    2,
)


def params_of(architecture: Architecture) -> int:
    return architecture.cost(1, 1, (32, 32)).params


def run_of(gains: dict[tuple[str, str], float], count: int = 60) -> Run:
    """A search on a task where these (mechanism, kind of place) make that difference."""
    rng = np.random.default_rng(0)
    drawn: dict[Architecture, None] = dict.fromkeys([SPACE.plain()])
    while len(drawn) < count:
        drawn[SPACE.sample(rng)] = None
    trials: list[Trial] = []
    for number, one in enumerate(drawn):
        kinds = ((item.mechanism, slot.split(".")[0]) for slot, series in one.attention for item in series)
        dice = 0.7 + sum(gains.get(kind, 0.0) for kind in kinds) + rng.normal(0, 0.002)
        trials.append(made_up(number, one, dice))
    front: Front = front_of(trials)
    return cast(Run, SimpleNamespace(journal=trials, params_of=params_of, front=front))


@pytest.fixture(scope="module")
def runs() -> dict[str, Run]:
    everywhere = {("se", "skip"): 0.03}
    return {
        "liver": run_of(everywhere | {("eca", "bottleneck"): 0.03}),
        "brain": run_of(everywhere | {("eca", "bottleneck"): -0.03}),
    }


def test_what_helps_on_every_task_is_told_from_what_depends_on_it(runs: dict[str, Run]):
    held = {(one.mechanism, one.place): one for one in across(runs, 0.005)}
    assert held["se", "skip"].holds == "helps on all"
    assert held["eca", "bottleneck"].holds == "depends on the task"
    assert held["eca", "bottleneck"].effects["liver"].mean > 0 > held["eca", "bottleneck"].effects["brain"].mean
    assert held["eca", "skip"].holds in ("no effect", "open")


def test_what_helps_on_all_comes_first(runs: dict[str, Run]):
    assert across(runs, 0.005)[0].holds == "helps on all"


def test_one_task_shows_nothing_of_all(runs: dict[str, Run]):
    assert {one.holds for one in across({"liver": runs["liver"]}, 0.005)} <= {"no effect", "open"}


def test_a_task_with_too_few_trials_says_nothing_and_stops_no_other(runs: dict[str, Run]):
    held = across({**runs, "new": run_of({}, count=3)}, 0.005)
    assert all(set(one.effects) == {"liver", "brain"} for one in held)


def test_the_winner_of_a_task_is_the_best_of_its_front_and_the_lightest_near_it(runs: dict[str, Run]):
    liver, brain = winners(runs, 0.01)
    assert (liver.task, brain.task) == ("liver", "brain")
    assert liver.best.dice == max(point.dice for point in liver.front.points)
    assert liver.lightest.dice >= liver.best.dice - 0.01
    assert liver.lightest.cost.params <= liver.best.cost.params


def test_a_task_without_a_completed_trial_has_no_winner():
    empty = cast(Run, SimpleNamespace(journal=[], params_of=params_of, front=front_of([])))
    assert winners({"empty": empty}, 0.01) == []
