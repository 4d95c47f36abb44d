"""The Pareto front of mean Dice against parameters, how sure it is, and the picks from it."""

from __future__ import annotations

import bisect
import math
from collections.abc import Callable, Mapping, Sequence, Set
from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np

from nas.evidence.bootstrap import bootstrap_interval, score_table, table_mean
from nas.evidence.comparison import Comparison, compare
from nas.evidence.hypervolume import Box, Steps
from nas.quantities import format_count
from nas.records.trial import Trial, plain_network
from search_spaces.architecture.architecture import Architecture
from search_spaces.architecture.cost import Cost
from search_spaces.errors import InputError


@dataclass(frozen=True)
class FrontPoint:
    """One architecture with what its trials say of it. The intervals are worked out when first asked for.

    Attributes:
        architecture: the architecture.
        cost: its exact cost.
        trials: numbers of the trials it rests on: one for each seed, all at the architecture's highest fidelity.
        dice: mean over seeds of the mean foreground Dice, 0 for a seed whose training failed: that is what it is worth,
            and no architecture comes out ahead for the seeds that it lost.
        spread: standard deviation over seeds (``ddof=1``); None with one seed.
        false_positives: of the cases without a class the share in which it is predicted, mean over seeds and classes;
            None where every case shows every class.
        on_front: whether no other architecture has as much Dice with as few parameters.
        is_plain: whether this is the plain network of the run.
        tables: makes ``scores`` and ``differences``.
        reference: name of a network that was trained for comparison and takes no part in the front.
        steps: of training, the same for all its trials.
        failed: how many of its seeds have no score, as every training with them failed.
        metrics: all that its trials measured, each the mean over the seeds that have it.
    """

    architecture: Architecture
    cost: Cost
    trials: tuple[int, ...]
    dice: float
    spread: float | None
    false_positives: float | None
    on_front: bool
    is_plain: bool
    tables: Callable[[], tuple[np.ndarray, np.ndarray]] = field(repr=False, compare=False)
    reference: str | None = None
    steps: int = 0
    failed: int = 0
    metrics: Mapping[str, float] = field(default_factory=dict, compare=False)

    @property
    def scores(self) -> np.ndarray:
        """Dice ``(seeds, cases, classes)``, nan where there is none."""
        return self._tables[0]

    @property
    def differences(self) -> np.ndarray:
        """The same less the plain network's, for the seeds that it has a score with."""
        return self._tables[1]

    @property
    def seeds(self) -> int:
        """How many seeds it was trained with, well or not."""
        return len(self.trials) + self.failed

    @property
    def low(self) -> float | None:
        """Lower end of the 95% bootstrap interval of ``dice`` over cases and seeds; None with fewer than two cases."""
        return self._interval[0]

    @property
    def high(self) -> float | None:
        """Upper end of it."""
        return self._interval[1]

    @cached_property
    def gain(self) -> float | None:
        """Mean paired difference to the plain network, over the seeds and cases that both have a score for.

        None for the plain network itself and where nothing can be paired.
        """
        return table_mean(self.differences)

    @property
    def gain_low(self) -> float | None:
        """Lower end of the 95% bootstrap interval of ``gain``."""
        return self._gain_interval[0]

    @property
    def gain_high(self) -> float | None:
        """Upper end of it."""
        return self._gain_interval[1]

    @cached_property
    def _tables(self) -> tuple[np.ndarray, np.ndarray]:
        return self.tables()

    @cached_property
    def _interval(self) -> tuple[float, float] | tuple[None, None]:
        return bootstrap_interval(self.scores) or (None, None)

    @cached_property
    def _gain_interval(self) -> tuple[float, float] | tuple[None, None]:
        return bootstrap_interval(self.differences) or (None, None)


