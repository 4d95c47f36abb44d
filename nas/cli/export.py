"""``nas export``: a folder that predicts without the run."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from nas.cli.app import app, console
from nas.cli.picks import BUDGET, KNEE, RUNS, TOLERANCE, pick


@app.command()
def export(
    run: Annotated[str, typer.Argument(help="Name or folder of a run.")],
    budget: BUDGET = None,
    knee: KNEE = False,
    tolerance: TOLERANCE = None,
    out: Annotated[Path | None, typer.Option(help="Folder to write; left out, 'export' in the run.")] = None,
    runs: RUNS = Path("runs"),
) -> None:
    """Export the best architecture of a run, or the pick, with its trained weights."""
    from nas.cli.tables import describe
    from nas.export import export_point
    from nas.quantities import format_count
    from nas.run import load_run

    loaded = load_run(run, runs)
    front = loaded.front
    point = pick(front, budget, knee, tolerance) or front.best()
    folder = export_point(loaded, point, out or loaded.folder / "export")
    size = format_count(point.cost.params)
    console.print(f"{folder}: Dice {point.dice:.4f}, {size} parameters", highlight=False, markup=False, soft_wrap=True)
    console.print(describe(point.architecture), soft_wrap=True)
