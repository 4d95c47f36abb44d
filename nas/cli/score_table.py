"""What finals measured beside Dice, as a table."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from nas.cli.tables import describe
from nas.evidence.front import Front, FrontPoint
from nas.quantities import format_count

COLUMNS = {  # heading: metric and how it is written
    "surface Dice": ("surface_dice", ".3f"),
    "HD95 mm": ("hd95", ".2f"),
    "missed": ("hd95_missed", ".3g"),
    "ECE": ("ece", ".3f"),
    "Brier": ("brier", ".3f"),
}


def score_table(front: Front) -> Table:
    """A row for each network of a front, by rising parameters; what was not measured is empty."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    for name in ("params", "Dice", *COLUMNS):
        table.add_column(name, justify="right", no_wrap=True)
    table.add_column("architecture")
    for point in front.everything:
        table.add_row(*_cells(point), style=None if point.on_front else "dim")
    return table


def class_table(front: Front, classes: Sequence[str]) -> Table:
    """Dice and HD95 of each class, a row for each network by rising parameters; what was not measured is empty."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    measured = [
        (f"{metric}/{name}", form, f"{name} {heading}")
        for name in classes
        for metric, form, heading in (("dice", ".3f", "Dice"), ("hd95", ".2f", "HD95 mm"))
        if any(f"{metric}/{name}" in point.metrics for point in front.everything)
    ]
    for heading in ("params", "Dice", *(heading for _, _, heading in measured)):
        table.add_column(heading, justify="right")
    table.add_column("architecture")
    for point in front.everything:
        cells = [format(point.metrics[metric], form) if metric in point.metrics else "" for metric, form, _ in measured]
        row: list[RenderableType] = [format_count(point.cost.params), f"{point.dice:.3f}", *cells, _named(point)]
        table.add_row(*row, style=None if point.on_front else "dim")
    return table


def explanation(front: Front) -> Text:
    """What the columns mean, in a line."""
    tolerances = {point.metrics.get("surface_dice_tolerance") for point in front.everything}
    within = " or ".join(f"{tolerance:.4g}" for tolerance in sorted(one for one in tolerances if one is not None))
    surface = f"surface Dice: within {within} mm, a miss is 0" if within else "surface Dice: a miss is 0"
    others = "HD95: of what was found; missed: pairs of case and class; ECE, Brier: around the classes, 0 is best"
    return Text(f"{surface}; {others}", style="dim")


def _cells(point: FrontPoint) -> list[RenderableType]:
    measured = [
        format(point.metrics[metric], form) if metric in point.metrics else "" for metric, form in COLUMNS.values()
    ]
    return [format_count(point.cost.params), f"{point.dice:.3f}", *measured, _named(point)]


def _named(point: FrontPoint) -> Text:
    return Text(f"reference {point.reference}") if point.reference else describe(point.architecture)
