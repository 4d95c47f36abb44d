"""``nas train``: train one architecture fully, without a search."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from nas.cli.app import app, console
from nas.cli.bars import stage_bars
from nas.cli.devices import DEVICE, Device


@app.command()
def train(
    architecture: Annotated[str, typer.Argument(help="preset:NAME, architecture file (YAML), or export folder.")],
    task: Annotated[str | None, typer.Option(help="Folder of a task, or phantom2d / phantom3d.")] = None,
    config: Annotated[Path | None, typer.Option(help="YAML config for the task and training sections.")] = None,
    set_: Annotated[
        list[str] | None, typer.Option("--set", metavar="KEY=VALUE", help="Change a key, as training.steps=2000.")
    ] = None,
    out: Annotated[Path, typer.Option(help="Folder for the export.")] = Path("trained"),
    device: DEVICE = Device.cpu,
) -> None:
    """Train an architecture, score it on the test cases, and export it."""
    from nas.engine.full_training import train_fully

    with stage_bars() as show:

        def tell(notes: Sequence[str]) -> None:
            for note in notes:
                console.print(f"note: {note}", highlight=False, soft_wrap=True)

        evaluation = train_fully(architecture, task, config, set_ or [], out, device, show, tell)
    scores = ", ".join(f"{name} {round(value, 4):g}" for name, value in evaluation.metrics.items())
    console.print(f"{out}: {scores}", highlight=False, soft_wrap=True)
