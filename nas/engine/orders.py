"""What a trial is to do, what came of it, and where orders come from: the words between a search and its workers."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from evaluators.evaluator import Progress
    from nas.records.trial import Phase
    from search_spaces.architecture.architecture import Architecture


@dataclass(frozen=True)
class Order:
    """What one trial is to do: plain data, the task aside.

    ``phase`` chooses the evaluator; ``keep_weights`` asks for the trained weights; after ``seconds`` it has failed.
    """

    number: int
    phase: Phase
    architecture: Architecture
    steps: int
    seed: int
    split: str
    keep_weights: bool = False
    seconds: float | None = None


@dataclass(frozen=True)
class Outcome:
    """What came of an order. ``error`` is a one-line reason, and then there is no score.

    ``cpu_seconds`` is the processor time of the worker over the trial.
    """

    seconds: float
    cpu_seconds: float = 0.0
    metrics: dict[str, float] = field(default_factory=dict)
    cases: dict[str, dict[str, float | None]] = field(default_factory=dict)
    distances: dict[str, dict[str, float | None]] = field(default_factory=dict)
    false_positives: dict[str, dict[str, float | None]] = field(default_factory=dict)
    weights: bytes | None = None
    error: str | None = None


class Source(Protocol):
    """Where orders come from and outcomes go to; called from one thread."""

    def next(self) -> Order | None:
        """The next order; None to wait for running ones, or, when none runs, to end."""

    def progress(self, order: Order, progress: Progress) -> bool:
        """Told about once a second of a running order; False stops it, and it is forgotten."""

    def finished(self, order: Order, outcome: Outcome) -> None:
        """Told of every order that ended, well or not, but for those that were stopped."""
