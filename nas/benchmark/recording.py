"""Record a table: train many architectures of one space with the tool's own search, some of them with several seeds."""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from nas.benchmark.table import Row, row_of, write_table
from nas.config.checks import ShowReading, check
from nas.config.reading import read_config
from nas.engine.launch import search
from nas.engine.watcher import Watcher
from nas.run import RUNS, is_run, load_run
from search_spaces.architecture.architecture import Architecture
from search_spaces.errors import InputError
from search_spaces.space.union import SearchSpace

SMALL = 100_000  # architectures of a space that a table can be recorded of
REPEATED = 3  # one of so many architectures is trained with every seed


def record(
    config: Path,
    out: Path,
    *,
    architectures: int = 600,
    seeds: int = 3,
    runs: Path = RUNS,
    address: str | None = None,
    watcher: Watcher | None = None,
    reading: ShowReading = lambda what, done, total: None,
) -> list[Row]:
    """Train and write the table; what is there of an earlier attempt with the same arguments is gone on with.

    Args:
        config: of a search, whose task, space and training count. Each seed is a run of its own, named after it.
        out: the CSV file, written anew whenever a run has ended or was interrupted.
        architectures: most with the first seed; of the others a third.
        seeds: how many.
        runs, address, watcher, reading: see ``nas.search``.
    """
    data = read_config(config)
    checked = check(data, config.parent, reading=reading)
    chosen = {one.key: one for one in order(checked.space, architectures)}
    start = {key: one.to_dict() for key, one in chosen.items() if not one.is_plain}
    names = [f"{config.stem}-seed{seed}" for seed in range(seeds)]
    for seed, name in enumerate(names):
        count = architectures if seed == 0 else math.ceil(architectures / REPEATED)
        for_seed = {
            **data,
            "seed": seed,
            "space": checked.space.to_dict(),
            "start": dict(list(start.items())[: count - 1]),
            "limits": {**data.get("limits", {}), "trials": min(count, len(chosen))},
            "strategy": {"name": "random"},
            "finals": {"seeds": 0},
        }
        for_seed["task"] = {**data["task"], "path": checked.path}
        try:
            search(
                for_seed,
                run=name,
                resume=is_run(runs / name),
                runs=runs,
                address=address,
                watcher=watcher,
                reading=reading,
            )
        finally:
            ended = [load_run(done, runs) for done in names[: seed + 1] if is_run(runs / done)]
            rows = [
                row_of(trial)
                for run in ended
                for trial in run.journal
                if trial.architecture.key in chosen and trial.phase == "search"
                if trial.steps == run.config["training"]["steps"] or trial.dice is None  # no trial that was cut off
            ]
            if rows:
                write_table(out, rows)
    return rows


def order(space: SearchSpace, count: int) -> list[Architecture]:
    """The plain network, then others in random order: all with one mechanism, and with more as far as there is room.

    Any first part of it is a fair sample of the whole.
    """
    if space.size() > SMALL:
        raise InputError(f"space: expected at most {SMALL} architectures for a table; got {space.size()}")
    every = sorted(space, key=str)
    rng = np.random.default_rng(0)
    plain = [one for one in every if one.is_plain]
    single = [one for one in every if len(one.attention) == 1]
    more = [one for one in every if len(one.attention) > 1]
    chosen = [*plain[1:], *single, *_some(more, count - len(plain) - len(single), rng)]
    return [*plain[:1], *_some(chosen, len(chosen), rng)][:count]


def _some(architectures: list[Architecture], count: int, rng: np.random.Generator) -> Iterator[Architecture]:
    places = rng.permutation(len(architectures))[: max(count, 0)]
    return (architectures[place] for place in places.tolist())
