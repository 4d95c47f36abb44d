"""The options that pick one point of a front, shared by the commands that need a pick."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from nas.quantities import parse_count
from search_spaces.errors import InputError

if TYPE_CHECKING:
    from nas.evidence.front import Front
    from nas.evidence.point import FrontPoint

BUDGET = Annotated[str | None, typer.Option(help="The best with at most this many parameters, as 50k.")]
KNEE = Annotated[bool, typer.Option("--knee", help="The point where more parameters stop paying.")]
TOLERANCE = Annotated[float | None, typer.Option(help="The smallest whose Dice is at most this far below the best.")]
RUNS = Annotated[Path, typer.Option(help="Folder of runs.")]


def pick(front: Front, budget: str | None, knee: bool, tolerance: float | None) -> FrontPoint | None:
    """The point asked for; None where none was. Raises ``InputError`` on two rules at once."""
    rules = {"--budget": budget is not None, "--knee": knee, "--tolerance": tolerance is not None}
    given = [name for name, asked in rules.items() if asked]
    if len(given) > 1:
        raise InputError(f"pick: expected one of --budget, --knee, --tolerance; got {' and '.join(given)}")
    if budget is not None:
        try:
            params = parse_count(budget)
        except InputError as error:
            raise InputError(f"--budget: {error}") from None
        return front.within_budget(params)
    if tolerance is not None:
        return front.within_tolerance(tolerance)
    return front.knee() if knee else None
