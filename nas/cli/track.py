"""``nas track``: the trials of a run to TensorBoard, MLflow, Weights & Biases or Optuna."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from nas.cli.app import app, console, errors
from nas.cli.picks import RUNS
from search_spaces.errors import InputErrors


@app.command()
def track(
    run: Annotated[str, typer.Argument(help="Name or folder of a run.")],
    to: Annotated[
        list[str], typer.Argument(metavar="TRACKER[=PLACE]...", help="tensorboard, mlflow, wandb or optuna, and where.")
    ],
    runs: RUNS = Path("runs"),
) -> None:
    """Tell a tracker of the trials of a run that it does not know yet, as the key 'tracking' does while it runs."""
    from nas.run import load_run
    from nas.tracking.telling import Telling, check_trackers

    places: dict[str, bool | str] = {}
    for item in to:
        name, _, place = item.partition("=")
        places[name] = place or True
    faults = check_trackers(places)
    if faults:
        raise InputErrors(faults)
    loaded = load_run(run, runs)
    failed: list[str] = []
    telling = Telling(loaded.name, loaded.folder, loaded.config, places, failed.append)
    telling.tell(loaded.journal)
    telling.close()
    for line in failed:
        errors.print(line)
    told = [name for name in places if not any(line.startswith(f"tracking.{name}:") for line in failed)]
    if told:
        count = len(loaded.journal)
        console.print(f"{', '.join(told)}: {count} trials of {loaded.name}", highlight=False, soft_wrap=True)
    if failed:
        raise typer.Exit(1)
