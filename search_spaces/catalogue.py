"""The registry of mechanisms as a page: ``python -m search_spaces.catalogue > docs/mechanisms.md``."""

from __future__ import annotations

import inspect
import sys
from itertools import groupby

from search_spaces.attention import INPUTS, MECHANISMS, MechanismEntry

FAMILIES = ("conventional", "multi-scale", "self-similarity", "other", "gate")


def page() -> str:
    """Markdown: a table for each family of the taxonomy."""
    lines = [
        "# Attention mechanisms",
        "",
        "Made from the registry by `python -m search_spaces.catalogue > docs/mechanisms.md`; a test fails when it is "
        "stale. C channels, n positions, H and W sides, r squeeze ratio, k kernel side. What a mechanism takes:",
        "",
        *(f"* **{kind}**: `{call}`" for kind, call in INPUTS.items()),
    ]
    entries = sorted(MECHANISMS.values(), key=lambda entry: (FAMILIES.index(entry.family), entry.type, entry.name))
    for family, members in groupby(entries, key=lambda entry: entry.family):
        lines += ["", f"## {family.capitalize()}", ""]
        lines += ["| name | type | what it computes | cost | takes | dims | paper |", "|---|---|---|---|---|---|---|"]
        lines += [_row(entry) for entry in members]
    return "\n".join(lines) + "\n"


def _row(entry: MechanismEntry) -> str:
    authors, _, title = entry.paper.partition(": ")
    cells = [
        f"`{entry.name}`",
        entry.type,
        equation(entry),
        entry.cost,
        entry.inputs,
        " and ".join(f"{dims}D" for dims in entry.dims),
        f"{_short(authors)}: [{title or entry.title}]({entry.address}), {entry.year}",
    ]
    return f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |"


def equation(entry: MechanismEntry) -> str:
    """What the mechanism's file says it computes: what follows the citation; else what the class does."""
    module = inspect.getmodule(entry.module)
    paragraphs = (inspect.getdoc(module) or "").split("\n\n")
    last = " ".join(paragraphs[-1].split())
    return last if len(paragraphs) > 1 else (inspect.getdoc(entry.module) or "").split("\n\n")[0].replace("\n", " ")


def _short(authors: str) -> str:
    names = authors.split(", ")
    return authors if len(names) < 3 else f"{names[0]} et al."


if __name__ == "__main__":
    sys.stdout.write(page())
