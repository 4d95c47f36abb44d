"""A front as the terminal shows it: a plot and a table."""

from __future__ import annotations

import statistics
from dataclasses import replace

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from nas.cli.app import WIDE, console
from nas.cli.plot import front_plot
from nas.evidence.comparison import Comparison
from nas.evidence.front import Front
from nas.evidence.picks import chance_of_reaching
from nas.evidence.point import FrontPoint
from nas.quantities import format_count
from nas.run import Run
from search_spaces.architecture.architecture import Architecture
from search_spaces.attention.mechanism import Value
from search_spaces.errors import InputError
from search_spaces.hosts import HOSTS

WIDTH = 90
RIGHT = ("params", "Dice", "±seeds", "seeds", "failed", "on front", "p", "false pos.", "size")  # of numbers alone
TOLERANCE = 0.01  # of Dice, by which the line below a front calls a network as good as the best


def front_view(run: Run, search: bool = False) -> Group:
    """Plot and table of the best evidence a run has, or of its search. Raises ``InputError`` when there is none."""
    final = None if search else run.final_front
    front = final or run.search_front
    if not front.points:
        raise InputError(f"run '{run.name}': no completed trial")
    cases = run.final_cases if final else "validation cases"
    counts = sorted({point.seeds for point in (*front.compared, *front.references)})
    seeds = " to ".join(map(str, dict.fromkeys([counts[0], counts[-1]])))
    title = f"{run.name}: Dice on {cases}, mean of {seeds} seed{'s' if counts[-1] > 1 else ''}"
    behind = run.search_front.compared if final else ()
    plot = front_plot(front, title, min(WIDTH, console.width), search=behind)
    table = front_table(front, everything=final is not None)
    sure = [by_the_model()] if final is None else [*equal_size(front), *could_be_shown(front)]
    return Group(plot, table, *left_behind(front), *sure, lightest(front, TOLERANCE))


def lightest(front: Front, tolerance: float) -> RenderableType:
    """A line on the lightest network that is about as good as the best, and how sure that is."""
    point = front.within_tolerance(tolerance)
    chance = front.chance_within(point, tolerance)
    size = format_count(point.cost.params)
    return Text(f"the lightest within {tolerance:g} of the best: {size} parameters, probability {chance:.2f}")


def reaching(front: Front, point: FrontPoint, dice: float) -> RenderableType:
    """A line on how probable it is that a network is worth at least ``dice``."""
    chance = chance_of_reaching(front, point, dice)
    return Text(f"a Dice of {dice:g} or more: {format_count(point.cost.params)} parameters, probability {chance:.2f}")


def by_the_model() -> RenderableType:
    """A line on where the intervals of a search come from."""
    text = "intervals, gains and 'on front' are those of the model of all trials"
    return Text(text, style="dim")


def equal_size(front: Front) -> list[RenderableType]:
    """Each network with attention against the plain one of equal size; nothing where no such control was trained."""
    found = front.controlled
    if not found:
        return []
    table = Table(box=None, pad_edge=False, header_style="bold")
    names = ["params", "plain, equal size", "size", "gain on it", "p"]
    names += ["architecture"] if console.width >= WIDE else []
    for name in names:
        table.add_column(name, justify="right" if name in RIGHT else "left", no_wrap=name != "architecture")
    for point in sorted(front.compared, key=lambda point: point.cost.params):
        one = found.get(point.architecture)
        if one is None:
            continue
        control = one.control
        name = "plain network" if control.is_plain else _size_of(control.architecture)
        cells: list[RenderableType] = [
            format_count(point.cost.params),
            f"{name}, {control.dice:.3f}",
            f"{one.excess:+.1%}",
            _gain(one.gain, one.gain_low, one.gain_high),
            "" if one.comparison.p is None else _p_value(one.comparison.p),
            describe(point.architecture),
        ]
        table.add_row(*cells[: len(names)], style=None if point.on_front else "dim")
    return [Text(), table]


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


