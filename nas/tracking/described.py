"""A trial in the two lists that every service has: parameters and metrics."""

from __future__ import annotations

from nas.records.trial import Trial
from search_spaces.attention.mechanism import Value


def parameters_of(trial: Trial) -> dict[str, Value]:
    """What was chosen: the host, its options, and what sits in each filled slot."""
    architecture = trial.architecture
    slots = {slot: " > ".join(map(str, series)) for slot, series in architecture.attention}
    return {"host": architecture.host, **dict(architecture.options), **slots}


def facts_of(trial: Trial) -> dict[str, Value]:
    """What else is known beforehand, and how it ended."""
    known: dict[str, Value] = {"phase": trial.phase, "number": trial.number, "key": trial.architecture.key}
    known |= {"seed": trial.seed, "steps": trial.steps, "status": trial.status}
    return known | ({"error": trial.error} if trial.error else {})


def numbers_of(trial: Trial) -> dict[str, float]:
    """What was measured, and the exact cost."""
    return {
        "params": float(trial.cost.params),
        "macs": float(trial.cost.macs),
        "seconds": trial.seconds,
        **trial.metrics,
    }


def name_of(trial: Trial) -> str:
    """Unique within the run, and in order: ``search-0007``, ``final-0002``."""
    return f"{trial.phase}-{trial.number:04d}"
