"""Drawings of the networks of a run: one for each host with its options, which the page fills with what sits in it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from evaluators.preprocessing import Preprocessing
from nas.pictures.layout import layout_of
from nas.pictures.network_svg import network_template
from nas.profiles.parts import in_series, with_number
from nas.report.vocabulary import Head, Vocabulary
from search_spaces.architecture.architecture import Architecture, slots_of
from search_spaces.architecture.placement import Placement

MOST = 24  # of one run; each takes about 0.05 s and 8 kB


@dataclass(frozen=True)
class Drawings:
    """The drawings, and which stands for which head.

    Attributes:
        pictures: SVG with marks for what depends on a slot, see ``network_template``.
        of_head: for each head the number of its drawing; None where there is none.
        borrowed: numbers of heads drawn as another one with the same slots, whose channels are not theirs.
    """

    pictures: list[str]
    of_head: list[int | None]
    borrowed: list[int]


def drawings_of(
    architectures: Sequence[Architecture], first: Iterable[Architecture], vocabulary: Vocabulary, layout: Preprocessing
) -> Drawings:
    """Of all networks of a run; where hosts are many, of those ``first``, then of the most frequent ones."""
    counts = Counter(vocabulary.head(one) for one in architectures)
    wanted = dict.fromkeys([*(vocabulary.head(one) for one in first), *(head for head, _ in counts.most_common())])
    heads = list(vocabulary.heads)
    rooms, fillings = _rooms(architectures), _fillings(architectures)
    pictures: list[str] = []
    of_head: list[int | None] = [None] * len(heads)
    alike: dict[tuple[str, int, tuple[str, ...]], int] = {}
    borrowed: list[int] = []
    for number in wanted:
        host, dims, options = heads[number]
        slots = tuple(slots_of(host, dims, options))
        if len(pictures) < MOST:
            of_head[number] = alike[host, dims, slots] = len(pictures)
            pictures.append(_drawn(heads[number], rooms, fillings, layout))
        elif (host, dims, slots) in alike:
            of_head[number] = alike[host, dims, slots]
            borrowed.append(number)
    return Drawings(pictures, of_head, borrowed)


def _drawn(head: Head, rooms: dict[str, tuple[int, str]], fillings: dict[str, Placement], layout: Preprocessing) -> str:
    filled = tuple((slot, (fillings[slot],)) for slot in slots_of(*head) if slot in fillings)
    full, always = (
        layout_of(Architecture(*head, attention), layout.channels, len(layout.classes)) for attention in (filled, ())
    )
    return network_template(full, layout.patch, rooms, always)


def _rooms(architectures: Iterable[Architecture]) -> dict[str, tuple[int, str]]:
    """By slot, how many mechanisms in series sit there at most, and the longest name of one."""
    rooms: dict[str, tuple[int, str]] = {}
    for architecture in architectures:
        for slot, series in architecture.attention:
            count, longest = rooms.get(slot, (0, ""))
            names = [with_number(*one) for one in in_series(item.mechanism for item in series)]
            rooms[slot] = max(count, len(names)), max([longest, *names], key=len)
    return rooms


def _fillings(architectures: Iterable[Architecture]) -> dict[str, Placement]:
    """By slot one of what sits there, rather one that is told where to look: then the drawing shows by what."""
    found: dict[str, Placement] = {}
    for architecture in architectures:
        for slot, series in architecture.attention:
            for item in series:
                if slot not in found or item.inputs in ("gated", "guided"):
                    found[slot] = item
    return found
