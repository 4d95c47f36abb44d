"""Tables in Markdown, for the terminal and the page."""

from __future__ import annotations

from collections.abc import Sequence

from nas import markdown
from nas.quantities import format_bytes

MISSING = "-"


def table(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """The first column to the left, the others, numbers, to the right."""
    return markdown.table(columns, rows, range(1, len(columns)))


def number(value: float | None, digits: int = 3) -> str:
    """With so many significant digits, but every digit before the point."""
    if value is None:
        return MISSING
    return f"{value:.0f}" if abs(value) >= 10**digits else f"{value:.{digits}g}"


def memory(count: int | None) -> str:
    return MISSING if count is None else format_bytes(count)
