"""How different two architectures are."""

from __future__ import annotations

import itertools
from collections.abc import Mapping

from search_spaces.architecture.architecture import Architecture
from search_spaces.architecture.placement import Placement
from search_spaces.attention.mechanism import Value


def distance(a: Architecture, b: Architecture) -> float:
    """A metric: 1 for each host option that differs and for each place in a slot that holds another mechanism.

    The same mechanism with other hyper-parameters counts by the share of them that differ. Another host counts 1, and
    an option that only one of two hosts has counts as differing.
    """
    there, here = dict(a.attention), dict(b.attention)
    total = float(a.host != b.host) + float(a.dims != b.dims) + _differing(dict(a.options), dict(b.options))
    for slot in there.keys() | here.keys():
        for one, other in itertools.zip_longest(there.get(slot, ()), here.get(slot, ())):
            total += _placement_distance(one, other)
    return total


def _placement_distance(one: Placement | None, other: Placement | None) -> float:
    if one is None or other is None or one.mechanism != other.mechanism:
        return 1.0
    return _differing(dict(one.options), dict(other.options)) / max(len(one.options), 1)


def _differing(a: Mapping[str, Value], b: Mapping[str, Value]) -> int:
    return sum(name not in a or name not in b or a[name] != b[name] for name in a.keys() | b.keys())
