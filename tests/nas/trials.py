"""Made-up trials for the tests of what is derived from trials."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from evaluators.scoring import mean_score
from nas.records.trial import Trial
from search_spaces.architecture.architecture import Architecture
from search_spaces.architecture.cost import Cost
from search_spaces.architecture.placement import Placement


def architecture(index: int = 0, slot: str | None = None) -> Architecture:
    """Different for each index; with a slot, that slot holds squeeze-and-excitation."""
    attention = {slot: Placement("se")} if slot else {}
    return Architecture.create("unet", 2, {"width": 4 + index}, attention)


def trial(number: int = 0, dice: float | None = 0.5, params: int = 1000, **changes: Any) -> Trial:
    """A completed trial with one class in two cases around ``dice``; failed with ``dice=None``."""
    made: dict[str, Any] = {
        "number": number,
        "phase": "search",
        "architecture": architecture(number),
        "seed": 0,
        "steps": 100,
        "status": "completed" if dice is not None else "failed",
        "cost": Cost(params, 10 * params),
        "metrics": {"dice": dice} if dice is not None else {},
        "cases": {"a": {"organ": dice}, "b": {"organ": dice}} if dice is not None else {},
        "distances": {},
        "seconds": 1.5,
        "cpu_seconds": 1.25,
        "error": None if dice is not None else "out of memory",
        "weights": None,
        "finished": "2026-01-02T03:04:05.000+00:00",
    }
    return Trial(**(made | changes))


def scored(number: int, cases: Mapping[str, Mapping[str, float | None]], **changes: Any) -> Trial:
    """A completed trial whose Dice is the mean of its cases."""
    return trial(number, mean_score(cases), cases={case: dict(scores) for case, scores in cases.items()}, **changes)


def one_class(scores: Sequence[float | None]) -> dict[str, dict[str, float | None]]:
    """Cases of one class from a list of Dice."""
    return {f"case{index:03d}": {"organ": score} for index, score in enumerate(scores)}
