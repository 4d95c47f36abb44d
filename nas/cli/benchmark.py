"""``nas benchmark``: record what many architectures score, and replay searches from it."""

from __future__ import annotations

import statistics
from pathlib import Path
from typing import Annotated

import typer
from rich.progress import track
from rich.table import Table

from nas.cli.app import app, console
from nas.config.sources import find_config
from nas.quantities import format_duration
from search_spaces.errors import InputError, unknown_name

benchmark = typer.Typer(no_args_is_help=True, help="Record what many architectures score; replay searches from it.")
app.add_typer(benchmark, name="benchmark")


@benchmark.command()
def record(
    config: Annotated[Path, typer.Argument(help="YAML config whose task, space and training count.")],
    out: Annotated[Path | None, typer.Option(help="The table; left out, beside the config, as .csv.")] = None,
    architectures: Annotated[int, typer.Option(min=2, help="Most of them; a third with each further seed.")] = 600,
    seeds: Annotated[int, typer.Option(min=1, help="How many seeds.")] = 3,
    address: Annotated[str | None, typer.Option(help="Address of a running Ray cluster, or 'auto'.")] = None,
    runs: Annotated[Path, typer.Option(help="Folder of runs.")] = Path("runs"),
) -> None:
    """Train many architectures of a small space, and write a table; goes on where it was stopped."""
    config = find_config(config)
    out = out or config.with_suffix(".csv")
    with console.status("starting torch"):
        from nas.benchmark.recording import record as recorded
        from nas.cli.live import LiveWatcher

    with LiveWatcher(console) as watcher:
        rows = recorded(
            config,
            out,
            architectures=architectures,
            seeds=seeds,
            runs=runs,
            address=address,
            watcher=watcher,
            reading=watcher.reading,
        )
    failed = sum(row.dice is None for row in rows)
    console.print(f"{len(rows)} trainings, {failed} of them failed: {out}", highlight=False, soft_wrap=True)


@benchmark.command()
def replay(
    table: Annotated[Path, typer.Argument(help="A recorded table, CSV.")],
    space: Annotated[Path | None, typer.Option(help="Its space; left out, space.yaml beside it.")] = None,
    strategy: Annotated[list[str] | None, typer.Option(help="To replay; may be given several times.")] = None,
    trials: Annotated[int, typer.Option(min=2, help="Of one search.")] = 120,
    seeds: Annotated[int, typer.Option(min=1, help="Searches of each strategy.")] = 3,
    workers: Annotated[int, typer.Option(min=1, help="Simulated workers.")] = 1,
    reduction: Annotated[float, typer.Option(min=1, help="Of so many trials at a rung one goes on.")] = 1.0,
) -> None:
    """Replay searches from a table: what each strategy finds, without training anything.

    The value is the hypervolume of the front that is recommended after so many trials, as a share of what all attention
    in the table gains over the plain networks; a network is worth what a model of the whole table makes of its scores.
    """
    from nas.benchmark.replay import BUDGETS, recorded
    from nas.benchmark.replay import replay as replayed
    from nas.strategies import STRATEGIES
    from nas.surrogate.recommendation import expected_front

    names = strategy or ["model", "random"]
    for name in names:
        if name not in STRATEGIES:
            raise InputError(unknown_name("strategy", name, STRATEGIES))
    found = recorded(table, space)
    rungs = found.rungs if reduction > 1 else []
    last = min(trials, len(found.rows))
    budgets = [*(budget for budget in BUDGETS if budget < last), last]
    shown = Table("strategy", *(f"{budget} trials" for budget in budgets), "time", "steps of all trials", box=None)
    for name in names:
        values, times, steps = [], [], []
        for seed in track(range(seeds), name, console=console, transient=True):
            made = STRATEGIES[name](found.space, found.budget, seed)
            done, cluster = replayed(
                found, made, trials=trials, seed=seed, workers=workers, rungs=rungs, reduction=reduction
            )
            values.append([found.gained(expected_front(done[:budget])) for budget in budgets])
            times.append(cluster.now)
            steps.append(sum(trial.steps for trial in done))
        shares = [f"{statistics.mean(each):.3f}" for each in zip(*values, strict=True)]
        shown.add_row(name, *shares, format_duration(statistics.mean(times)), f"{statistics.mean(steps):,.0f}")
    console.print(shown)
