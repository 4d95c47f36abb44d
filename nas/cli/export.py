"""``nas export``: a folder that predicts without the run."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

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
    format_: Annotated[
        list[str] | None,
        typer.Option("--format", help="Also write this, of those that 'nas list formats' names; may be repeated."),
    ] = None,
    out: Annotated[Path | None, typer.Option(help="Folder to write; left out, 'export' in the run.")] = None,
    runs: RUNS = Path("runs"),
) -> None:
    """Export the best architecture of a run, or the pick, with its trained weights."""
    import yaml

    from nas.cli.tables import describe
    from nas.exports.cases import FEW, MANY, cases_of
    from nas.exports.export import export_point
    from nas.exports.formats import FORMATS, check_packages
    from nas.exports.place import ARCHITECTURE, MODEL, check_free
    from nas.quantities import format_count
    from nas.run import load_run
    from search_spaces.architecture.architecture import Architecture
    from search_spaces.errors import InputError

    def say(line: str) -> None:
        console.print(line, highlight=False, soft_wrap=True)

    formats = list(dict.fromkeys(name for given in format_ or [] for name in given.split(",") if name != "folder"))
    check_packages(FORMATS[name] for name in formats)  # what cannot be had is said first, before cases are read
    loaded = load_run(run, runs)
    place = out or from_here(loaded.folder / "export")
    check_free(place)
    limits = limits_of(budget, macs, latency)
    front = limits.front(loaded.front, loaded.inference_costs)
    point = pick(front, limits, knee, tolerance, at_least, key) or front.best()
    cases, calibration = [], []
    if formats:
        try:
            exact = all(FORMATS[name].exact for name in formats)
            cases = cases_of(loaded, "test", FEW if exact else MANY)
            if any(FORMATS[name].calibrated for name in formats):
                calibration = cases_of(loaded, "val", MANY)
        except InputError as error:
            say(f"note: files are compared with the network on noise alone, the task's cases are not there: {error}")
    folder = export_point(loaded, point, place, columns, formats, cases, calibration)
    about = yaml.safe_load((folder / MODEL).read_text(encoding="utf-8"))
    size = format_count(about["params"])
    own = about if columns is None else about["pruned_from"]
    scored = f"Dice {own['dice']:.4f}" + (" before pruning" if columns is not None else "")
    if "seeds" in own:
        scored += f" (mean of {own['seeds']['count']} trainings {own['seeds']['dice']:.4f})"
    say(f"{folder}: {scored}, {size} parameters")
    console.print(describe(Architecture.load(folder / ARCHITECTURE)), soft_wrap=True)
    for told in about.get("formats", {}).values():
        say(f"{folder / told['file']}: {_agreement(told)}")


def _agreement(told: Mapping[str, Any]) -> str:
    """What a file of another format makes of cases beside the network."""
    if "cases" not in told:
        return "gives the network's logits on noise"
    cases = f"{told['cases']} test case{'s' if told['cases'] > 1 else ''}"
    dice = f"Dice {told['dice']} on {cases}, the network's own {told['dice_of_network']}"
    return f"{dice}; logits up to {told['of']:g} differ by at most {told['logits']:g}, at other sizes and batches too"
