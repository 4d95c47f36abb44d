"""The fronts of several runs over each other."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from rich.console import Group, RenderableType
from rich.text import Text

from nas.cli.app import console
from nas.cli.plot import fronts_plot, run_marks
from nas.cli.tables import WIDTH, front_table
from nas.evidence.front import Front
from nas.run import Run
from search_spaces.errors import InputError


def comparable_fronts(runs: Sequence[Run], search: bool) -> dict[Run, Front]:
    """The front of each run: of the finals where all of them have some and not ``search``, else of the search."""
    finals = [run.final_front for run in runs]
    fronts = [run.search_front if search or None in finals else final for run, final in zip(runs, finals, strict=True)]
    for run, front in zip(runs, fronts, strict=True):
        if front is None or not front.points:
            raise InputError(f"run '{run.name}': no completed trial")
    return {run: front for run, front in zip(runs, fronts, strict=True) if front is not None}


def several_view(fronts: Mapping[Run, Front]) -> Group:
    """One plot of all fronts, then the table of each; what makes them no fair comparison is said first."""
    names = names_of(list(fronts))
    kinds = "search, validation cases" if any(front.points[0].belief for front in fronts.values()) else "finals"
    plot = fronts_plot(
        dict(zip(names, fronts.values(), strict=True)),
        f"Dice of {len(fronts)} runs: {kinds}",
        min(WIDTH, console.width),
    )
    tables: list[RenderableType] = []
    for name, mark, front in zip(names, run_marks(len(fronts)), fronts.values(), strict=True):
        tables += [Text(), Text.assemble((mark[0], mark[1]), f"  {name}"), front_table(front)]
    return Group(plot, *_unlike(fronts), *tables)


def names_of(runs: Sequence[Run]) -> list[str]:
    """By name, and by folder where two have the same."""
    names = [run.name for run in runs]
    return [name if names.count(name) == 1 else str(run.folder) for name, run in zip(names, runs, strict=True)]


def _unlike(fronts: Mapping[Run, Front]) -> list[Text]:
    """Lines on what the runs differ in that their Dice depends on."""
    told = {
        "data": {run.config["data"]["fingerprint"] for run in fronts},
        "steps of training": {front.steps for front in fronts.values()},
    }
    unlike = [name for name, values in told.items() if len(values) > 1]
    return [Text(f"not a fair comparison: other {' and '.join(unlike)}", style="yellow")] if unlike else []
