"""``nas front``: the front of a run, or the pick from it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from nas.cli.app import app, console
from nas.cli.picks import BUDGET, KNEE, RUNS, TOLERANCE, pick


@app.command()
def front(
    run: Annotated[str, typer.Argument(help="Name or folder of a run.")],
    budget: BUDGET = None,
    knee: KNEE = False,
    tolerance: TOLERANCE = None,
    search: Annotated[bool, typer.Option("--search", help="Of the search, though there are finals.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Plain data on standard output.")] = False,
    scores: Annotated[
        bool, typer.Option("--scores", help="Surface Dice, HD95 and calibration instead of gains.")
    ] = False,
    cost: Annotated[
        bool, typer.Option("--cost", help="Multiply-accumulates, time and memory of a prediction instead of gains.")
    ] = False,
    picture: Annotated[
        Path | None, typer.Option(help="Write the plot to this PNG, SVG or PDF file (extra 'report').")
    ] = None,
    runs: RUNS = Path("runs"),
) -> None:
    """Show the Pareto front of a run; with an option, only the pick from it."""
    from nas.cli.cost_table import conditions, cost_table
    from nas.cli.score_table import explanation, score_table
    from nas.cli.tables import front_view, lightest, pick_table
    from nas.evidence.plain_data import front_to_list
    from nas.run import load_run

    loaded = load_run(run, runs)
    shown = loaded.search_front if search else loaded.front
    chosen = pick(shown, budget, knee, tolerance)
    if picture is not None:
        from nas.pictures.front_picture import draw_front

        draw_front(loaded, picture)
    if as_json:
        points = front_to_list(shown, costs=loaded.inference_costs)
        if chosen is None:
            print(json.dumps(points, indent=1, allow_nan=False))
            return
        told = next(point for point in points if point["key"] == chosen.architecture.key)
        if tolerance is not None:
            told["within"] = {"tolerance": tolerance, "probability": shown.chance_within(chosen, tolerance)}
        print(json.dumps(told, indent=1, allow_nan=False))
        return
    if scores:
        console.print(score_table(shown), explanation(shown))
    if cost:
        console.print(cost_table(shown, loaded.inference_costs), *conditions(loaded.inference_costs))
    if chosen is None:
        if not (scores or cost):
            console.print(front_view(loaded, search))
        return
    if not (scores or cost):
        console.print(pick_table(shown, chosen))
    if tolerance is not None:
        console.print(lightest(shown, tolerance))
    console.print(chosen.architecture.to_yaml(), highlight=False)
