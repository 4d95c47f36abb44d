"""How much trainings of one network differ, learnt from a few seeds of several networks.

Two or three trainings of one network say little of their spread, and two that happen to agree must not say that there
is none. So the spread is that of all networks together, what a seed does to all of them alike taken out; a value known
beforehand stands beside it, and a network that is less steady than the others is held so.
Smyth: Linear models and empirical Bayes methods, Statistical Applications in Genetics and Molecular Biology 3(1), 2004,
https://doi.org/10.2202/1544-6115.1027.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

NOISE = 0.01  # standard deviation of the Dice of a training, before a run has shown it; see docs/evidence.md
PRIOR = 1.0  # degrees of freedom that it counts for
POOLED = 4.0  # degrees of freedom that the spread of all networks counts for beside a network's own
LEAST = 3.0  # degrees of freedom of an interval, where hardly any network has two seeds: with 1 it would say nothing


@dataclass(frozen=True)
class Spread:
    """What trainings of one network differ by.

    Attributes:
        own: standard deviation of one training, what a seed does to all networks alike left out.
        shared: standard deviation of that; where two networks have the same seeds it cancels.
        freedom: degrees of freedom that ``own`` is known with.
    """

    own: float = NOISE
    shared: float = 0.0
    freedom: float = LEAST

    @property
    def deviation(self) -> float:
        """Of one training, whatever its seed."""
        return math.hypot(self.own, self.shared)

    def of_difference(self, other: Spread) -> tuple[float, float]:
        """Standard deviation of the difference of two trainings with one seed, and the freedom it is known with."""
        return math.hypot(self.own, other.own), min(self.freedom, other.freedom)


@dataclass(frozen=True)
class TrainingNoise:
    """What trainings differ by.

    Attributes:
        trained: whether there is a training, ``(networks, seeds)``.
        own: standard deviation of one training of each network, ``(networks,)``, with what seeds do to all taken out.
        shared: standard deviation of what a seed does to all networks alike.
        freedom: degrees of freedom that ``own`` is known with.
    """

    trained: np.ndarray
    own: np.ndarray
    shared: float
    freedom: float

    @property
    def spreads(self) -> list[Spread]:
        """Of each network; one of several seeds is known better than all of them together."""
        seeds = self.trained.sum(axis=1).tolist()
        known = [max(min(self.freedom, POOLED + count - 1), LEAST) for count in seeds]
        return [Spread(own, self.shared, freedom) for own, freedom in zip(self.own.tolist(), known, strict=True)]

    def errors(self, count: int, rng: np.random.Generator) -> np.ndarray:
        """``(count, networks)`` joint draws of how far the mean over its seeds lies from what a network is worth.

        A seed that two networks share is off for both alike.
        """
        networks, seeds = self.trained.shape
        shares = self.trained / np.maximum(self.trained.sum(axis=1, keepdims=True), 1)
        unsure = np.sqrt(self.freedom / rng.chisquare(self.freedom, (count, 1)))  # makes it Student's distribution
        alone = rng.standard_normal((count, networks)) * self.own * np.sqrt((shares**2).sum(axis=1))
        return np.asarray(unsure * alone + self.shared * rng.standard_normal((count, seeds)) @ shares.T)


def learn_noise(dice: np.ndarray, failed: np.ndarray) -> TrainingNoise:
    """The noise of trainings.

    Args:
        dice: ``(networks, seeds)``, nan where a network was not trained with a seed.
        failed: ``(networks, seeds)``, whether the training failed; it is held against its network alone.
    """
    trained = ~np.isnan(dice)
    sound = trained & ~failed
    of_network, of_seed, left, freedom = _two_way(dice, sound)
    pooled = (PRIOR * NOISE**2 + (left[sound] ** 2).sum()) / (PRIOR + freedom)
    away = np.where(trained, dice - of_network[:, None] - of_seed, 0.0)
    counts = np.maximum(trained.sum(axis=1) - 1, 0)
    own = (POOLED * pooled + np.where(counts > 0, (away**2).sum(axis=1), 0.0)) / (POOLED + counts)
    known = sound.sum(axis=0)
    several = known > 1
    shared = 0.0
    if several.sum() > 1:
        shared = float(of_seed[several].var(ddof=1) - pooled / known[several].mean())
    return TrainingNoise(trained, np.sqrt(own), max(shared, 0.0) ** 0.5, PRIOR + freedom)


def _two_way(dice: np.ndarray, sound: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray, int]:
    """Least squares of Dice as sums of what network and seed give: both, what is left, degrees of freedom.

    What seeds give sums to 0. A seed that one network alone has gives nothing: it cannot be told from what is left.
    """
    networks, seeds = dice.shape
    network, seed = np.nonzero(sound)
    several = sound.sum(axis=0) > 1
    of_seeds = (np.eye(seeds) - 1 / max(several.sum(), 1)) * several * several[:, None]
    design = np.concatenate([np.eye(networks)[network], of_seeds[seed]], axis=1)
    values = dice[sound]
    found, _, rank, _ = np.linalg.lstsq(design, values, rcond=None)
    left = np.zeros(dice.shape)
    left[sound] = values - design @ found
    return found[:networks], of_seeds @ found[networks:], left, len(values) - int(rank)
