"""The options that pick one point of a front, shared by the commands that need a pick."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from nas.quantities import parse_count
from search_spaces.errors import InputError

if TYPE_CHECKING:
    from nas.evidence.front import Front
    from nas.evidence.picks import Limits
    from nas.evidence.point import FrontPoint

BUDGET = Annotated[str | None, typer.Option(help="Only networks of at most so many parameters, as 50k.")]
MACS = Annotated[str | None, typer.Option(help="Only networks of at most so many multiply-accumulates, as 2G.")]
LATENCY = Annotated[
    float | None, typer.Option(help="Only networks that predict a patch on the CPU within so many milliseconds.")
]
KNEE = Annotated[bool, typer.Option("--knee", help="The point where more parameters stop paying.")]
TOLERANCE = Annotated[float | None, typer.Option(help="The lightest whose Dice is at most this far below the best.")]
AT_LEAST = Annotated[float | None, typer.Option(help="The lightest that is predicted to reach this Dice.")]
KEY = Annotated[str | None, typer.Option(help="One network by its key or the beginning of it, dominated ones too.")]
RUNS = Annotated[Path, typer.Option(help="Folder of runs.")]


def limits_of(budget: str | None, macs: str | None, latency: float | None) -> Limits:
    """What the options allow a network to cost."""
    from nas.evidence.picks import Limits

    return Limits(_count("--budget", budget), _count("--macs", macs), latency)


def pick(
    front: Front, limits: Limits, knee: bool, tolerance: float | None, at_least: float | None, key: str | None
) -> FrontPoint | None:
    """The point asked for, of a front within ``limits``: the best where they are all that was asked for, or None.

    Raises ``InputError`` on two rules at once.
    """
    from nas.evidence.picks import lightest_reaching, with_key

    rules: dict[str, Callable[[], FrontPoint] | None] = {
        "--knee": front.knee if knee else None,
        "--tolerance": None if tolerance is None else lambda: front.within_tolerance(tolerance),
        "--at-least": None if at_least is None else lambda: lightest_reaching(front, at_least),
        "--key": None if key is None else lambda: with_key(front, key),
    }
    given = {name: rule for name, rule in rules.items() if rule is not None}
    if len(given) > 1:
        raise InputError(f"pick: expected one of {', '.join(rules)}; got {' and '.join(given)}")
    for rule in given.values():
        return rule()
    return front.best() if limits else None


def _count(option: str, value: str | None) -> int | None:
    try:
        return None if value is None else parse_count(value)
    except InputError as error:
        raise InputError(f"{option}: {error}") from None
