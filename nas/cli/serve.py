"""``nas serve``: runs as live pages, while they go on."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from nas.cli.app import app, console
from nas.cli.picks import RUNS
from search_spaces.errors import InputError

PORT = 8642


@app.command()
def serve(
    named: Annotated[
        list[str] | None, typer.Argument(metavar="[RUN]...", help="Runs; left out, all there are.")
    ] = None,
    host: Annotated[
        str, typer.Option(help="Address to listen at; beyond this machine a token is asked for.")
    ] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port; 0: any that is free.")] = PORT,
    runs: RUNS = Path("runs"),
) -> None:
    """Show runs in a browser while they go on: the page of 'nas report', with newer trials as they end.

    Nothing can be changed there. Ctrl-C ends it; the runs go on.
    """
    from nas.serving.watched import watched_runs

    try:
        from nas.serving.server import door
    except ImportError:
        raise InputError(
            "serving needs starlette and uvicorn; install them with: pip install 'attention-nas[serve]'"
        ) from None
    watched = watched_runs(named or [], runs)
    opened = door(watched, host, port)
    names = ", ".join(run.name for run in watched)
    console.print(f"{opened.address} ({names}); Ctrl-C ends it", highlight=False, soft_wrap=True)
    opened.serve()
