"""Searches on a recorded table: a trial shows what was recorded and takes as long, on a clock that only counts."""

from __future__ import annotations

import functools
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from nas.benchmark.simulation import SimulatedCluster, simulated_search
from nas.benchmark.table import Row, read_table
from nas.engine.orders import Order, Outcome
from nas.evidence.hypervolume import Box, Steps
from nas.one_core import one_core
from nas.records.trial import Trial
from nas.strategies.budget import Budget
from nas.strategies.strategy import Strategy
from nas.surrogate.features import row_of
from nas.surrogate.observations import Observations, not_far
from nas.surrogate.posterior import Posterior
from nas.surrogate.scales import learn_scales
from search_spaces.architecture.architecture import Architecture
from search_spaces.architecture.cost import Cost
from search_spaces.errors import InputError
from search_spaces.space.space_file import load_space
from search_spaces.space.union import SearchSpace

SPACE = "space.yaml"  # beside a table, the space that it is of
BUDGETS = (10, 20, 30, 60, 120, 250, 500)  # trials after which the front of a search is looked at


@dataclass(frozen=True)
class Recorded:
    """A table as something to search: only what was recorded may be tried.

    Attributes:
        name: of the table.
        space: that it is of.
        rows: what each architecture scored, one row a seed.
        worth: what each is expected to score over all seeds, by a model of the whole table.
    """

    name: str
    space: SearchSpace
    rows: Mapping[Architecture, tuple[Row, ...]]
    worth: Mapping[Architecture, float]

    @property
    def steps(self) -> int:
        """Of a whole training."""
        return next(iter(self.rows.values()))[0].steps

    @functools.cached_property
    def rungs(self) -> list[int]:
        """Steps after which trainings were scored on the way."""
        return sorted({steps for rows in self.rows.values() for row in rows for steps, _ in row.curve})

    @functools.cached_property
    def box(self) -> Box:
        """From the lightest recorded network to the heaviest."""
        sizes = [rows[0].params for rows in self.rows.values()]
        return Box(min(sizes), max(sizes) + 1)

    @property
    def budget(self) -> Budget:
        """That admits what was recorded."""
        return Budget(self.rows.__contains__, lambda one: self.cost_of(one).params, self.box)

    def cost_of(self, architecture: Architecture) -> Cost:
        """As recorded, or worked out."""
        rows = self.rows.get(architecture)
        return Cost(rows[0].params, rows[0].macs) if rows else architecture.cost(1, 1, (32,) * architecture.dims)

    def area(self, architectures: Iterable[Architecture]) -> float:
        """Hypervolume of what these are worth."""
        return Steps((self.box.place(self.cost_of(one).params), self.worth[one]) for one in architectures).area()

    def gained(self, architectures: Iterable[Architecture]) -> float:
        """Share of what all attention of the table gains over the networks without any; 0 where it gains nothing."""
        plain = self.area(one for one in self.rows if one.is_plain)
        most = self.area(self.rows) - plain
        return (self.area(architectures) - plain) / most if most > 0 else 0.0

    def work(self, order: Order) -> Iterator[tuple[float, int, Outcome]]:
        """What comes of an order, see ``SimulatedCluster.run``; its seed chooses among the recorded ones."""
        rows = self.rows[order.architecture]
        row = rows[order.seed % len(rows)]
        shown = {**dict(row.curve), row.steps: row.dice}
        done = order.curve[-1][0] if order.curve else 0
        for step in (*(rung for rung in order.rungs if rung > done), row.steps):
            dice = shown.get(step)
            seconds = row.seconds * step / row.steps
            scored = Outcome(seconds, seconds, error="it failed when the table was recorded")
            if dice is not None:
                scored = Outcome(seconds, seconds, {"dice": dice}, {"all": {"all": dice}}, state=b"recorded")
            yield row.seconds * (step - done) / row.steps, step, scored
            done = step


