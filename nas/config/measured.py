"""How well estimates of full training were found to rank networks, and what a config is told of it.

The figures are in ``estimates.json``, which ``benchmarks/estimates.py`` writes.
"""

from __future__ import annotations

import inspect
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from evaluators.estimate import Estimate
from evaluators.evaluator import EVALUATORS
from evaluators.files import write_text
from nas.config.config import Config
from search_spaces.errors import InputError

FIGURES = Path(__file__).parent / "estimates.json"
HOLDS = 0.6  # tau from which an estimate may stand for full training by default
WARNS = 0.5  # tau below which the choice of an estimate is told of


@dataclass(frozen=True)
class Figure:
    """How one estimate ranked the networks of one task.

    Attributes:
        estimate: name of the evaluator, or of a zero-cost score.
        settings: its own, those that are not the default.
        task: name of the task.
        steps: of a candidate.
        full_steps: of full training.
        networks: how many were ranked.
        seeds: full trainings of each.
        tau: Kendall's, against the mean Dice of full training.
        low, high: its interval over networks; None where there is none.
        ceiling: tau of one full training against the mean of the others; None with a single seed.
        speedup: how many times less time it took than one full training.
    """

    estimate: str
    settings: Mapping[str, Any]
    task: str
    steps: int
    full_steps: int
    networks: int
    seeds: int
    tau: float
    low: float | None
    high: float | None
    ceiling: float | None
    speedup: float

    @property
    def title(self) -> str:
        """The estimate as a config names it."""
        values = ", ".join(f"{key}: {value}" for key, value in self.settings.items())
        return f"{self.estimate} ({values})" if values else self.estimate

    @property
    def kind(self) -> tuple[str, str, int, int]:
        """Equal for the same estimate on other tasks."""
        return self.estimate, json.dumps(self.settings, sort_keys=True), self.steps, self.full_steps


def read_figures(path: Path = FIGURES) -> list[Figure]:
    """All that were measured. Raises ``InputError`` where the file holds something else."""
    try:
        return [Figure(**entry) for entry in json.loads(path.read_text(encoding="utf-8"))]
    except (OSError, ValueError, TypeError) as error:
        raise InputError(f"figures of estimates '{path}' cannot be read: {error}") from None


def write_figures(found: Sequence[Figure], path: Path = FIGURES) -> None:
    """Write these, and of what is there what is of other tasks."""
    tasks = {figure.task for figure in found}
    kept = [figure for figure in (read_figures(path) if path.exists() else []) if figure.task not in tasks]
    lines = ",\n".join(json.dumps(asdict(figure)) for figure in [*kept, *found])
    write_text(path, f"[\n{lines}\n]\n")


def cheapest_that_holds(figures: Sequence[Figure]) -> str | None:
    """The fastest evaluator whose tau is ``HOLDS`` or more on every task it was measured on; None where none is faster
    than full training.
    """
    kinds: dict[tuple[str, str, int, int], list[Figure]] = {}
    for figure in figures:
        if figure.estimate in EVALUATORS:
            kinds.setdefault(figure.kind, []).append(figure)
    holding = [each for each in kinds.values() if min(figure.tau for figure in each) >= HOLDS]
    faster = [each for each in holding if min(figure.speedup for figure in each) > 1]
    best = max(faster, key=lambda each: min(figure.speedup for figure in each), default=None)
    return f"{best[0].title} at {best[0].steps} of {best[0].full_steps} steps" if best else None


def notes_on(config: Config, path: Path = FIGURES) -> list[str]:
    """What is to be said of the evaluator of a config: that it ranks badly, or that nobody has measured how."""
    chosen = config.chosen_evaluator
    stands_in = issubclass(EVALUATORS[chosen.name], Estimate)
    if not stands_in and chosen.name != "train":
        return []
    settings = own_settings(chosen.name, chosen.settings)
    share = config.steps / config.final_steps
    nearest: dict[str, Figure] = {}
    for figure in read_figures(path):
        if (figure.estimate, dict(figure.settings)) == (chosen.name, settings):
            known = nearest.get(figure.task)
            if known is None or _apart(figure, share) < _apart(known, share):
                nearest[figure.task] = figure
    if not nearest:
        told = "how well it ranks is not measured with these settings; benchmarks/estimates.py does it"
        return [f"evaluator '{chosen.name}': {told}"] if stands_in else []
    worst = min(nearest.values(), key=lambda figure: figure.tau)
    if worst.tau >= WARNS:
        return []
    interval = "" if worst.low is None or worst.high is None else f" ({worst.low:.2f} to {worst.high:.2f})"
    return [
        f"evaluator '{chosen.name}': on {worst.task} it ranked {worst.networks} networks as full training did with a "
        f"tau of {worst.tau:.2f}{interval} at {worst.steps} of {worst.full_steps} steps; docs/estimation.md has others"
    ]


def own_settings(name: str, settings: Mapping[str, Any]) -> dict[str, Any]:
    """Of the settings of an evaluator those that are not its defaults."""
    defaults = {key: one.default for key, one in inspect.signature(EVALUATORS[name]).parameters.items()}
    return {key: value for key, value in settings.items() if key not in defaults or value != defaults[key]}


def _apart(figure: Figure, share: float) -> float:
    """How far the share of the steps lies from another one."""
    return abs(math.log(figure.steps / figure.full_steps / share))
