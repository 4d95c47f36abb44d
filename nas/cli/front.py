"""``nas front``: the front of a run, or the pick from it; the fronts of several runs over each other."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from nas.cli.app import app, console
from nas.cli.picks import AT_LEAST, BUDGET, KEY, KNEE, LATENCY, MACS, RUNS, TOLERANCE, limits_of, pick
from search_spaces.errors import InputError

if TYPE_CHECKING:
    from nas.evidence.front import Front
    from nas.run import Run


@app.command()
def front(
    run: Annotated[list[str], typer.Argument(metavar="RUN...", help="Names or folders of runs.")],
    budget: BUDGET = None,
    macs: MACS = None,
    latency: LATENCY = None,
    knee: KNEE = False,
    tolerance: TOLERANCE = None,
    at_least: AT_LEAST = None,
    key: KEY = None,
    search: Annotated[bool, typer.Option("--search", help="Of the search, though there are finals.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Plain data on standard output.")] = False,
    as_csv: Annotated[bool, typer.Option("--csv", help="All networks as a table on standard output.")] = False,
    scores: Annotated[
        bool, typer.Option("--scores", help="Surface Dice, HD95 and calibration instead of gains.")
    ] = False,
    classes: Annotated[bool, typer.Option("--classes", help="Dice and HD95 of each class instead of gains.")] = False,
    cost: Annotated[
        bool, typer.Option("--cost", help="Multiply-accumulates, time and memory of a prediction instead of gains.")
    ] = False,
    picture: Annotated[
        Path | None, typer.Option(help="Write the plot to this PNG, SVG or PDF file (extra 'report').")
    ] = None,
    runs: RUNS = Path("runs"),
) -> None:
    """Show the Pareto front of a run; with a limit or a rule, only the pick from it. Several runs share a plot."""
    from nas.run import load_run

    if as_json and as_csv:
        raise InputError("front: expected one of --json and --csv; got both")
    limits = limits_of(budget, macs, latency)
    loaded = [load_run(name, runs) for name in run]
    if len(loaded) > 1:
        alone = {"--knee": knee, "--tolerance": tolerance, "--at-least": at_least, "--key": key}
        alone |= {"--scores": scores, "--classes": classes, "--cost": cost}
        for option, given in alone.items():
            if given not in (None, False):
                raise InputError(f"front: {option} takes one run; got {len(loaded)}")
        from nas.cli.several import comparable_fronts

        fronts = {
            one: limits.front(found, one.inference_costs) for one, found in comparable_fronts(loaded, search).items()
        }
        _show_several(fronts, as_json, as_csv, picture)
        return

    from nas.cli.cost_table import conditions, cost_table
    from nas.cli.score_table import class_table, explanation, score_table
    from nas.cli.tables import front_view, lightest, pick_table, reaching
    from nas.evidence.picks import chance_of_reaching
    from nas.evidence.plain_data import front_to_csv, front_to_list

    (one,) = loaded
    shown = limits.front(one.search_front if search else one.front, one.inference_costs)
    chosen = pick(shown, limits, knee, tolerance, at_least, key)
    if picture is not None:
        from nas.pictures.front_picture import draw_front

        draw_front(one, picture)
    if as_json or as_csv:
        points = front_to_list(shown, costs=one.inference_costs)
        if chosen is not None:
            points = [point for point in points if point["key"] == chosen.architecture.key][:1]
            if tolerance is not None:
                probability = shown.chance_within(chosen, tolerance)
                points[0]["within"] = {"tolerance": tolerance, "probability": probability}
            if at_least is not None:
                points[0]["reaches"] = {"dice": at_least, "probability": chance_of_reaching(shown, chosen, at_least)}
        if as_csv:
            sys.stdout.write(front_to_csv({one.name: points}))
        else:
            print(json.dumps(points if chosen is None else points[0], indent=1, allow_nan=False))
        return
    if scores:
        console.print(score_table(shown), explanation(shown))
    if classes:
        console.print(class_table(shown, one.preprocessing.classes))
    if cost:
        console.print(cost_table(shown, one.inference_costs), *conditions(one.inference_costs))
    asked = scores or classes or cost
    if chosen is None:
        if not asked:
            console.print(front_view(one, search))
        return
    if not asked:
        console.print(pick_table(shown, chosen))
    if tolerance is not None:
        console.print(lightest(shown, tolerance))
    if at_least is not None:
        console.print(reaching(shown, chosen, at_least))
    console.print(chosen.architecture.to_yaml(), highlight=False)


def _show_several(fronts: dict[Run, Front], as_json: bool, as_csv: bool, picture: Path | None) -> None:
    """The fronts of several runs, as asked for."""
    from nas.cli.several import names_of, several_view
    from nas.evidence.plain_data import front_to_csv, front_to_list

    names = names_of(list(fronts))
    if picture is not None:
        from nas.pictures.front_picture import draw_fronts

        draw_fronts(dict(zip(names, fronts.values(), strict=True)), picture)
    if not (as_json or as_csv):
        console.print(several_view(fronts))
        return
    told: dict[str, list[dict[str, Any]]] = {
        name: front_to_list(front, costs=run.inference_costs)
        for name, (run, front) in zip(names, fronts.items(), strict=True)
    }
    if as_csv:
        sys.stdout.write(front_to_csv(told))
    else:
        print(json.dumps(told, indent=1, allow_nan=False))
