"""How much a run does, and what beside what the strategy suggests."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from search_spaces.architecture.architecture import Architecture


@dataclass(frozen=True)
class Schedule:
    """How much is done, and what beside what the strategy suggests.

    Attributes:
        trials: most trials of the search.
        seconds: most wall-clock seconds of the search, all sessions together; None for no limit.
        steps: training steps of a search trial.
        final_steps: training steps of a final.
        final_seeds: trainings of each finalist, 0 for no finals; racing, on average.
        candidates: most finalists.
        seed: of the search trials; finals use ``seed + 1``, ``seed + 2``, ...
        workers: most trials at once; a cluster may come to have room for more, or fewer.
        reopened: whether to go back to a search that had ended, as its limits were raised.
        start: what is tried after the plain network, before the strategy is asked again.
        references: what is trained in the finals beside the finalists, with the name of each.
        trial_seconds: most seconds of a search trial; a final may take as much longer as it has more steps.
        rungs: steps after which a search trial is scored on the way, rising.
        reduction: of so many trials at a rung one goes on, see ``Halving``; with 1 all do.
        controls: whether finals also hold the plain counterparts of finalists with attention.
        match_references: whether finals also hold, at the number of parameters of each reference, the best network of
            the search with no more and a plain U-Net.
        leave_out: whether finals also hold the best finalist with attention less each of its slots in turn.
        racing: whether seeds of finals go where the front is least sure, see ``Finals``.
        final_folds: trainings of ``final_steps`` that a final is made of.
    """

    trials: int
    seconds: float | None
    steps: int
    final_steps: int
    final_seeds: int
    candidates: int
    seed: int
    workers: int
    reopened: bool = False
    start: tuple[Architecture, ...] = ()
    references: Mapping[Architecture, str] = field(default_factory=dict)
    trial_seconds: float | None = None
    rungs: tuple[int, ...] = ()
    reduction: float = 1.0
    controls: bool = False
    match_references: bool = False
    leave_out: bool = False
    racing: bool = False
    final_folds: int = 1

    def seconds_of(self, steps: int) -> float | None:
        """Most seconds of a trial of so many steps."""
        return None if self.trial_seconds is None else self.trial_seconds * max(steps / self.steps, 1)
