"""Trials that failed, with the reason."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from nas.records.trial import Trial
from search_spaces.architecture.architecture import Architecture

MOST = 500  # told one by one; beyond they are counted


@dataclass(frozen=True)
class Failure:
    """One of them."""

    phase: str
    number: int
    architecture: str
    key: str
    seed: int
    seconds: float
    reason: str


def failures_of(trials: Sequence[Trial]) -> list[Failure]:
    """Of a journal, the last first."""
    failed = [trial for trial in trials if trial.status == "failed"][::-1]
    return [_failure(trial, trial.architecture) for trial in failed[:MOST]]


def _failure(trial: Trial, architecture: Architecture) -> Failure:
    return Failure(
        trial.phase,
        trial.number,
        str(architecture),
        architecture.key,
        trial.seed,
        round(trial.seconds, 1),
        trial.error or "no reason was given",
    )
