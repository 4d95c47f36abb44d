"""What a trial is to do, what came of it, and where orders come from: the words between a search and its workers."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from evaluators.evaluator import Progress
    from nas.records.trial import Phase
    from search_spaces.architecture.architecture import Architecture


SILENCE = 30.0  # seconds after which a trial that may be stopped whenever it reports, and does not, hangs


@dataclass(frozen=True)
class Order:
    """What one trial is to do: plain data, the task aside.

    Attributes:
        number: of the trial, unique within the phase.
        phase: chooses the evaluator.
        architecture, steps, seed, split: what to evaluate, see ``evaluators.evaluator.Assignment``.
        keep_weights: whether the trained weights are asked for.
        seconds: after which it has failed, what was spent earlier among them.
        limit: what these are.
        silence: whether they hold for who does not report: who does is stopped by whoever gave the order, or may go on.
        rungs: steps after which it is scored on the way.
        state: of an earlier order, which this one goes on from.
        spent: wall-clock and processor seconds of the earlier ones.
        curve: what they showed: (steps, Dice).
    """

    number: int
    phase: Phase
    architecture: Architecture
    steps: int
    seed: int
    split: str
    keep_weights: bool = False
    seconds: float | None = None
    limit: str = "limits.trial_time"
    silence: bool = False
    rungs: tuple[int, ...] = ()
    state: bytes | None = None
    spent: tuple[float, float] = (0.0, 0.0)
    curve: tuple[tuple[int, float], ...] = ()

    @property
    def key(self) -> tuple[Phase, int]:
        """What no other order has at the same time."""
        return self.phase, self.number


@dataclass(frozen=True)
class Outcome:
    """What came of an order, or what is known of it at a rung. ``error`` is a one-line reason: then there is no score.

    ``cpu_seconds`` is the processor time of the worker over the trial; ``state`` is where it can be gone on from.
    """

    seconds: float
    cpu_seconds: float = 0.0
    metrics: dict[str, float] = field(default_factory=dict)
    cases: dict[str, dict[str, float | None]] = field(default_factory=dict)
    distances: dict[str, dict[str, float | None]] = field(default_factory=dict)
    false_positives: dict[str, dict[str, float | None]] = field(default_factory=dict)
    weights: bytes | None = None
    state: bytes | None = None
    error: str | None = None
    surface_dice: dict[str, dict[str, float | None]] = field(default_factory=dict)


class Source(Protocol):
    """Where orders come from and outcomes go to; called from one thread."""

    def next(self) -> Order | None:
        """The next order; None to wait for running ones, or, when none runs, to end."""

    def progress(self, order: Order, progress: Progress) -> bool:
        """Told about once a second of a running order; False stops it, and it is forgotten."""

    def rung(self, order: Order, progress: Progress, outcome: Outcome) -> Order | None:
        """Told of scores on the way: the order to go on with if its worker is lost now, or None to stop it here."""

    def finished(self, order: Order, outcome: Outcome) -> None:
        """Told of every order that ended, well or not, but for those that were stopped."""

    def resized(self, trials: int) -> None:
        """Told how many trials can run at once from now on, when that has changed."""

    def longest_wait(self) -> float | None:
        """Asked when no trial can begin for want of a free node: the most seconds until one must; None: any."""
