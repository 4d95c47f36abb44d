"""A front as the terminal shows it: a plot and a table."""

from __future__ import annotations

import statistics

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from nas.cli.app import WIDE, console
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
RIGHT = ("params", "Dice", "±seeds", "failed", "p", "false pos.")  # columns of numbers alone


def front_view(run: Run) -> Group:
    """Plot and table of the best evidence a run has. Raises ``InputError`` when there is none."""
    final = run.final_front
    front = final or run.search_front
    if not front.points:
        raise InputError(f"run '{run.name}': no completed trial")
    cases = run.final_cases if final else "validation cases"
    seeds = max(point.seeds for point in front.everything)
    title = f"{run.name}: Dice on {cases}, mean of {seeds} seed{'s' if seeds > 1 else ''}"
    plot = front_plot(front, title, min(WIDTH, console.width))
    sure = [] if final is None else could_be_shown(front)
    return Group(plot, front_table(front, everything=final is not None), *left_behind(front), *sure)


def could_be_shown(front: Front) -> list[RenderableType]:
    """A line on how small a gain the cases and seeds of a front could have shown."""
    found = [one.detectable for one in front.comparisons.values() if one.detectable]
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
    compared = front.comparisons if everything and console.width >= WIDE else {}
    failures = any(point.failed for point in front.everything)  # each counts as a Dice of 0
    empties = any(point.false_positives is not None for point in front.everything)  # cases without a class
    names = ["params", "Dice", "±seeds", *(["failed"] if failures else []), "95% interval", "gain on plain"]
    names += [*(["p"] if compared else []), *(["false pos."] if empties else []), "architecture"]
    table = Table(box=None, pad_edge=False, header_style="bold")
    for name in names:
        table.add_column(name, justify="right" if name in RIGHT else "left", no_wrap=name != "architecture")
    shown = list(front.points)
    if everything:
        shown += front.dominated
    elif front.plain is not None and front.plain not in shown:
        shown.append(front.plain)
    shown += front.references
    shown.sort(key=lambda point: point.cost.params)
    for point in shown[-rows:]:
        cells = _cells(point, compared.get(point.architecture))
        table.add_row(*(cells[name] for name in names), style=None if point.on_front else "dim")
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


def _cells(point: FrontPoint, comparison: Comparison | None) -> dict[str, RenderableType]:
    """What each column says of a point."""
    interval = "" if point.low is None or point.high is None else f"{point.low:.3f} to {point.high:.3f}"
    gain = ""
    if point.gain is not None and point.gain_low is not None and point.gain_high is not None:
        gain = f"{point.gain:+.3f} ({point.gain_low:+.3f} to {point.gain_high:+.3f})"
    elif point.is_plain:
        gain = "plain network"
    return {
        "params": format_count(point.cost.params),
        "Dice": f"{point.dice:.3f}",
        "±seeds": "" if point.spread is None else f"{point.spread:.3f}",
        "failed": f"{point.failed} of {point.seeds}" if point.failed else "",
        "95% interval": interval,
        "gain on plain": gain,
        "p": "" if comparison is None or comparison.p is None else _p_value(comparison.p),
        "false pos.": "" if point.false_positives is None else f"{point.false_positives:.0%}",
        "architecture": Text(f"reference {point.reference}") if point.reference else describe(point.architecture),
    }


def _p_value(p: float) -> str:
    return "<0.001" if p < 0.001 else f"{p:.3f}"
