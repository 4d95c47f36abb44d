"""What networks of a run are made of, each once: heads, slots and placements, to which networks refer by number."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from nas.pictures.boxes import colour_of
from search_spaces.architecture.architecture import Architecture, slots_of
from search_spaces.architecture.placement import Options, Placement
from search_spaces.attention import MECHANISMS

Head = tuple[str, int, Options]


@dataclass(frozen=True)
class Mechanism:
    """With the colour of its family; ``guided``: whether a gate or a prediction tells it where to look."""

    name: str
    family: str
    colour: str
    guided: bool


class Vocabulary:
    """Numbers for heads (host, dimensions and options), slots, mechanisms and placements, in a lasting order."""

    def __init__(self, architectures: Iterable[Architecture]) -> None:
        every = list(dict.fromkeys(architectures))
        heads = dict.fromkeys((one.host, one.dims, one.options) for one in every)
        placements = dict.fromkeys(item for one in every for _, series in one.attention for item in series)
        self.heads: dict[Head, int] = {head: number for number, head in enumerate(heads)}
        self.slots: dict[str, int] = {}
        for head in sorted(heads, key=lambda head: -len(slots_of(*head))):  # in the order of the network with most
            for slot in slots_of(*head):
                self.slots.setdefault(slot, len(self.slots))
        names = sorted({item.mechanism for item in placements})
        self.mechanisms = {name: number for number, name in enumerate(names)}
        self.placements: dict[Placement, int] = {item: number for number, item in enumerate(placements)}

    def attention(self, architecture: Architecture) -> list[list[int]]:
        """Of each filled slot its number, then those of the placements in it."""
        return [
            [self.slots[slot], *(self.placements[item] for item in series)] for slot, series in architecture.attention
        ]

    def head(self, architecture: Architecture) -> int:
        return self.heads[architecture.host, architecture.dims, architecture.options]

    def to_dict(self) -> dict[str, Any]:
        """Plain data."""
        return {
            "heads": [
                {"text": str(Architecture(*head)), "host": head[0], "dims": head[1], "options": dict(head[2])}
                for head in self.heads
            ],
            "slots": list(self.slots),
            "mechanisms": [_mechanism(name) for name in self.mechanisms],
            "placements": [
                {"text": str(item), "mechanism": self.mechanisms[item.mechanism], "options": dict(item.options)}
                for item in self.placements
            ],
        }


def _mechanism(name: str) -> Mechanism:
    entry = MECHANISMS[name]
    return Mechanism(name, entry.family, colour_of(name), entry.inputs in ("gated", "guided"))
