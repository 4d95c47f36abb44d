"""One point of a front: an architecture with what its trials say of it."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence, Set
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

from nas.evidence.bootstrap import central, mean_interval, off_by_case, score_table, table_mean
from nas.evidence.training_noise import Spread
from nas.records.trial import Trial
from search_spaces.architecture.architecture import Architecture
from search_spaces.architecture.cost import Cost


@dataclass(frozen=True)
class Belief:
    """What a model of many trials makes of a network.

    Attributes:
        dice: draws of its Dice over all seeds, ``(RESAMPLES,)``.
        gain: draws of how much that is more than the plain network's; None for the plain network itself, and without.
    """

    dice: np.ndarray
    gain: np.ndarray | None


@dataclass(frozen=True)
class FrontPoint:
    """One architecture with what its trials say of it. The intervals are worked out when first asked for.

    Attributes:
        architecture: the architecture.
        cost: its exact cost.
        trials: numbers of the trials it rests on: one for each seed, all at the architecture's highest fidelity.
        dice: mean over seeds of the mean foreground Dice, 0 for a seed whose training failed: that is what it is worth,
            and no architecture comes out ahead for the seeds that it lost.
        by_seed: each seed that it was trained with and the Dice, those that failed last; the seeds of ``scores``.
        metrics: all that its trials measured, each the mean over the seeds that have it.
        on_front: whether no other architecture has as much Dice with as few parameters.
        is_plain: whether this is the plain network of the run.
        tables: makes ``scores`` and their differences to another network's trials, given by seed.
        of_plain: the plain network's trials by seed; none for itself.
        completed: its own by seed.
        reference: name of a network that was trained for comparison and takes no part in the front.
        is_control: whether the search never tried it: it is trained as the plain counterpart of others.
        steps: of training, the same for all its trials.
        failed: how many of its seeds have no score, as every training with them failed.
        belief: what a model makes of it, where intervals and gains are the model's; see ``low``.
        spreads: what trainings of each network that stands beside it differ by.
    """

    architecture: Architecture
    cost: Cost
    trials: tuple[int, ...]
    dice: float
    by_seed: tuple[tuple[int, float], ...]
    metrics: Mapping[str, float] = field(compare=False)
    on_front: bool
    is_plain: bool
    tables: Callable[[Mapping[int, Trial]], tuple[np.ndarray, np.ndarray]] = field(repr=False, compare=False)
    of_plain: Mapping[int, Trial] = field(repr=False, compare=False)
    completed: Mapping[int, Trial] = field(repr=False, compare=False)
    reference: str | None = None
    is_control: bool = False
    steps: int = 0
    failed: int = 0
    belief: Callable[[], Belief | None] | None = field(default=None, repr=False, compare=False)
    spreads: Callable[[], Mapping[Architecture, Spread]] = field(default=dict, repr=False, compare=False)

    @property
    def scores(self) -> np.ndarray:
        """Dice ``(seeds, cases, classes)``, nan where there is none."""
        return self._tables[0]

    @property
    def differences(self) -> np.ndarray:
        """The same less the plain network's, for the seeds that it has a score with."""
        return self._tables[1]

    def differences_to(self, other: FrontPoint) -> np.ndarray:
        """``scores`` less those of another network, for the seeds that it has a score with."""
        return self.tables(other.completed)[1]

    def interval_of(self, differences: np.ndarray, other: Architecture) -> tuple[float, float] | None:
        """95% interval of the mean of paired differences to another network, see ``mean_interval``."""
        return mean_interval(differences, *self._spread_of(self.architecture).of_difference(self._spread_of(other)))

    def _spread_of(self, architecture: Architecture) -> Spread:
        return self.spreads().get(architecture, Spread())

    @property
    def seeds(self) -> int:
        """How many seeds it was trained with, well or not."""
        return len(self.by_seed)

    @property
    def failed_seeds(self) -> set[int]:
        """Those with which every training failed."""
        return {seed for seed, _ in self.by_seed} - set(self.completed)

    @property
    def false_positives(self) -> float | None:
        """Of the cases without a class the share in which it is predicted, mean over seeds and classes.

        None where every case shows every class.
        """
        return self.metrics.get("false_positives")

    @property
    def spread(self) -> float | None:
        """Standard deviation over seeds (``ddof=1``); None with one seed."""
        return float(np.std([dice for _, dice in self.by_seed], ddof=1)) if self.seeds > 1 else None

    @property
    def low(self) -> float | None:
        """Lower end of the 95% interval of ``dice`` over cases and all trainings there might be, see ``mean_interval``.

        None with fewer than two cases. Where there is a model, of what it believes the Dice over all seeds to be, over
        cases too: then it need not hold the one score that was seen.
        """
        return self._interval[0]

    @property
    def high(self) -> float | None:
        """Upper end of it."""
        return self._interval[1]

    @cached_property
    def gain(self) -> float | None:
        """Mean paired difference to the plain network, over the seeds and cases that both have a score for.

        Where there is a model, what it expects of all seeds. None for the plain network itself and where nothing can be
        paired.
        """
        if self.belief is not None:
            return None if self._belief is None or self._belief.gain is None else float(self._belief.gain.mean())
        return table_mean(self.differences)

    @property
    def gain_low(self) -> float | None:
        """Lower end of the 95% interval of ``gain``, over cases and all trainings there might be."""
        return self._gain_interval[0]

    @property
    def gain_high(self) -> float | None:
        """Upper end of it."""
        return self._gain_interval[1]

    @cached_property
    def _tables(self) -> tuple[np.ndarray, np.ndarray]:
        return self.tables(self.of_plain)

    @cached_property
    def _belief(self) -> Belief | None:
        return None if self.belief is None else self.belief()

    @cached_property
    def _interval(self) -> tuple[float, float] | tuple[None, None]:
        if self.belief is None:
            spread = self._spread_of(self.architecture)
            found = mean_interval(self.scores, spread.deviation, spread.freedom)
        else:
            found = None if self._belief is None else central(self._belief.dice + off_by_case(self.scores))
        return (None, None) if found is None else (max(found[0], 0.0), min(found[1], 1.0))  # a Dice is no more, no less

    @cached_property
    def _gain_interval(self) -> tuple[float, float] | tuple[None, None]:
        if self.belief is not None:
            gain = None if self._belief is None else self._belief.gain
            return (None, None) if gain is None else central(gain + off_by_case(self.differences))
        if not self.of_plain:
            return None, None
        plain = next(iter(self.of_plain.values())).architecture
        return self.interval_of(self.differences, plain) or (None, None)


