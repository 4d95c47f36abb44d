"""How long the trials of a run took and how busy they kept the cores, over all its sessions, from the journal."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from nas.records.trial import Trial


def running_seconds(trials: Sequence[Trial]) -> float:
    """Wall-clock seconds in which at least one of ``trials`` ran; the time between two sessions does not count."""
    spans = sorted(_span(trial) for trial in trials)
    total, reached = 0.0, 0.0
    for start, end in spans:
        total += max(end - max(start, reached), 0.0)
        reached = max(reached, end)
    return total


def usage(trials: Sequence[Trial], cores: int) -> dict[str, float | int]:
    """Search trials, the seconds they took, trials an hour, and how busy ``cores`` cores were.

    ``utilisation`` is the workers' processor time over wall-clock time times cores, finals included, as the first of
    them run beside the last search trials; with nothing measured it is 0.
    """
    searched = [trial for trial in trials if trial.phase == "search"]
    seconds, whole = running_seconds(searched), running_seconds(trials)
    busy = sum(trial.cpu_seconds for trial in trials)
    return {
        "trials": len(searched),
        "seconds": round(seconds, 1),
        "trials_per_hour": round(3600 * len(searched) / seconds, 1) if seconds else 0.0,
        "utilisation": round(busy / (whole * cores), 3) if whole else 0.0,
    }


def _span(trial: Trial) -> tuple[float, float]:
    end = datetime.fromisoformat(trial.finished).timestamp()
    return end - trial.seconds, end
