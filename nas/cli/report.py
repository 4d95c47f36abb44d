"""``nas report``: a run as one page that a browser opens by itself."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from nas.cli.app import app, console
from nas.cli.picks import RUNS
from nas.cli.places import from_here


@app.command()
def report(
    run: Annotated[str, typer.Argument(help="Name or folder of a run.")],
    out: Annotated[Path | None, typer.Option(help="File to write; left out, 'report.html' in the run.")] = None,
    pictures: Annotated[
        bool, typer.Option(help="Predictions over test images, where the data and the trained weights are there.")
    ] = True,
    runs: RUNS = Path("runs"),
) -> None:
    """Write a run as one HTML page: the front, each network in detail, effects, failures.

    The page holds all that it shows and asks nothing of a network; it can be sent and kept as any file.
    """
    from evaluators.files import check_can_hold, write_text
    from nas.quantities import format_bytes
    from nas.report.content import content_of
    from nas.report.overlays import overlays_of
    from nas.report.page import page_of
    from nas.run import load_run

    loaded = load_run(run, runs)
    path = out or from_here(loaded.folder / "report.html")
    check_can_hold(path.parent)
    command = [run, *([] if runs == Path("runs") else ["--runs", str(runs)])]
    content = content_of(loaded, command, overlays_of if pictures else None)
    write_text(path, page_of(content))
    for note in content.notes:
        console.print(f"note: {note}", highlight=False, soft_wrap=True)
    size = format_bytes(path.stat().st_size)
    console.print(f"{path}: {len(content.networks)} networks, {size}", highlight=False, soft_wrap=True)