def point_of(
    trials: Sequence[Trial],
    failed: Set[int],
    of_plain: Mapping[int, Trial],
    *,
    is_plain: bool = False,
    reference: str | None = None,
    is_control: bool = False,
    spreads: Callable[[], Mapping[Architecture, Spread]] = dict,
) -> FrontPoint:
    """The point of one architecture, which is not on the front.

    Args:
        trials: its completed trials, one for each seed.
        failed: the seeds with which there is none.
        of_plain: the plain network's trials by seed.
        is_plain, reference, is_control, spreads: see ``FrontPoint``.
    """
    by_seed = [(trial.seed, trial.metrics["dice"]) for trial in trials] + [(seed, 0.0) for seed in sorted(failed)]
    return FrontPoint(
        architecture=trials[0].architecture,
        cost=trials[0].cost,
        trials=tuple(trial.number for trial in trials),
        dice=math.fsum(dice for _, dice in by_seed) / len(by_seed),
        by_seed=tuple(by_seed),
        metrics=_mean_metrics(trials),
        on_front=False,
        is_plain=is_plain,
        tables=lambda others: _tables(trials, failed, others),
        of_plain={} if is_plain else of_plain,
        completed={trial.seed: trial for trial in trials},
        reference=reference,
        is_control=is_control,
        steps=trials[0].steps,
        failed=len(failed),
        spreads=spreads,
    )


def _mean_metrics(trials: Sequence[Trial]) -> dict[str, float]:
    """Each metric over the trials that have it."""
    names = dict.fromkeys(name for trial in trials for name in trial.metrics)
    found = {name: [trial.metrics[name] for trial in trials if name in trial.metrics] for name in names}
    return {name: math.fsum(values) / len(values) for name, values in found.items()}


def _tables(trials: Sequence[Trial], failed: Set[int], others: Mapping[int, Trial]) -> tuple[np.ndarray, np.ndarray]:
    """``scores`` of a point, and what they are more than others' with the same seed."""
    cases = sorted({case for trial in trials for case in trial.cases})
    classes = sorted({name for trial in trials for scores in trial.cases.values() for name in scores})
    scores = score_table([trial.cases for trial in trials], cases, classes)
    none = np.where(np.isnan(scores).all(axis=0), np.nan, 0.0)  # of a seed that failed
    seeds = [trial.seed for trial in trials] + sorted(failed)
    scores = np.concatenate([scores, *[none[None]] * len(failed)])
    both = [index for index, seed in enumerate(seeds) if seed in others and others[seed].steps == trials[0].steps]
    theirs = score_table([others[seeds[index]].cases for index in both], cases, classes)
    return scores, scores[both] - theirs
