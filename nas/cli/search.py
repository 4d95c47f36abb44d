"""``nas search``: launch or resume a search."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from shlex import quote
from typing import TYPE_CHECKING, Annotated

import typer

from nas.cli.app import app, console, errors
from nas.cli.places import from_here
from nas.config.sources import find_config
from search_spaces.errors import InputError

if TYPE_CHECKING:
    from nas.run import Run


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
    if config is not None:
        config = find_config(config)
    with console.status("starting torch"):
        from nas.cli.live import LiveWatcher
        from nas.engine.launch import search as launch

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
            if watcher.folder is None:
                errors.print("stopped before the first trial; nothing was written")
            else:
                _show_what_there_is(watcher.folder)
                where = "" if runs == Path("runs") else f" --runs {quote(str(runs))}"
                errors.print(f"stopped; go on with: nas search --resume --run {quote(watcher.folder.name)}{where}")
            raise
    _show(finished)


def _show_what_there_is(folder: Path) -> None:
    """The front of a search that was stopped, where a trial is completed."""
    from nas.cli.tables import front_view
    from nas.run import Run

    stopped = Run(folder)
    with suppress(InputError):
        stopped.front.best()
        console.print(front_view(stopped))


def _why_nothing(finished: Run) -> str:
    """What a run without a completed trial has to say."""
    ended = finished.summary.get("ended") or "no trial was started"
    if not finished.journal:
        return f"the search ended before any trial did: {ended}"
    return (
        f"all failed, the last for this: {finished.journal[-1].error}; see {from_here(finished.folder)}/journal.jsonl"
    )


def _show(finished: Run) -> None:
    """The front, how it went, and the export of the best."""
    from nas.cli.live import closing_lines
    from nas.cli.tables import front_view
    from nas.exports.export import export_point

    try:
        best = finished.front.best()
    except InputError as error:
        raise InputError(f"run '{finished.name}': {error}; {_why_nothing(finished)}") from None
    trained = finished.trained(best) is not None
    folder = from_here(finished.folder / "export")
    if trained:  # before anything is shown: what is shown may go to a pipe that is closed
        export_point(finished, best, folder)
    console.print(front_view(finished))
    for line in closing_lines(finished):
        console.print(line, highlight=False, soft_wrap=True)
    if trained:
        line = f"exported the best to {folder}: try  nas predict {quote(str(folder))} IMAGE..."
        console.print(line, highlight=False, soft_wrap=True)
