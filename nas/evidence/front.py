"""The Pareto front of mean Dice against parameters, how sure it is, and the picks from it."""

from __future__ import annotations

import bisect
import functools
import math
from collections.abc import Callable, Mapping, Sequence, Set
from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np

from nas.evidence.chances import chance_within, chances_of_front, doubts, joint_draws, spreads_of
from nas.evidence.comparison import Comparison, compare
from nas.evidence.controls import Controlled, held_against
from nas.evidence.hypervolume import Box, Steps
from nas.evidence.point import FrontPoint, point_of
from nas.quantities import format_count
from nas.records.trial import Trial, plain_network
from search_spaces.architecture.architecture import Architecture
from search_spaces.errors import InputError


@dataclass(frozen=True)
class Front:
    """The non-dominated points and the others, each by rising parameters; ``plain`` is among either, or None.

    All of them were trained for the same number of steps, the most of any. ``references`` are among neither: networks
    to compare with, which no pick gives; nor are those ``behind``, which were trained for fewer steps only.
    ``counterparts``: of networks with attention the plain ones of equal size. ``sample``: makes ``draws``.
    """

    points: tuple[FrontPoint, ...]
    dominated: tuple[FrontPoint, ...]
    plain: FrontPoint | None
    references: tuple[FrontPoint, ...] = ()
    behind: tuple[FrontPoint, ...] = ()
    counterparts: Mapping[Architecture, Architecture] = field(default_factory=dict, repr=False, compare=False)
    sample: Callable[[Sequence[FrontPoint]], np.ndarray] = field(default=joint_draws, repr=False, compare=False)

    @property
    def compared(self) -> list[FrontPoint]:
        """What stands in the front or below: all but references and those behind."""
        return [*self.points, *self.dominated]

    @property
    def controls(self) -> list[FrontPoint]:
        """Of ``compared`` those that the search never tried: plain counterparts of others."""
        return [point for point in self.compared if point.is_control]

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
        """Each network, references too, against the plain one.

        Left out are those behind, the plain one itself and controls, and what is believed by a model: a test over the
        cases of one training would say too much.
        """
        every = (*self.points, *self.dominated, *self.references)
        compared = [point for point in every if not (point.is_plain or point.is_control or point.belief is not None)]
        intervals = [_ends(point.gain_low, point.gain_high) for point in compared]
        found = compare([point.differences for point in compared], intervals)
        return {point.architecture: one for point, one in zip(compared, found, strict=True)}

    @cached_property
    def controlled(self) -> dict[Architecture, Controlled]:
        """Each network whose plain counterpart was trained as long, against that."""
        return held_against([*self.compared, *self.references], self.counterparts)

    @cached_property
    def draws(self) -> np.ndarray:
        """Joint draws ``(draws, networks)`` of what each of ``compared`` is worth."""
        return self.sample(self.compared)

    @cached_property
    def chances(self) -> dict[Architecture, float]:
        """How probable it is that each of ``compared`` is on the front: no lighter or equal one has as much."""
        found = chances_of_front([point.cost.params for point in self.compared], self.draws)
        return {point.architecture: chance for point, chance in zip(self.compared, found.tolist(), strict=True)}

    @cached_property
    def doubts(self) -> dict[Architecture, float]:
        """How much of what is not sure about the front hangs on each of ``compared``; see ``chances.doubts``."""
        found = doubts([point.cost.params for point in self.compared], self.draws)
        return {point.architecture: doubt for point, doubt in zip(self.compared, found.tolist(), strict=True)}

    def chance_within(self, point: FrontPoint, delta: float) -> float:
        """How probable it is that ``point`` is at most ``delta`` below the best of all."""
        return chance_within(self.compared.index(point), delta, self.draws)

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
    trials: Sequence[Trial],
    plain: Architecture | None = None,
    references: Mapping[Architecture, str] | None = None,
    counterparts: Mapping[Architecture, Architecture] | None = None,
    controls: Set[Architecture] = frozenset(),
) -> Front:
    """The front of the completed trials of one phase.

    Args:
        trials: of one phase, since the phases score different cases (``ValueError``).
        plain: the network that gains refer to; left out, the architecture of trial 0, completed or not.
        references: names of those that take no part.
        counterparts: see ``Front``.
        controls: those that are trained as counterparts alone.
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

    def made(group: Sequence[Trial]) -> FrontPoint:
        architecture = group[0].architecture
        return point_of(
            group,
            lost.get((architecture, group[0].steps), set()) - {trial.seed for trial in group},
            of_plain,
            is_plain=architecture == plain,
            reference=references.get(architecture),
            is_control=architecture in controls,
            spreads=spreads if group[0].steps == steps else dict,
        )

    spreads = functools.cache(lambda: spreads_of([*points, *apart]))  # takes a moment, and is seldom asked for
    apart = [made(group) for group in groups if group[0].architecture in references and group[0].steps == steps]
    points = [made(group) for group in taking_part if group[0].steps == steps]
    return Front(
        *parted(points),
        tuple(apart),
        tuple(made(group) for group in groups if group[0].steps != steps),
        counterparts or {},
    )


def parted(
    points: Sequence[FrontPoint],
) -> tuple[tuple[FrontPoint, ...], tuple[FrontPoint, ...], FrontPoint | None]:
    """The points that no other of them dominates, the others, and the plain network; each by rising parameters."""
    ranks = nondomination_ranks([point.cost.params for point in points], [point.dice for point in points])
    ranked = [
        point if point.on_front == (rank == 0) else replace(point, on_front=rank == 0)
        for point, rank in zip(points, ranks, strict=True)
    ]
    ranked.sort(key=lambda point: point.cost.params)
    return (
        tuple(point for point in ranked if point.on_front),
        tuple(point for point in ranked if not point.on_front),
        next((point for point in ranked if point.is_plain), None),
    )


def front_of_finals(
    trials: Sequence[Trial],
    references: Mapping[Architecture, str],
    counterparts: Mapping[Architecture, Architecture] | None = None,
) -> Front | None:
    """The front of the finals of a run; None before any has ended that counts.

    Args:
        trials: all of the run.
        references: names of networks to compare with; those that the search tried too are points as any other.
        counterparts: of finalists with attention the plain networks of equal size. They take part in the front, as
            networks that would do as well; those that the search tried too are points as any other.
    """
    searched = {trial.architecture for trial in trials if trial.phase == "search"}
    apart = {architecture: name for architecture, name in references.items() if architecture not in searched}
    finals = [trial for trial in trials if trial.phase == "final"]
    controls = set((counterparts or {}).values()) - searched - set(apart)
    if all(trial.dice is None or trial.architecture in {*apart, *controls} for trial in finals):
        return None
    return front_of(finals, plain_network(trials), apart, counterparts, controls)


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


def _ends(low: float | None, high: float | None) -> tuple[float, float] | None:
    return None if low is None or high is None else (low, high)


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
