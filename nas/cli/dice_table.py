"""The Dice of predictions that references were given for, as a table."""

from __future__ import annotations

from collections.abc import Sequence

from rich.table import Table

from evaluators.scoring import CaseScores, class_means, mean_score


def dice_table(scores: CaseScores, classes: Sequence[str]) -> Table:
    """A row for each case, a column for each class that its reference shows, and the means as they are everywhere."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("Dice", no_wrap=True)
    several = len(classes) > 1
    for name in (*classes, *(["mean"] if several else [])):
        table.add_column(name, justify="right", no_wrap=True)
    for case, found in scores.items():
        given = [value for value in found.values() if value is not None]
        mean = sum(given) / len(given) if given else None
        table.add_row(case, *(_shown(found.get(name)) for name in classes), *([_shown(mean)] if several else []))
    means = class_means(scores)
    overall = mean_score(scores) if means else None
    cells = (*(_shown(means.get(name)) for name in classes), *([_shown(overall)] if several else []))
    table.add_row(f"mean of {len(scores)}", *cells, style="bold")
    return table


def _shown(value: float | None) -> str:
    return "" if value is None else f"{value:.4f}"
