"""What each part of an architecture costs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from search_spaces.architecture import Architecture, slots_of
from search_spaces.cost import Cost, slot_cost


@dataclass(frozen=True)
class Row:
    """A part and its cost."""

    name: str
    cost: Cost


def profile_rows(architecture: Architecture, in_channels: int, classes: int, size: Sequence[int]) -> list[Row]:
    """The host without attention, each placed mechanism, and the sum as the last row."""
    plain = Architecture.create(architecture.host, architecture.dims, dict(architecture.options))
    rows = [Row(f"{architecture.host} without attention", plain.cost(in_channels, classes, size))]
    slots = slots_of(architecture.host, architecture.dims, architecture.options)
    for slot, series in architecture.attention:
        cost = slot_cost(series, architecture.dims, slots[slot], tuple(size), classes)
        rows.append(Row(f"{slot}: {' > '.join(map(str, series))}", cost))
    return [*rows, Row("all", architecture.cost(in_channels, classes, size))]
