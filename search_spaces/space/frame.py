"""What a space offers once the host's options are fixed: which slots there are, and what may sit in each."""

from __future__ import annotations

import functools
import itertools
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass

from search_spaces.architecture.canonical import canonical, canonical_in
from search_spaces.architecture.placement import Options, Placement
from search_spaces.attention.mechanism import Value
from search_spaces.hosts.slot import Slot

EMPTY = "none"
Choices = Mapping[str, Sequence[Value]]
Sample = dict[str, Value]  # label to value
Series = tuple[Placement, ...]
Contents = dict[str, Series]  # label of a group to what its slots hold
Attention = tuple[tuple[str, Series], ...]


@dataclass(frozen=True)
class Group:
    """One decision: what sits in a slot, or, the same in all, in slots that are tied.

    Attributes:
        label: the slot's name, or the pattern that ties them.
        slots: those that the network has.
        offers: mechanism to its hyper-parameter choices.
        series: most mechanisms one after another.
        dims: 2 or 3.
    """

    label: str
    slots: tuple[Slot, ...]
    offers: Mapping[str, Choices]
    series: int
    dims: int

    def placements(self, mechanism: str) -> Iterator[Placement]:
        """The mechanism with every combination of its choices."""
        return _placements(mechanism, self.offers[mechanism].items())

    def place(self, series: Series) -> Attention:
        """The series in every slot, in canonical form; nothing when it is empty."""
        if not series:
            return ()
        placed = self._placed.get(series)
        if placed is None:
            placed = self._placed[series] = tuple(
                (slot.name, tuple(canonical(placement, slot, self.dims) for placement in series)) for slot in self.slots
            )
        return placed

    def distinct(self, mechanism: str) -> Sequence[Placement]:
        """The combinations of choices that make different modules in some slot, the first of each."""
        return [first for first, *_ in self._makers(mechanism).values()]

    def aliases(self, placed: Sequence[Series]) -> list[Series]:
        """Every series on offer that, put in the slots, gives what is ``placed`` there; none where none does."""
        key = tuple(placed)
        if key not in self._aliases:
            self._aliases[key] = self._find_aliases(placed)
        return self._aliases[key]

    def _find_aliases(self, placed: Sequence[Series]) -> list[Series]:
        if len({tuple(p.mechanism for p in series) for series in placed}) != 1 or len(placed[0]) > self.series:
            return []
        found: list[list[Placement]] = []
        for position in zip(*placed, strict=True):
            if position[0].mechanism not in self.offers:
                return []
            found.append(self._makers(position[0].mechanism).get(position, []))
        return [tuple(series) for series in itertools.product(*found)]

    def _makers(self, mechanism: str) -> Mapping[tuple[Placement, ...], list[Placement]]:
        """For what the mechanism can become in the slots, in canonical form, the combinations of choices that do so."""
        choices = tuple((name, tuple(values)) for name, values in self.offers[mechanism].items())
        return _makers(mechanism, choices, tuple(slot.channels for slot in self.slots), self.dims)

    @functools.cached_property
    def _placed(self) -> dict[Series, Attention]:
        return {}

    @functools.cached_property
    def _aliases(self) -> dict[tuple[Series, ...], list[Series]]:
        return {}

    def offers_series(self, series: Series) -> bool:
        """Whether every placement, with the very values it has, is among the choices here."""
        return len(series) <= self.series and all(
            placement.mechanism in self.offers
            and all(value in self.offers[placement.mechanism][name] for name, value in placement.options)
            for placement in series
        )


def _placements(mechanism: str, choices: Collection[tuple[str, Sequence[Value]]]) -> Iterator[Placement]:
    names, offered = zip(*choices, strict=True) if choices else ((), ())
    for values in itertools.product(*offered):
        yield Placement(mechanism, tuple(zip(names, values, strict=True)))


@functools.lru_cache(maxsize=65536)  # of the same mechanism in many hosts
def _makers(
    mechanism: str, choices: tuple[tuple[str, tuple[Value, ...]], ...], channels: tuple[int, ...], dims: int
) -> Mapping[tuple[Placement, ...], list[Placement]]:
    makers: dict[tuple[Placement, ...], list[Placement]] = {}
    for candidate in _placements(mechanism, choices):
        made = tuple(canonical_in(candidate, each, dims) for each in channels)
        makers[made] = [*makers.pop(made, ()), candidate]  # in the order in which each is last made
    return makers


@dataclass(frozen=True)
class Frame:
    """The open decisions of a space under one choice of the host's options.

    Attributes:
        host: its name.
        options: of the host.
        groups: label to group, in network order.
        fixed: what sits in slots that are not open to choice.
        order: place of each slot in the network.
    """

    host: str
    options: Options
    groups: Mapping[str, Group]
    fixed: Attention
    order: Mapping[str, int]

    @property
    def settings(self) -> dict[str, Value]:
        """What conditions on the network around the slots can ask for."""
        return {"host": self.host, **dict(self.options)}

    def attention(self, contents: Mapping[str, Series]) -> Attention:
        """All filled slots in network order; ``contents``: group label to series."""
        placed = list(self.fixed)
        for label, series in contents.items():
            placed += self.groups[label].place(series)
        if len(placed) > 1:
            placed.sort(key=lambda item: self.order[item[0]])
        return tuple(placed)
