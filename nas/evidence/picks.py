"""Picks from a front that ask for more than its order: what may be picked at all, a Dice to be reached, one by name."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from nas.evidence.front import Front, parted
from nas.evidence.point import FrontPoint
from nas.quantities import format_count
from nas.records.inference_cost import InferenceCost
from search_spaces.errors import InputError

EVEN = 0.5  # a Dice is predicted to be reached where it is as likely as not


@dataclass(frozen=True)
class Limits:
    """What a network may cost; None for no limit.

    Attributes:
        params: parameters.
        macs: multiply-accumulates of one patch.
        latency: milliseconds of one patch on the CPU, as the finals measured it.
    """

    params: int | None = None
    macs: int | None = None
    latency: float | None = None

    def __bool__(self) -> bool:
        return any(limit is not None for limit in (self.params, self.macs, self.latency))

    def __str__(self) -> str:
        limits = {"parameters": self.params, "multiply-accumulates": self.macs, "ms": self.latency}
        return " and ".join(f"{limit} {unit}" for unit, limit in limits.items() if limit is not None)

    def front(self, front: Front, costs: Mapping[str, InferenceCost]) -> Front:
        """The front of those networks alone that keep to the limits; ``front`` itself where there are none.

        A network that a lighter one dominates may come onto it, where that one has too many multiply-accumulates or is
        too slow. Raises ``InputError`` where none keeps to them, and where no time was measured.

        Args:
            front: of all networks.
            costs: what predictions took, by key of the architecture.
        """
        if not self:
            return front
        if self.latency is not None and not costs:
            raise InputError("latency: no prediction of this run was measured; the finals do that, with finals.cost")

        def within(point: FrontPoint) -> bool:
            cost = costs.get(point.architecture.key)
            return (
                (self.params is None or point.cost.params <= self.params)
                and (self.macs is None or point.cost.macs <= self.macs)
                and (self.latency is None or (cost is not None and cost.cpu_ms <= self.latency))
            )

        every = front.compared
        if not every:
            raise InputError("no completed trial")
        admitted = [point for point in every if within(point)]
        if not admitted:
            raise InputError(f"no network within {self}; the least there is: {self._least(every, costs)}")
        points, dominated, plain = parted(admitted)
        return replace(front, points=points, dominated=dominated, plain=plain)

    def _least(self, points: Sequence[FrontPoint], costs: Mapping[str, InferenceCost]) -> Limits:
        """The least that any of these networks costs, of what is limited."""
        times = [costs[point.architecture.key].cpu_ms for point in points if point.architecture.key in costs]
        return Limits(
            None if self.params is None else min(point.cost.params for point in points),
            None if self.macs is None else min(point.cost.macs for point in points),
            None if self.latency is None else min(times, default=None),
        )


def chance_of_reaching(front: Front, point: FrontPoint, dice: float) -> float:
    """How probable it is that a network of a front is worth at least ``dice`` over all seeds and cases."""
    return float(np.mean(front.draws[:, front.compared.index(point)] >= dice))


def lightest_reaching(front: Front, dice: float) -> FrontPoint:
    """The fewest parameters with which ``dice`` is as likely reached as not; of equals the likeliest.

    Raises ``InputError`` where no network is that good, naming the likeliest.
    """
    if not 0 <= dice <= 1:
        raise InputError(f"at least: expected a Dice from 0 to 1; got {dice:g}")
    if not front.compared:
        raise InputError("no completed trial")
    chances = (front.draws >= dice).mean(axis=0)
    known = list(zip(front.compared, chances.tolist(), strict=True))
    found = [(point, chance) for point, chance in known if chance >= EVEN]
    if not found:
        point, chance = max(known, key=lambda pair: (pair[1], pair[0].dice))
        size = format_count(point.cost.params)
        raise InputError(
            f"no network is predicted to reach a Dice of {dice:g}; the likeliest, {size} parameters and a Dice of "
            f"{point.dice:.3f}, does with probability {chance:.2f}"
        )
    return min(found, key=lambda pair: (pair[0].cost.params, -pair[1]))[0]


def with_key(front: Front, key: str) -> FrontPoint:
    """The one network whose key begins with ``key``: dominated ones, references and those behind too."""
    found = [point for point in front.everything if key and point.architecture.key.startswith(key)]
    if len(found) != 1:
        several = f"{len(found)} networks" if found else "none"
        raise InputError(
            f"key '{key}': expected the beginning of one network's key, as --json tells them; it fits {several}"
        )
    return found[0]
