"""What holds across tasks: the winner of each with its evidence, and which attention helps where on which of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from nas.evidence.front import Front
from nas.evidence.point import FrontPoint
from nas.run import Run
from nas.surrogate.effects import Effect, effects
from search_spaces.errors import InputError

Holds = Literal["helps on all", "hurts on all", "depends on the task", "no effect", "open"]


@dataclass(frozen=True)
class Winner:
    """What the search of a task came to, on its best evidence.

    Attributes:
        task: its name in the suite.
        run: of its search.
        front: the finals' on test cases, else the search's on validation cases.
        best: the highest Dice.
        lightest: the fewest parameters with a Dice at most a tolerance below it.
    """

    task: str
    run: Run
    front: Front
    best: FrontPoint
    lightest: FrontPoint


@dataclass(frozen=True)
class Across:
    """One mechanism at one kind of place, over the tasks.

    Attributes:
        mechanism: which.
        place: kind of place, ``skip`` or ``decoder`` say.
        effects: on each task where it was tried.
        holds: ``helps on all``: surely more than nothing wherever it was tried, on two tasks at least; ``depends on the
            task``: surely helps on one, and surely does not on another; ``no effect``: surely less than a tolerance
            wherever it was tried; ``open``: anything else.
    """

    mechanism: str
    place: str
    effects: Mapping[str, Effect]
    holds: Holds


def winners(runs: Mapping[str, Run], tolerance: float) -> list[Winner]:
    """Of each task that has a completed trial."""
    found = []
    for task, run in runs.items():
        front = run.front
        if front.points:
            found.append(Winner(task, run, front, front.best(), front.within_tolerance(tolerance)))
    return found


def across(runs: Mapping[str, Run], tolerance: float) -> list[Across]:
    """Everything that was tried on at least one task: what holds on all first, then by the mean effect."""
    found: dict[tuple[str, str], dict[str, Effect]] = {}
    for task, run in runs.items():
        for effect in _effects_of(run):
            found.setdefault((effect.mechanism, effect.place), {})[task] = effect
    every = [
        Across(*key, on_tasks, _holds([effect.verdict(tolerance) for effect in on_tasks.values()]))
        for key, on_tasks in found.items()
    ]
    order: Sequence[Holds] = ("helps on all", "depends on the task", "hurts on all", "no effect", "open")
    return sorted(every, key=lambda one: (order.index(one.holds), -mean_effect(one), one.mechanism, one.place))


def mean_effect(one: Across) -> float:
    """Over the tasks where it was tried."""
    return sum(effect.mean for effect in one.effects.values()) / len(one.effects)


def _effects_of(run: Run) -> list[Effect]:
    try:
        return effects(run.journal, run.params_of, "kind")
    except InputError:  # too few trials to say anything of this task
        return []


def _holds(verdicts: Sequence[str]) -> Holds:
    if len(verdicts) > 1 and len(set(verdicts)) == 1 and verdicts[0] in ("helps", "hurts"):
        return "helps on all" if verdicts[0] == "helps" else "hurts on all"
    if "helps" in verdicts and {"hurts", "no effect"} & set(verdicts):
        return "depends on the task"
    return "no effect" if set(verdicts) == {"no effect"} else "open"
