"""A front as the terminal shows it: a plot and a table."""

from __future__ import annotations

import statistics
from collections.abc import Mapping

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from nas.cli.app import console
from nas.cli.plot import front_plot
from nas.evidence.comparison import Comparison
from nas.evidence.front import Front, FrontPoint
from nas.quantities import format_count
from nas.run import Run
from search_spaces.architecture.architecture import Architecture
from search_spaces.attention.mechanism import Value
from search_spaces.errors import InputError
from search_spaces.hosts import HOSTS

WIDTH = 90
WIDE = 100  # columns of a terminal from which on there is room for p values


def front_view(run: Run) -> Group:
    """Plot and table of the best evidence a run has. Raises ``InputError`` when there is none."""
    final = run.final_front
    front = final or run.search_front
    if not front.points:
        raise InputError(f"run '{run.name}': no completed trial")
    cases = "test" if final else "validation"
    seeds = max(point.seeds for point in front.everything)
    title = f"{run.name}: Dice on {cases} cases, mean of {seeds} seed{'s' if seeds > 1 else ''}"
    plot = front_plot(front, title, min(WIDTH, console.width))
    sure = [] if final is None else could_be_shown(front)
    return Group(plot, front_table(front, everything=final is not None), *left_behind(front), *sure)


def could_be_shown(front: Front) -> list[RenderableType]:
    """A line on how small a gain the cases and seeds of a front could have shown."""
    found = [one.detectable for one in front.comparisons().values() if one.detectable]
    if not found:
        return []
    test = "p: Wilcoxon's test over cases, by Holm's correction; " if console.width >= WIDE else ""
    text = f"these cases and seeds would show a gain of {statistics.median(found):.3f} in four of five such studies"
    return [Text(test + text, style="dim")]


def left_behind(front: Front) -> list[RenderableType]:
    """A line on what was trained for another number of steps than the front, and so does not compare."""
    if not front.behind:
        return []
    steps = ", ".join(map(str, sorted({point.steps for point in front.behind})))
    count = len(front.behind)
    text = (
        f"{count} network{'s' if count > 1 else ''} trained for {steps} steps only, not {front.steps} as the front: "
        "not compared"
    )
    return [Text(text, style="dim")]


def front_table(front: Front, everything: bool = False, rows: int = 12) -> Table:
    """The points and the references by rising parameters; ``everything`` shows the dominated ones too."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    empties = any(point.false_positives is not None for point in front.everything)
    failures = any(point.failed for point in front.everything)
    compared = front.comparisons() if everything and console.width >= WIDE else {}
    columns = [
        ("params", "right"),
        ("Dice", "right"),
        ("±seeds", "right"),
        ("failed", "right"),
        ("95% interval", "left"),
    ]
    columns += [("gain on plain", "left"), ("p", "right"), ("false pos.", "right"), ("architecture", "left")]
    absent = {"failed": not failures, "p": not compared, "false pos.": not empties}
    for name, justify in columns:
        if absent.get(name):
            continue
        table.add_column(name, justify=justify, no_wrap=name != "architecture")  # type: ignore[arg-type]
    shown = list(front.points)
    if everything:
        shown += front.dominated
    elif front.plain is not None and front.plain not in shown:
        shown.append(front.plain)
    shown += front.references
    shown.sort(key=lambda point: point.cost.params)
    for point in shown[-rows:]:
        cells = _cells(point, empties, failures, compared)
        table.add_row(*cells, style=None if point.on_front else "dim")
    return table


def describe(architecture: Architecture) -> RenderableType:
    """The host with its size and what is no default, short, then what sits where."""
    defaults = HOSTS[architecture.host].defaults
    (first, size), (second, width), *others = architecture.options
    host = f"{architecture.host} {first} {size} {second} {width}"
    extra = [_short(name, value) for name, value in others if value != defaults[name]]
    placed = [f"{slot}: {' > '.join(map(str, series))}" for slot, series in architecture.attention]
    return Text(", ".join([host, *extra]) + ("; " + "; ".join(placed) if placed else " (plain)"))


def _short(name: str, value: Value) -> str:
    """A word speaks for itself, a number or a truth value does not."""
    return value if isinstance(value, str) else f"{name} {value}"


def _cells(
    point: FrontPoint, empties: bool, failures: bool, compared: Mapping[Architecture, Comparison]
) -> list[RenderableType]:
    """``empties``: whether there are cases without a class, and a share of them in which it is predicted.

    ``failures``: whether any training of the front failed; each counts as a Dice of 0. ``compared``: with the plain
    network; empty where that is not shown.
    """
    comparison = compared.get(point.architecture)
    interval = "" if point.low is None or point.high is None else f"{point.low:.3f} to {point.high:.3f}"
    gain = ""
    if point.gain is not None and point.gain_low is not None and point.gain_high is not None:
        gain = f"{point.gain:+.3f} ({point.gain_low:+.3f} to {point.gain_high:+.3f})"
    elif point.is_plain:
        gain = "plain network"
    return [
        format_count(point.cost.params),
        f"{point.dice:.3f}",
        "" if point.spread is None else f"{point.spread:.3f}",
        *([f"{point.failed} of {point.seeds}" if point.failed else ""] if failures else []),
        interval,
        gain,
        *(["" if comparison is None or comparison.p is None else _p_value(comparison.p)] if compared else []),
        *(["" if point.false_positives is None else f"{point.false_positives:.0%}"] if empties else []),
        Text(f"reference {point.reference}") if point.reference else describe(point.architecture),
    ]


def _p_value(p: float) -> str:
    return "<0.001" if p < 0.001 else f"{p:.3f}"
