"""How much a front holds: the area that it dominates in a fixed box of log-parameters and Dice.

Zitzler, Thiele: Multiobjective evolutionary algorithms, IEEE Transactions on Evolutionary Computation 3(4), 1999,
https://doi.org/10.1109/4235.797969.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Box:
    """The range of parameters in which a front counts: fewer than ``low`` count as ``low``, more than ``high`` not."""

    low: int
    high: int

    def place(self, params: int) -> float:
        """Where ``params`` lies between the ends, by its logarithm: 0 at ``low`` or below, 1 at ``high``."""
        return math.log(max(params, self.low) / self.low) / math.log(self.high / self.low)

    def places(self, params: np.ndarray) -> np.ndarray:
        """``place`` of many."""
        return np.asarray(np.log(np.maximum(params, self.low) / self.low) / math.log(self.high / self.low))


class Steps:
    """The best score that a front reaches with as many parameters or fewer, over the box.

    Args:
        points: place in the box and score of each; those that others dominate do no harm.
    """

    def __init__(self, points: Iterable[tuple[float, float]]) -> None:
        starts, heights = [0.0], [0.0]
        for place, score in sorted(points, key=lambda point: (point[0], -point[1])):
            if place < 1 and score > heights[-1]:
                starts.append(place)
                heights.append(score)
        self._starts = np.array(starts)
        self._ends = np.array([*starts[1:], 1.0])
        self._heights = np.array(heights)

    def with_point(self, place: float, score: float) -> Steps:
        """The steps with one point more."""
        return Steps([*zip(self._starts.tolist(), self._heights.tolist(), strict=True), (place, score)])

    def area(self) -> float:
        """The share of the box that is dominated."""
        return float((self._ends - self._starts) @ self._heights)

    def heights(self, places: np.ndarray) -> np.ndarray:
        """The best score with as many parameters or fewer, at each of ``(points,)``."""
        return np.asarray(self._heights[np.searchsorted(self._starts, places, side="right") - 1])

    def gains(self, places: np.ndarray, scores: np.ndarray) -> np.ndarray:
        """What each of ``(points,)`` would add to ``area`` if it alone came in."""
        widths = np.clip(self._ends - np.maximum(self._starts, places[:, None]), 0, None)
        return np.asarray((widths * np.clip(scores[:, None] - self._heights, 0, None)).sum(axis=1))
