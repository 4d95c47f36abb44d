"""What a network scored in one phase of a run, for the page: with intervals, by class, by case, over its steps."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from nas.evidence.front import Front
from nas.evidence.point import FrontPoint
from nas.records.trial import Trial

DIGITS = 6  # of a Dice: what is rounded again for the eye is then what it would have been at once
ON_THE_WAY = "dice/"  # before the name of a class, in the metrics of a trial
LEFT_OUT = ("dice", "loss", "false_positives")  # of the metrics: shown apart, or nothing to compare


@dataclass(frozen=True)
class Score:
    """Of one network in one phase; what is None or empty is not known, and left out of the page.

    Attributes:
        dice, low, high, gain, gain_low, gain_high, spread, seeds, steps, failed: see ``FrontPoint``.
        place: ``front``, ``dominated``, ``reference`` or ``behind`` (trained for fewer steps: not compared).
        chance: how probable it is that it is on the front.
        p: of the test against the plain network.
        equal_size: gain over the plain network of equal size, with its interval.
        by_class: Dice of each class, in the order of the phase.
        by_case: thousandths of Dice, case by case and in each class by class, mean over seeds; None where a case does
            not show the class. None for all where the page has no room for them.
        curves: of each seed its steps and Dice in turn.
        metrics: what else was measured.
        trials: numbers of the trials.
    """

    dice: float
    low: float | None
    high: float | None
    gain: float | None
    gain_low: float | None
    gain_high: float | None
    spread: float | None
    seeds: int
    steps: int
    failed: int
    place: str
    chance: float | None
    p: float | None
    equal_size: tuple[float, float, float] | None
    by_class: list[float | None]
    by_case: list[int | None] | None
    curves: list[list[float]]
    metrics: dict[str, float]
    trials: list[int]


@dataclass(frozen=True)
class Phase:
    """The cases and classes of a phase, in the order in which scores are told.

    Attributes:
        on: what its networks were scored on, in words.
        steps: of training.
        cases, classes: their names.
    """

    on: str
    steps: int
    cases: list[str]
    classes: list[str]


def phase_of(front: Front, on: str) -> Phase:
    """Of the trials that a front rests on."""
    trials = [trial for point in front.everything for trial in point.completed.values()]
    cases = dict.fromkeys(case for trial in trials for case in trial.cases)
    classes = dict.fromkeys(name for trial in trials for scores in trial.cases.values() for name in scores)
    return Phase(on, front.steps, sorted(cases), list(classes))


def score_of(front: Front, point: FrontPoint, phase: Phase, with_cases: bool, tested: bool) -> Score:
    """Of one point of a front.

    Args:
        front: of the phase.
        point: of it.
        phase: its cases and classes.
        with_cases: whether scores by case are told.
        tested: whether p values are: a search has none.
    """
    compared = front.comparisons.get(point.architecture) if tested else None
    equal = front.controlled.get(point.architecture) if tested else None
    against = None
    if equal is not None and equal.gain is not None and equal.gain_low is not None and equal.gain_high is not None:
        against = (_rounded(equal.gain), _rounded(equal.gain_low), _rounded(equal.gain_high))
    trials = list(point.completed.values())
    metrics = {
        name: _rounded(value) for name, value in point.metrics.items() if "/" not in name and name not in LEFT_OUT
    }
    return Score(
        dice=_rounded(point.dice),
        low=_told(point.low),
        high=_told(point.high),
        gain=_told(point.gain),
        gain_low=_told(point.gain_low),
        gain_high=_told(point.gain_high),
        spread=_told(point.spread),
        seeds=point.seeds,
        steps=point.steps,
        failed=point.failed,
        place=_place(front, point),
        chance=_told(front.chances.get(point.architecture)),
        p=None if compared is None else _told(compared.p),
        equal_size=against,
        by_class=[_told(point.metrics.get(ON_THE_WAY + name)) for name in phase.classes],
        by_case=_by_case(trials, phase) if with_cases else None,
        curves=[[_rounded(value) for pair in trial.curve for value in pair] for trial in trials if trial.curve],
        metrics=metrics,
        trials=list(point.trials),
    )


def _place(front: Front, point: FrontPoint) -> str:
    if point.steps != front.steps:
        return "behind"
    return "reference" if point.reference else "front" if point.on_front else "dominated"


def _by_case(trials: Sequence[Trial], phase: Phase) -> list[int | None]:
    if len(trials) == 1:
        return [_thousandths(value) for value in _values(trials[0].cases, phase)]
    table = np.array([[np.nan if v is None else v for v in _values(trial.cases, phase)] for trial in trials])
    known = ~np.isnan(table)
    counts, sums = known.sum(0).tolist(), np.where(known, table, 0).sum(0).tolist()
    return [_thousandths(total / count if count else None) for total, count in zip(sums, counts, strict=True)]


def _values(cases: Mapping[str, Mapping[str, float | None]], phase: Phase) -> Iterable[float | None]:
    nothing: Mapping[str, float | None] = {}
    for case in phase.cases:
        scores = cases.get(case, nothing)
        for name in phase.classes:
            yield scores.get(name)


def _thousandths(value: float | None) -> int | None:
    return None if value is None else round(1000 * value)


def _told(value: float | None) -> float | None:
    return None if value is None else round(value, DIGITS)


def _rounded(value: float) -> float:
    return round(value, DIGITS)
