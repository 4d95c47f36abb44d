"""A trial: one architecture evaluated once, and what came of it; plain data."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterable, Mapping
from dataclasses import MISSING, dataclass, field
from typing import Any, Literal, get_args

from evaluators.scoring import CaseScores
from search_spaces.architecture.architecture import Architecture
from search_spaces.architecture.cost import Cost
from search_spaces.errors import InputError

Phase = Literal["search", "final"]
Status = Literal["completed", "failed"]
PHASES, STATUSES = get_args(Phase), get_args(Status)


@dataclass(frozen=True)
class Trial:
    """One evaluation of one architecture.

    A completed trial has a Dice and a failed one has no score at all; every number is finite. Both are checked
    here (``ValueError``), so that a trial can always be written as strict JSON.

    Attributes:
        number: from 0, unique within the phase.
        phase: ``search``, or ``final``: a pick retrained and scored on unseen cases.
        architecture: what was evaluated.
        seed: of initial weights, batches and augmentations.
        steps: fidelity: number of optimiser steps. In a search fewer than others where a trial was scored on the way
            and not gone on with, or not yet.
        status: ``completed`` or ``failed``.
        cost: exact cost of the architecture on the task.
        metrics: ``dice`` (mean foreground Dice), ``dice/<class>``, ...; empty when failed.
        cases: Dice of each case and class, None where the case does not have the class.
        distances: 95th-percentile Hausdorff distance (mm) of each case and class; empty where not asked for.
        seconds: wall-clock time.
        cpu_seconds: processor time of the worker.
        error: one line that says why it failed.
        weights: path of the trained weights, relative to the run's folder.
        finished: time in ISO 8601, to the millisecond.
        false_positives: voxels predicted of each class in each case that does not have it; None where it has. Empty in
            journals of before there was such a number.
        surface_dice: surface Dice of each case and class, None where the case does not have the class; empty where not
            asked for, and in older journals.
        curve: the learning curve: (steps, Dice) wherever it was scored, the last one last.
    """

    number: int
    phase: Phase
    architecture: Architecture
    seed: int
    steps: int
    status: Status
    cost: Cost
    metrics: dict[str, float]
    cases: CaseScores
    distances: CaseScores
    seconds: float
    cpu_seconds: float
    error: str | None
    weights: str | None
    finished: str
    false_positives: CaseScores = field(default_factory=dict)
    curve: tuple[tuple[int, float], ...] = field(default_factory=tuple)
    surface_dice: CaseScores = field(default_factory=dict)

    def __post_init__(self) -> None:
        owner = f"trial {self.number}"
        if self.phase not in PHASES:
            raise ValueError(f"{owner}: phase is one of {', '.join(PHASES)}; got {self.phase!r}")
        if self.status not in STATUSES:
            raise ValueError(f"{owner}: status is one of {', '.join(STATUSES)}; got {self.status!r}")
        if self.status == "failed" and self.metrics:
            raise ValueError(f"{owner}: a failed trial has no metrics; got {', '.join(self.metrics)}")
        if self.status == "completed" and "dice" not in self.metrics:
            raise ValueError(f"{owner}: a completed trial has the metric 'dice'; got {list(self.metrics)}")
        for name, value in (("seconds", self.seconds), ("cpu_seconds", self.cpu_seconds), *self.metrics.items()):
            if not math.isfinite(value):
                raise _no_number(owner, name, value)
        for table in (self.cases, self.distances, self.false_positives, self.surface_dice):
            for case, scores in table.items():
                for name, score in scores.items():
                    if score is not None and not math.isfinite(score):
                        raise _no_number(owner, f"{case}, {name}", score)
        for steps, value in self.curve:
            if not math.isfinite(value):
                raise _no_number(owner, f"curve at {steps}", value)

    def goes_on_from(self, other: Trial) -> bool:
        """Whether this is what came of ``other`` later: the same trial, worked on."""
        one, before = ((trial.phase, trial.number, trial.architecture, trial.seed) for trial in (self, other))
        return one == before and other.status == "completed" and self.steps > other.steps

    @property
    def dice(self) -> float | None:
        """Mean foreground Dice; None when the trial failed."""
        return self.metrics.get("dice")

    def to_dict(self) -> dict[str, Any]:
        """Plain data for strict JSON."""
        return {
            **{field.name: getattr(self, field.name) for field in dataclasses.fields(self)},
            "architecture": self.architecture.to_dict(),
            "cost": dataclasses.asdict(self.cost),
        }

    @classmethod
    def from_dict(cls, data: Any) -> Trial:
        """From plain data as ``to_dict`` gives; raises ``InputError`` on anything else."""
        if not isinstance(data, Mapping):
            raise InputError(f"trial: expected a mapping, got {type(data).__name__}")
        if not NEEDED <= data.keys() <= KNOWN:
            odd = sorted(map(str, (data.keys() - KNOWN) | (NEEDED - data.keys())))
            raise InputError(f"trial: keys missing or not known: {', '.join(odd)}")
        try:
            architecture, cost = Architecture.from_dict(data["architecture"]), Cost(**data["cost"])
            curve = tuple((steps, dice) for steps, dice in data.get("curve", ()))
            return cls(**{**data, "architecture": architecture, "cost": cost, "curve": curve})
        except InputError:
            raise
        except ValueError as error:  # of __post_init__, which names the trial
            raise InputError(str(error)) from None
        except (TypeError, AttributeError) as error:  # a value of another kind than expected
            raise InputError(f"trial {data['number']}: {error}") from None


KNOWN = {field.name for field in dataclasses.fields(Trial)}
NEEDED = {field.name for field in dataclasses.fields(Trial) if field.default_factory is MISSING}  # others came later


def _no_number(owner: str, name: str, value: float) -> ValueError:
    return ValueError(f"{owner}: '{name}' is a finite number; got {value}")


def plain_network(trials: Iterable[Trial]) -> Architecture | None:
    """The network without attention of a run: what its first search trial evaluated; None before that has ended."""
    return next((trial.architecture for trial in trials if trial.phase == "search" and trial.number == 0), None)