@dataclass(frozen=True)
class Front:
    """The non-dominated points and the others, each by rising parameters; ``plain`` is among either, or None.

    All of them were trained for the same number of steps, the most of any. ``references`` are among neither: networks
    to compare with, which no pick gives; nor are those ``behind``, which were trained for fewer steps only.
    """

    points: tuple[FrontPoint, ...]
    dominated: tuple[FrontPoint, ...]
    plain: FrontPoint | None
    references: tuple[FrontPoint, ...] = ()
    behind: tuple[FrontPoint, ...] = ()

    @property
    def steps(self) -> int:
        """For which all of its networks were trained; 0 where there are none."""
        return max((point.steps for point in (*self.points, *self.references)), default=0)

    @property
    def everything(self) -> list[FrontPoint]:
        """All points, references and those behind too, by rising parameters."""
        every = [*self.points, *self.dominated, *self.references, *self.behind]
        return sorted(every, key=lambda point: point.cost.params)

    @cached_property
    def comparisons(self) -> dict[Architecture, Comparison]:
        """Each network, references too, against the plain one; those behind and the plain one itself are left out."""
        compared = [point for point in (*self.points, *self.dominated, *self.references) if not point.is_plain]
        found = compare([point.differences for point in compared])
        return {point.architecture: one for point, one in zip(compared, found, strict=True)}

    def hypervolume(self, reference_params: int, smallest_params: int) -> float:
        """Share of the box [smallest, reference] x [0, 1] in the plane log(parameters) x Dice that is dominated."""
        if not 0 < smallest_params < reference_params:
            bounds = f"{smallest_params} and {reference_params}"
            raise InputError(f"hypervolume: expected parameters 0 < smallest < reference; got {bounds}")
        box = Box(smallest_params, reference_params)
        return Steps((box.place(point.cost.params), point.dice) for point in self.points).area()

    def best(self) -> FrontPoint:
        """The highest Dice."""
        return self._points()[-1]

    def knee(self) -> FrontPoint:
        """The point farthest above the chord between the ends, log-parameters and Dice each scaled to [0, 1].

        Where no point lies above the chord it is the lighter end.
        """
        points = self._points()
        if len(points) == 1:
            return points[0]
        first, last = points[0], points[-1]
        width = math.log(last.cost.params / first.cost.params)
        height = last.dice - first.dice

        def above_chord(point: FrontPoint) -> float:
            return (point.dice - first.dice) / height - math.log(point.cost.params / first.cost.params) / width

        return max(points, key=above_chord)

    def within_budget(self, params: int) -> FrontPoint:
        """The highest Dice with at most ``params`` parameters; ``InputError`` when even the smallest has more."""
        points = self._points()
        affordable = [point for point in points if point.cost.params <= params]
        if not affordable:
            smallest = points[0].cost.params
            raise InputError(
                f"no trial within {format_count(params)} parameters; the smallest on the front has "
                f"{format_count(smallest)} ({smallest})"
            )
        return affordable[-1]

    def within_tolerance(self, delta: float) -> FrontPoint:
        """The fewest parameters with a Dice at most ``delta`` below the best."""
        if not delta >= 0:
            raise InputError(f"tolerance: expected a difference of Dice from 0; got {delta}")
        best = self.best().dice
        return next(point for point in self._points() if point.dice >= best - delta)

    def _points(self) -> tuple[FrontPoint, ...]:
        if not self.points:
            raise InputError("no completed trial")
        return self.points


def front_of(
    trials: Sequence[Trial], plain: Architecture | None = None, references: Mapping[Architecture, str] | None = None
) -> Front:
    """The front of the completed trials of one phase.

    Args:
        trials: of one phase, since the phases score different cases (``ValueError``).
        plain: the network that gains refer to; left out, the architecture of trial 0, completed or not.
        references: names of those that take no part.
    """
    references = references or {}
    if len({trial.phase for trial in trials}) > 1:
        raise ValueError("a front takes the trials of one phase, got both")
    if plain is None:
        plain = next((trial.architecture for trial in trials if trial.number == 0), None)
    groups = _by_architecture(trials)
    lost = _failed_seeds(trials)
    taking_part = [group for group in groups if group[0].architecture not in references]
    steps = max((group[0].steps for group in taking_part or groups), default=0)
    of_plain = next(({trial.seed: trial for trial in group} for group in groups if group[0].architecture == plain), {})

    def point_of(group: Sequence[Trial], on_front: bool = False) -> FrontPoint:
        architecture = group[0].architecture
        return _point(
            group,
            lost.get((architecture, group[0].steps), set()) - {trial.seed for trial in group},
            of_plain,
            on_front=on_front,
            is_plain=architecture == plain,
            reference=references.get(architecture),
        )

    apart = [point_of(group) for group in groups if group[0].architecture in references and group[0].steps == steps]
    points = [point_of(group) for group in taking_part if group[0].steps == steps]
    ranks = nondomination_ranks([point.cost.params for point in points], [point.dice for point in points])
    points = [replace(point, on_front=rank == 0) for point, rank in zip(points, ranks, strict=True)]
    points.sort(key=lambda point: point.cost.params)
    return Front(
        tuple(point for point in points if point.on_front),
        tuple(point for point in points if not point.on_front),
        next((point for point in points if point.is_plain), None),
        tuple(apart),
        tuple(point_of(group) for group in groups if group[0].steps != steps),
    )


def front_of_finals(trials: Sequence[Trial], references: Mapping[Architecture, str]) -> Front | None:
    """The front of the finals of a run; None before any has ended that counts.

    Args:
        trials: all of the run.
        references: names of networks to compare with; those that the search tried too are points as any other.
    """
    searched = {trial.architecture for trial in trials if trial.phase == "search"}
    apart = {architecture: name for architecture, name in references.items() if architecture not in searched}
    finals = [trial for trial in trials if trial.phase == "final"]
    if all(trial.dice is None or trial.architecture in apart for trial in finals):
        return None
    return front_of(finals, plain_network(trials), apart)