def front_table(
    front: Front, everything: bool = False, rows: int = 12, intervals: bool = True, chances: bool = True
) -> Table:
    """The points and the references by rising parameters; ``everything`` shows the dominated ones too.

    ``intervals`` and ``chances``: whether there is time to work them out.
    """
    wide = console.width >= WIDE
    compared = front.comparisons if everything and wide else {}
    known = front.chances if chances and wide else {}
    failures = any(point.failed for point in front.everything)  # each counts as a Dice of 0
    empties = any(point.false_positives is not None for point in front.everything)  # cases without a class
    uneven = wide and len({point.seeds for point in front.compared}) > 1
    names = ["params", "Dice", *(["seeds"] if uneven else []), "±seeds", *(["failed"] if failures else [])]
    names += [*(["95% interval", "gain on plain"] if intervals else []), *(["p"] if compared else [])]
    names += [*(["on front"] if known else []), *(["false pos."] if empties else []), "architecture"]
    table = Table(box=None, pad_edge=False, header_style="bold")
    believed = any(point.belief is not None for point in front.compared)  # then it need not hold the Dice that was seen
    for name in names:
        title = "expected, 95%" if believed and name == "95% interval" else name
        table.add_column(title, justify="right" if name in RIGHT else "left", no_wrap=name != "architecture")
    shown = list(front.points)
    if everything:
        shown += front.dominated
    elif front.plain is not None and front.plain not in shown:
        shown.append(front.plain)
    shown += front.references
    shown.sort(key=lambda point: point.cost.params)
    for point in shown[-rows:]:
        cells = _cells(point, intervals, compared.get(point.architecture), known.get(point.architecture))
        table.add_row(*(cells[name] for name in names), style=None if point.on_front else "dim")
    return table


def pick_table(front: Front, chosen: FrontPoint) -> Table:
    """The row of one point of a front."""
    return front_table(
        replace(front, points=(chosen,), dominated=(), plain=None, references=(), behind=()), chances=False
    )


def describe(architecture: Architecture) -> Text:
    """The host with its size and what is no default, short, then what sits where."""
    host = HOSTS[architecture.host]
    if host.outside:
        return Text(host.title)
    extra = [_short(name, value) for name, value in architecture.options[2:] if value != host.defaults[name]]
    placed = [f"{slot}: {' > '.join(map(str, series))}" for slot, series in architecture.attention]
    return Text(", ".join([_size_of(architecture), *extra]) + ("; " + "; ".join(placed) if placed else " (plain)"))


def _size_of(architecture: Architecture) -> str:
    """The host and what makes it large."""
    return " ".join([architecture.host, *(f"{name} {value}" for name, value in architecture.options[:2])])


def _short(name: str, value: Value) -> str:
    """A word speaks for itself, a number or a truth value does not."""
    return value if isinstance(value, str) else f"{name} {value}"


def _cells(
    point: FrontPoint, intervals: bool, comparison: Comparison | None, chance: float | None
) -> dict[str, RenderableType]:
    """What each column says of a point."""
    interval, gain = "", ""
    if intervals:
        interval = "" if point.low is None or point.high is None else f"{point.low:.3f} to {point.high:.3f}"
        gain = "plain network" if point.is_plain else _gain(point.gain, point.gain_low, point.gain_high)
    return {
        "params": format_count(point.cost.params),
        "Dice": f"{point.dice:.3f}",
        "±seeds": "" if point.spread is None else f"{point.spread:.3f}",
        "seeds": str(point.seeds),
        "failed": f"{point.failed} of {point.seeds}" if point.failed else "",
        "95% interval": interval,
        "gain on plain": gain,
        "p": "" if comparison is None or comparison.p is None else _p_value(comparison.p),
        "on front": "" if chance is None else f"{chance:.0%}",
        "false pos.": "" if point.false_positives is None else f"{point.false_positives:.0%}",
        "architecture": _named(point),
    }


def _named(point: FrontPoint) -> Text:
    """What it is; a control is no suggestion of the search, and is said to be one."""
    if point.reference:
        return Text(f"reference {point.reference}")
    told = describe(point.architecture)
    return Text("control: ") + told if point.is_control else told


def _gain(mean: float | None, low: float | None, high: float | None) -> str:
    return "" if mean is None or low is None or high is None else f"{mean:+.3f} ({low:+.3f} to {high:+.3f})"


def _p_value(p: float) -> str:
    return "<0.001" if p < 0.001 else f"{p:.3f}"
