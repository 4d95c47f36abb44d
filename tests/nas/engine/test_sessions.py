"""Sessions of one run without Ray: a search that had ended and gets more room, whatever stops it then; its front."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

import nas
from evaluators.files import write_bytes
from nas.engine import launch
from nas.engine.orders import Order, Outcome
from nas.engine.plan import Plan
from nas.run import Run
from search_spaces.space.space_file import load_space
from tests.nas.small_task import small_config

HERE = SimpleNamespace(here=True, workers=lambda resources: 1)


def worked(plan: Plan, *_: Any, **__: Any) -> None:
    """All orders, in no time."""
    while (order := plan.next()) is not None:
        plan.finished(order, outcome_of(order))


def outcome_of(order: Order) -> Outcome:
    dice = int(order.architecture.key[:4], 16) / 2**17
    return Outcome(1.0, 1.0, {"dice": dice}, {"a": {"disc": dice}}, weights=b"made up" if order.keep_weights else None)


Search = Callable[..., Run]


@pytest.fixture
def search(small_task: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Search:
    """A search in memory; ``trials`` stands in for the work on its trials."""
    finals = {"seeds": 1, "candidates": 2, "cost": False}
    config = small_config(small_task, limits={"trials": 3}, finals=finals, strategy={"name": "random"})

    def search(trials: Callable[..., None] = worked, changes: dict[str, object] | None = None, **given: Any) -> Run:
        monkeypatch.setattr(launch, "run_trials", trials)
        asked = {"run": "small", "runs": tmp_path, "cluster": HERE}
        return nas.search(None if given.get("resume") else config | (changes or {}), **asked, **given)

    return search


def numbers(run: Run) -> list[int]:
    return [trial.number for trial in run.journal if trial.phase == "search"]


def interrupted(plan: Plan, *_: Any, **__: Any) -> None:
    assert plan.next() is not None
    raise KeyboardInterrupt


@pytest.mark.parametrize("times", [1, 2])
def test_ctrl_c_before_the_first_new_trial_ended_loses_no_limit_that_was_raised(search: Search, times: int) -> None:
    assert numbers(search()) == [0, 1, 2]
    settings = ["limits.trials=5"]
    for _ in range(times):
        with pytest.raises(KeyboardInterrupt):
            search(interrupted, resume=True, settings=settings)
        settings = []  # they are the run's now
    run = search(resume=True)
    assert numbers(run) == [0, 1, 2, 3, 4]
    assert run.summary["ended"] == "limits.trials (5) is reached"


def test_neither_does_the_end_of_its_process(search: Search, tmp_path: Path) -> None:
    search()

    def killed(plan: Plan, *_: Any, **__: Any) -> None:
        kept.update({path.name: path.read_bytes() for path in plan.folder.glob("*.*")})
        raise KeyboardInterrupt

    kept: dict[str, bytes] = {}
    with pytest.raises(KeyboardInterrupt):
        search(killed, resume=True, settings=["limits.trials=5"])
    for name, content in kept.items():  # as if it had had no time to say anything more
        write_bytes(tmp_path / "small" / name, content)
    assert numbers(search(resume=True)) == [0, 1, 2, 3, 4]


def test_a_search_that_was_killed_among_its_finals_is_over_and_says_so(search: Search, tmp_path: Path) -> None:
    def killed(plan: Plan, *_: Any, **__: Any) -> None:
        while (order := plan.next()) is not None and (order.phase, order.number) != ("final", 2):
            plan.finished(order, outcome_of(order))
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        search(killed)
    (tmp_path / "small" / "front.json").unlink()
    run = search(resume=True)
    assert numbers(run) == [0, 1, 2]
    assert run.summary["ended"] == "its finals had begun"
    assert not run.is_open


def test_the_box_of_the_hypervolume_is_the_runs_and_does_not_change_with_what_is_tried(search: Search) -> None:
    before = search().summary
    after = search(resume=True, settings=["limits.trials=9"]).summary
    low, high = before["box"]
    assert after["box"] == [low, high]
    assert low < high
    assert 0 < before["hypervolume"] <= after["hypervolume"]


def test_where_all_within_a_limit_was_tried_a_higher_one_makes_room(search: Search) -> None:
    """Three widths, each with an empty bottleneck or with ``se`` there."""
    space = {"host": "unet", "options": {"depth": 2, "width": [4, 6, 8]}, "slots": ["bottleneck"]}
    space["mechanisms"] = {"se": {"reduction": 2}}
    low = load_space(space, 2).smallest(1, 1)[1]
    run = search(changes={"space": space, "limits": {"params": round(1.5 * low)}})
    assert (numbers(run), run.summary["ended"]) == ([0, 1], "every architecture that may be tried has been, 2")
    assert numbers(search(resume=True)) == [0, 1]
    assert numbers(search(resume=True, settings=["limits.params=1M"])) == [0, 1, 2, 3, 4, 5]


def test_the_front_is_written_when_a_session_ends_and_not_after_every_trial(search: Search) -> None:
    """It takes the longer the more trials there are."""
    seen: list[bool] = []

    def watched(plan: Plan, *_: Any, **__: Any) -> None:
        while (order := plan.next()) is not None:
            plan.finished(order, outcome_of(order))
            seen.append((plan.folder / "front.json").exists())

    run = search(watched)
    assert seen == [False] * len(run.journal)
    assert (run.folder / "front.json").exists()