def nondomination_ranks(params: Sequence[int], dice: Sequence[float]) -> list[int]:
    """The front each point belongs to when fronts are peeled off, 0 the first; fewer parameters, more Dice is better.

    Of equal points the first counts as the better one. In two dimensions one sorted pass will do: from light to
    heavy, a point goes to the first front whose best Dice so far it exceeds.
    """
    ranks = [0] * len(params)
    ceilings: list[float] = []  # minus the best Dice of each front so far: rising, so it can be bisected
    for index in sorted(range(len(params)), key=lambda index: (params[index], -dice[index], index)):
        ranks[index] = rank = bisect.bisect_right(ceilings, -dice[index])
        ceilings[rank : rank + 1] = [-dice[index]]
    return ranks


def nondominated(params: Sequence[int], dice: Sequence[float]) -> list[int]:
    """The places of the points on the first front, by rising parameters; see ``nondomination_ranks``."""
    members = [place for place, rank in enumerate(nondomination_ranks(params, dice)) if rank == 0]
    return sorted(members, key=lambda place: params[place])


def _by_architecture(trials: Sequence[Trial]) -> list[list[Trial]]:
    """For each architecture its completed trials of the highest fidelity, the first of each seed, by number."""
    groups: dict[Architecture, dict[int, Trial]] = {}
    for trial in sorted(trials, key=lambda trial: (-trial.steps, trial.number)):
        if trial.status == "completed":
            group = groups.setdefault(trial.architecture, {})
            if all(trial.steps == other.steps for other in group.values()):
                group.setdefault(trial.seed, trial)
    return sorted((list(group.values()) for group in groups.values()), key=lambda group: group[0].number)


def _failed_seeds(trials: Sequence[Trial]) -> dict[tuple[Architecture, int], set[int]]:
    """The seeds of each architecture and number of steps with which a training has failed."""
    failed: dict[tuple[Architecture, int], set[int]] = {}
    for trial in trials:
        if trial.status == "failed":
            failed.setdefault((trial.architecture, trial.steps), set()).add(trial.seed)
    return failed


def _mean_metrics(trials: Sequence[Trial]) -> dict[str, float]:
    """Each metric over the trials that have it."""
    names = dict.fromkeys(name for trial in trials for name in trial.metrics)
    found = {name: [trial.metrics[name] for trial in trials if name in trial.metrics] for name in names}
    return {name: math.fsum(values) / len(values) for name, values in found.items()}


def _point(
    trials: Sequence[Trial],
    failed: Set[int],
    of_plain: Mapping[int, Trial],
    on_front: bool = False,
    is_plain: bool = False,
    reference: str | None = None,
) -> FrontPoint:
    """The point of one architecture.

    Args:
        trials: its completed trials, one for each seed.
        failed: the seeds with which there is none.
        of_plain: the plain network's trials by seed.
        on_front, is_plain, reference: see ``FrontPoint``.
    """
    dice = [trial.metrics["dice"] for trial in trials] + [0.0] * len(failed)
    metrics = _mean_metrics(trials)
    return FrontPoint(
        architecture=trials[0].architecture,
        cost=trials[0].cost,
        trials=tuple(trial.number for trial in trials),
        dice=math.fsum(dice) / len(dice),
        spread=float(np.std(dice, ddof=1)) if len(dice) > 1 else None,
        false_positives=metrics.get("false_positives"),
        on_front=on_front,
        is_plain=is_plain,
        tables=lambda: _tables(trials, failed, {} if is_plain else of_plain),
        reference=reference,
        steps=trials[0].steps,
        failed=len(failed),
        metrics=metrics,
    )


def _tables(trials: Sequence[Trial], failed: Set[int], of_plain: Mapping[int, Trial]) -> tuple[np.ndarray, np.ndarray]:
    """``scores`` and ``differences`` of a point."""
    cases = sorted({case for trial in trials for case in trial.cases})
    classes = sorted({name for trial in trials for scores in trial.cases.values() for name in scores})
    scores = score_table([trial.cases for trial in trials], cases, classes)
    none = np.where(np.isnan(scores).all(axis=0), np.nan, 0.0)  # of a seed that failed
    seeds = [trial.seed for trial in trials] + sorted(failed)
    scores = np.concatenate([scores, *[none[None]] * len(failed)])
    both = [index for index, seed in enumerate(seeds) if seed in of_plain and of_plain[seed].steps == trials[0].steps]
    plain = score_table([of_plain[seeds[index]].cases for index in both], cases, classes)
    return scores, scores[both] - plain