def recorded(path: Path, space: Path | None = None, level: bool = True) -> Recorded:
    """The table in ``path``; its space lies in ``space``, or beside it. Raises ``InputError``.

    Trainings that were cut off are left out. With ``level`` what a seed does to all networks alike is taken off, see
    ``levelled``.
    """
    found_rows = read_table(path)
    steps = max((row.steps for row in found_rows if row.dice is not None), default=0)
    of_key: dict[str, list[Row]] = {}
    whole = [row for row in found_rows if row.dice is None or row.steps == steps]
    for row in levelled(whole) if level else whole:
        of_key.setdefault(row.key, []).append(row)
    place = space or path.parent / SPACE
    for dims in (2, 3):
        found = load_space(str(place), dims)
        known = {one.key: one for one in found if one.key in of_key}
        if known:
            break
    if len(known) < len(of_key):
        raise InputError(f"table '{path}': {len(of_key) - len(known)} of {len(of_key)} are not in space '{place}'")
    rows = {known[key]: tuple(sorted(each, key=lambda row: row.seed)) for key, each in of_key.items()}
    if not steps:
        raise InputError(f"table '{path}': no training has a Dice")
    return Recorded(path.stem, found, rows, _worth(rows))


def levelled(rows: Sequence[Row]) -> list[Row]:
    """The rows as if all had the first seed: less what another one does to all networks alike, at every step.

    A seed chooses batches and augmentations, the same for all networks, which is often more than what networks differ
    by. How much that is tell the networks that were trained with all seeds: the median difference of their scores.
    """
    seeds = sorted({row.seed for row in rows})
    shown: dict[str, dict[int, dict[int, float]]] = {}  # by key, seed and step
    for row in rows:
        if row.dice is not None:
            shown.setdefault(row.key, {})[row.seed] = {**dict(row.curve), row.steps: row.dice}
    whole = [of_seed for of_seed in shown.values() if len(of_seed) == len(seeds)]
    steps = {step for of_seed in whole for curve in of_seed.values() for step in curve}
    shifts = {
        (seed, step): float(np.median([one[seed][step] - one[seeds[0]][step] for one in both]))
        for seed in seeds
        for step in steps
        if (both := [one for one in whole if step in one[seed] and step in one[seeds[0]]])
    }

    def level(row: Row, step: int, dice: float) -> float:
        return float(np.clip(dice - shifts.get((row.seed, step), 0.0), 0, 1))

    return [
        row
        if row.dice is None
        else replace(
            row,
            dice=level(row, row.steps, row.dice),
            curve=tuple((step, level(row, step, dice)) for step, dice in row.curve),
        )
        for row in rows
    ]


@one_core()
def _worth(rows: Mapping[Architecture, Sequence[Row]]) -> dict[Architecture, float]:
    scores = {one: [row.dice for row in each if row.dice is not None] for one, each in rows.items()}
    scores = {one: each for one, each in scores.items() if each}
    seen = Observations(
        tuple(scores),
        tuple(map(row_of, scores)),
        not_far(np.array([np.mean(each) for each in scores.values()])),
        np.array([len(each) for each in scores.values()]),
        np.array([rows[one][0].params for one in scores]),
    )
    means = Posterior(seen, learn_scales(seen)).of_tried(seen)
    return dict.fromkeys(rows, 0.0) | dict(zip(scores, means.tolist(), strict=True))


def replay(
    table: Recorded,
    strategy: Strategy,
    *,
    trials: int,
    seed: int,
    workers: int = 1,
    rungs: Sequence[int] = (),
    reduction: float = 1.0,
) -> tuple[list[Trial], SimulatedCluster]:
    """A search on a table: its trials in the order in which they ended, and the clock.

    Args:
        table: what is searched.
        strategy: made with ``table.space`` and ``table.budget``.
        trials, seed, workers, rungs, reduction: see ``Schedule``.
    """
    if not set(rungs) <= set(table.rungs):
        raise InputError(f"table '{table.name}': expected rungs among {table.rungs}; got {list(rungs)}")
    return simulated_search(
        strategy,
        table.cost_of,
        table.work,
        trials=trials,
        steps=table.steps,
        seed=seed,
        workers=workers,
        rungs=rungs,
        reduction=reduction,
    )
