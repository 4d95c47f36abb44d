"""What each slot of a network is worth at full training: the network against itself without what sits there."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from nas.evidence.comparison import Comparison
from nas.evidence.paired import compare_pairs
from nas.evidence.point import FrontPoint
from search_spaces.architecture.architecture import Architecture


@dataclass(frozen=True)
class LeftOut:
    """One slot of a network, left empty.

    Attributes:
        whole: the network with it.
        without: the same without what is in ``slot``.
        slot: the slot.
        gain: mean paired difference by case and seed, what the slot adds; None where nothing can be paired.
        low, high: its 95% interval over cases and all trainings there might be.
        comparison: the test, corrected for all slots that were left out.
    """

    whole: FrontPoint
    without: FrontPoint
    slot: str
    gain: float | None
    low: float | None
    high: float | None
    comparison: Comparison

    @property
    def mechanisms(self) -> str:
        """What sits there, in words."""
        return ", ".join(item.mechanism for item in dict(self.whole.architecture.attention)[self.slot])

    @property
    def params(self) -> int:
        """Parameters that it adds."""
        return self.whole.cost.params - self.without.cost.params


def without_slot(architecture: Architecture, slot: str) -> Architecture:
    """The network with one of its slots empty."""
    kept = tuple((name, series) for name, series in architecture.attention if name != slot)
    return Architecture(architecture.host, architecture.dims, architecture.options, kept)


def each_slot_empty(architecture: Architecture) -> list[Architecture]:
    """The network without each of its filled slots in turn; of one slot that leaves the plain network of its host."""
    return [without_slot(architecture, slot) for slot, _ in architecture.attention]


def left_out(points: Sequence[FrontPoint]) -> list[LeftOut]:
    """For every network among ``points`` each of its slots without which it is among them too."""
    known = {point.architecture: point for point in points}
    pairs = [
        (point, known[other], slot)
        for point in points
        for slot, _ in point.architecture.attention
        if (other := without_slot(point.architecture, slot)) in known
    ]
    found = compare_pairs([(whole, without) for whole, without, _ in pairs])
    return [LeftOut(*pair, one.gain, one.low, one.high, one.comparison) for pair, one in zip(pairs, found, strict=True)]
