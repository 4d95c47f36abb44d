"""Random picks from short lists."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

import numpy as np

T = TypeVar("T")


def pick(rng: np.random.Generator, values: Sequence[T]) -> T:
    """One of ``values``, uniformly; a single one takes no random number."""
    return values[int(rng.integers(len(values)))] if len(values) > 1 else values[0]


def pick_at(share: float, values: Sequence[T]) -> tuple[T, float]:
    """The value that lies at ``share``, from 0 up to 1, of the list, and the share of that value which is left of it.

    Of a uniform number the rest is uniform again, so that one number is enough for several short lists.
    """
    place = share * len(values)
    index = int(place)
    return values[index], place - index


def pick_other(rng: np.random.Generator, values: Sequence[T], current: T) -> T:
    """One of ``values`` that is not ``current``, which is the answer where there is no other."""
    others = [value for value in values if value != current]
    return pick(rng, others) if others else current
