"""Several spaces side by side, one a host: what a search over hosts draws from."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from search_spaces.architecture.architecture import Architecture
from search_spaces.architecture.placement import Options, Placement
from search_spaces.errors import InputError
from search_spaces.space.draws import pick, pick_other
from search_spaces.space.frame import Group
from search_spaces.space.space import Space

SWITCH = 0.1  # share of mutations that change the host


class Union:
    """All architectures of several spaces of one number of dimensions; does what a ``Space`` does.

    Args:
        parts: the spaces, of different hosts; the first one's plain network is the run's.
    """

    def __init__(self, parts: Sequence[Space]) -> None:
        self.parts = {part.host: part for part in parts}
        self.dims = parts[0].dims

    def part_of(self, architecture: Architecture) -> Space:
        """The space of the architecture's host. Raises ``InputError`` when there is none."""
        if architecture.host not in self.parts:
            raise InputError(f"host '{architecture.host}' is not in the space; it offers {', '.join(self.parts)}")
        return self.parts[architecture.host]

    @property
    def mechanisms(self) -> list[str]:
        """Names of all mechanisms offered anywhere, sorted."""
        return sorted({name for part in self.parts.values() for name in part.mechanisms})

    @property
    def max_filled(self) -> int:
        """The largest number of filled slots of any part."""
        return max(part.max_filled for part in self.parts.values())

    def __contains__(self, architecture: Architecture) -> bool:
        return architecture.host in self.parts and architecture in self.parts[architecture.host]

    def __iter__(self) -> Iterator[Architecture]:
        """Every architecture once, part by part."""
        for part in self.parts.values():
            yield from part

    def size(self) -> int:
        """The exact number of different architectures."""
        return sum(part.size() for part in self.parts.values())

    def plain(self) -> Architecture:
        """The first part's network without attention."""
        return next(iter(self.parts.values())).plain()

    def plain_networks(self) -> list[Architecture]:
        """Every network without attention."""
        return [network for part in self.parts.values() for network in part.plain_networks()]

    def sample(self, rng: np.random.Generator, sparse: bool = True) -> Architecture:
        """Draw a host, then an architecture with it, see ``Space.sample``."""
        return pick(rng, list(self.parts.values())).sample(rng, sparse)

    def mutate(self, architecture: Architecture, rng: np.random.Generator) -> Architecture:
        """A change inside the host's space or, now and then, another host that keeps what it has a place for."""
        part = self.part_of(architecture)
        if len(self.parts) == 1 or rng.random() >= SWITCH:
            return part.mutate(architecture, rng)
        other = pick_other(rng, list(self.parts.values()), part)
        return transplanted(part, architecture, other, rng)

    def crossover(self, first: Architecture, second: Architecture, rng: np.random.Generator) -> Architecture:
        """A child in the first parent's host; of the second comes what that host has a place for."""
        part = self.part_of(first)
        if second.host != first.host:
            second = transplanted(self.part_of(second), second, part, rng)
        return part.crossover(first, second, rng)

    def neighbours(self, architecture: Architecture) -> Iterator[Architecture]:
        """Every architecture one change away inside the host's own space."""
        return self.part_of(architecture).neighbours(architecture)

    def places(self, mechanism: str, architecture: Architecture) -> list[Group]:
        """The open decisions that offer ``mechanism`` in the architecture's host."""
        return self.part_of(architecture).places(mechanism, architecture)

    def with_one(self, plain: Architecture, group: Group, placement: Placement) -> Architecture:
        """``plain`` with one mechanism in the slots of ``group``."""
        return self.part_of(plain).with_one(plain, group, placement)

    def allows(self, architecture: Architecture) -> bool:
        """Whether an architecture that a part made keeps its limit and its rules."""
        return self.part_of(architecture).allows(architecture)

    def smallest(self, in_channels: int, classes: int) -> tuple[Architecture, int]:
        """The plain network with the fewest parameters, and their number."""
        return min((part.smallest(in_channels, classes) for part in self.parts.values()), key=lambda found: found[1])

    def to_dict(self) -> dict[str, object]:
        """Plain data that ``load_space`` turns back into this space."""
        return {"spaces": [part.to_dict() for part in self.parts.values()]}


def transplanted(source: Space, architecture: Architecture, target: Space, rng: np.random.Generator) -> Architecture:
    """A random network of ``target`` with the options and the contents of ``architecture`` that are offered there."""
    known = dict(architecture.options)
    drawn = target.sample(rng)
    options: Options = tuple(
        (name, known[name] if known.get(name) in target.options[name] else value) for name, value in drawn.options
    )
    groups = target.frame(options).groups
    contents = {
        label: series
        for label, series in source.contents(architecture).items()
        if label in groups and groups[label].offers_series(series)
    }
    while len(contents) > target.max_filled:
        del contents[pick(rng, tuple(contents))]
    found = target.assemble(options, contents)
    return found if target.allows(found) else drawn


SearchSpace = Space | Union
