"""What stands at one place of a drawing as a box: its size, and the mechanisms in it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from nas.pictures.layout import Cell, Holder
from nas.profiles.parts import with_number
from search_spaces.attention import MECHANISMS

# All lengths in pixels. A monospaced font, so that the width of a text is known without one.
FONT, CHARACTER, LINE = 12, 7.25, 17
PAD, CHIP = 8, 20
FAMILIES = {
    "conventional": "#0b6e4f",
    "multi-scale": "#7b3fa0",
    "self-similarity": "#1d5fa8",
    "other": "#8a5a00",
    "gate": "#b3261e",
}
OTHER = "#4a5560"


def colour_of(mechanism: str) -> str:
    """In which a mechanism is drawn: its family's."""
    return FAMILIES.get(MECHANISMS[mechanism].family, OTHER)


@dataclass(frozen=True)
class Chip:
    """One mechanism in a slot, as it is drawn."""

    holder: Holder
    text: str
    note: str
    colour: str


def chips_of(cell: Cell, room: Mapping[str, tuple[int, str]] | None) -> list[Chip]:
    """The mechanisms in a cell; the slot is told where the cell does not tell it."""
    notes = {holder: f" ({note})" if (note := cell.note(holder)) else "" for holder in cell.holders}
    if room is not None:
        places = [(holder, *room[holder.name]) for holder in cell.holders if holder.name in room]
        return [Chip(holder, name, notes[holder], OTHER) for holder, count, name in places for _ in range(count)]
    return [
        Chip(holder, with_number(mechanism, count), notes[holder], colour_of(mechanism))
        for holder in cell.filled
        for mechanism, count in holder.mechanisms
    ]


class Box:
    """A cell with its size, and later its place."""

    def __init__(self, cell: Cell, room: Mapping[str, tuple[int, str]] | None = None) -> None:
        self.cell = cell
        self.chips = chips_of(cell, room)
        self.notes = self._notes()
        self.empty = [holder for holder in cell.holders if room is not None or not holder.series]
        lines = [self.title + (f" {cell.main.channels} ch" if cell.main else ""), *self.notes]
        texts = [] if self.is_point else [*lines, *(f"{chip.text}{chip.note}  " for chip in self.chips)]
        self.width = 12.0 if self.is_point else 2 * PAD + CHARACTER * max(map(len, texts))
        self.head = PAD + LINE * (bool(self.title) + len(self.notes))
        self.height = (
            12.0 if self.is_point else self.head + (CHIP + 4) * len(self.chips) + PAD + (6 if self.empty else 0)
        )
        self.x = self.y = 0.0

    @property
    def title(self) -> str:
        """The name of the cell; several slots without a stage have none in common."""
        return self.cell.name if self.cell.main or len(self.cell.holders) == 1 else ""

    @property
    def is_point(self) -> bool:
        """Whether there is nothing but empty slots."""
        return not self.cell.stages and not self.chips

    @property
    def middle(self) -> tuple[float, float]:
        return self.x + self.width / 2, self.y + self.height / 2

    def _notes(self) -> list[str]:
        others = [stage.name for stage in self.cell.stages if stage is not self.cell.main]
        notes = [f"{others[0]} … {others[-1]}"] if len(others) > 2 else others
        if any(not stage.inference for stage in self.cell.stages):
            notes.append("in training only")
        return notes
