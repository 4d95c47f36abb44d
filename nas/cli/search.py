"""``nas search``: launch or resume a search."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from nas.cli.app import app, console, errors
from search_spaces.errors import InputError


@app.command()
def search(
    config: Annotated[
        Path | None, typer.Argument(help="YAML config; left out, a small phantom task made by the tool.")
    ] = None,
    run: Annotated[str | None, typer.Option(help="Name of the run; left out, the config's, numbered.")] = None,
    set_: Annotated[
        list[str] | None, typer.Option("--set", metavar="KEY=VALUE", help="Change a key, as training.steps=800.")
    ] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Go on with a run that was stopped.")] = False,
    address: Annotated[
        str | None, typer.Option(help="Address of a running Ray cluster, or 'auto'; left out, this machine.")
    ] = None,
    runs: Annotated[Path, typer.Option(help="Folder of runs.")] = Path("runs"),
) -> None:
    """Search, retrain the front on unseen cases, and export the best."""
    from nas.cli.live import LiveWatcher
    from nas.cli.tables import front_view
    from nas.export import export_point
    from nas.launch import search as launch

    with LiveWatcher(console) as watcher:
        try:
            finished = launch(
                config,
                settings=set_ or [],
                run=run,
                resume=resume,
                runs=runs,
                address=address,
                watcher=watcher,
                reading=watcher.reading,
            )
        except KeyboardInterrupt:
            if watcher.folder is not None:
                errors.print(f"stopped; go on with: nas search --resume --run {watcher.folder.name}")
            raise
    console.print(front_view(finished))
    for line in watcher.summary(finished):
        console.print(line, highlight=False)
    try:
        best = finished.front.best()
        if finished.weights(best) is not None:
            folder = export_point(finished, best, finished.folder / "export")
            console.print(f"exported the best to {folder}: try  nas predict {folder} IMAGE...", highlight=False)
    except InputError as error:
        raise InputError(f"run '{finished.name}': {error}; see {finished.folder}/journal.jsonl") from None
