"""What each mechanism did in each slot, as a map of effects; or why nothing can be said."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from nas.records.trial import Trial
from nas.surrogate.effects import effects
from search_spaces.errors import InputError

TOLERANCE = 0.005  # Dice; a surely smaller effect is called none


@dataclass(frozen=True)
class Cell:
    """One mechanism in one slot; see ``Effect``."""

    mechanism: str
    slot: str
    networks: int
    mean: float
    low: float
    high: float
    verdict: str


@dataclass(frozen=True)
class EffectMap:
    """The effects, the best first; ``reason`` says why there are none."""

    cells: list[Cell]
    tolerance: float = TOLERANCE
    reason: str | None = None


def effect_map(trials: Sequence[Trial]) -> EffectMap:
    """Of all trials of a search at once."""
    try:
        found = effects(trials, None)
    except InputError as error:
        return EffectMap([], reason=str(error))
    return EffectMap(
        [
            Cell(
                one.mechanism,
                one.place,
                one.networks,
                round(one.mean, 4),
                round(one.low, 4),
                round(one.high, 4),
                one.verdict(TOLERANCE),
            )
            for one in found
        ]
    )
