"""``nas export``: a folder that predicts without the run."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from nas.cli.app import app, console
from nas.cli.picks import AT_LEAST, BUDGET, KEY, KNEE, LATENCY, MACS, RUNS, TOLERANCE, limits_of, pick
from nas.cli.places import from_here


@app.command()
def export(
    run: Annotated[str, typer.Argument(help="Name or folder of a run.")],
    budget: BUDGET = None,
    macs: MACS = None,
    latency: LATENCY = None,
    knee: KNEE = False,
    tolerance: TOLERANCE = None,
    at_least: AT_LEAST = None,
    key: KEY = None,
    columns: Annotated[
        int | None, typer.Option(help="Of a nested U-Net trained with supervision: keep its first columns only.")
    ] = None,
    out: Annotated[Path | None, typer.Option(help="Folder to write; left out, 'export' in the run.")] = None,
    runs: RUNS = Path("runs"),
) -> None:
    """Export the best architecture of a run, or the pick, with its trained weights."""
    import yaml

    from nas.cli.tables import describe
    from nas.exports.export import ARCHITECTURE, MODEL, export_point
    from nas.quantities import format_count
    from nas.run import load_run
    from search_spaces.architecture.architecture import Architecture

    loaded = load_run(run, runs)
    limits = limits_of(budget, macs, latency)
    front = limits.front(loaded.front, loaded.inference_costs)
    point = pick(front, limits, knee, tolerance, at_least, key) or front.best()
    folder = export_point(loaded, point, out or from_here(loaded.folder / "export"), columns)
    about = yaml.safe_load((folder / MODEL).read_text(encoding="utf-8"))
    size = format_count(about["params"])
    own = about if columns is None else about["pruned_from"]
    scored = f"Dice {own['dice']:.4f}" + (" before pruning" if columns is not None else "")
    if "seeds" in own:
        scored += f" (mean of {own['seeds']['count']} trainings {own['seeds']['dice']:.4f})"
    console.print(f"{folder}: {scored}, {size} parameters", highlight=False, markup=False, soft_wrap=True)
    console.print(describe(Architecture.load(folder / ARCHITECTURE)), soft_wrap=True)
