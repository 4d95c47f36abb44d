"""``nas benchmark``: record what many architectures score, and replay searches from it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from nas.cli.app import app, console
from nas.config.sources import find_config

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
