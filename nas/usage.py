"""How long a run's search took and how busy it kept its cores, over all its sessions, worked out from its journal."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from nas.trial import Trial


def search_seconds(trials: Sequence[Trial]) -> float:
    """Wall-clock seconds in which at least one search trial ran; the time between two sessions does not count."""
    spans = sorted(_span(trial) for trial in trials if trial.phase == "search")
    total, reached = 0.0, 0.0
    for start, end in spans:
        total += max(end - max(start, reached), 0.0)
        reached = max(reached, end)
    return total


def usage(trials: Sequence[Trial], cores: int) -> dict[str, float | int]:
    """Search trials, the seconds they took, trials an hour, and how busy ``cores`` cores were.

    ``utilisation`` is the workers' processor time over wall-clock time times cores; with nothing measured it is 0.
    """
    searched = [trial for trial in trials if trial.phase == "search"]
    seconds = search_seconds(searched)
    busy = sum(trial.cpu_seconds for trial in searched)
    return {
        "trials": len(searched),
        "seconds": round(seconds, 1),
        "trials_per_hour": round(3600 * len(searched) / seconds, 1) if seconds else 0.0,
        "utilisation": round(busy / (seconds * cores), 3) if seconds else 0.0,
    }


def _span(trial: Trial) -> tuple[float, float]:
    end = datetime.fromisoformat(trial.finished).timestamp()
    return end - trial.seconds, end
