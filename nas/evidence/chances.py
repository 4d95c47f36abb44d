"""How probable it is that a network is on the front, or nearly as good as the best: of joint draws of all scores."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from nas.evidence.bootstrap import RESAMPLES, off_by_case
from nas.evidence.point import FrontPoint
from nas.evidence.training_noise import Spread, TrainingNoise, learn_noise
from search_spaces.architecture.architecture import Architecture

SURE = 0.01  # probability below which a network is surely off the front, and above 1 less which surely on it


def joint_draws(points: Sequence[FrontPoint]) -> np.ndarray:
    """``(resamples, points)`` draws of what each network is worth, paired over networks.

    Cases are resampled, the same for all. Two or three seeds are too few to be resampled: drawn from them they would
    claim certainty where two trainings happen to agree. What trainings differ by is learnt from all networks together,
    see ``learn_noise``; what a seed does to all of them alike cancels where they share seeds.
    """
    if not points:
        return np.empty((RESAMPLES, 0))
    noise = noise_of(points)
    errors = noise.errors(RESAMPLES, np.random.default_rng(noise.trained.shape))
    cases = [off_by_case(point.scores) for point in points]
    return np.array([point.dice for point in points]) + np.stack(cases, axis=1) - errors


def noise_of(points: Sequence[FrontPoint]) -> TrainingNoise:
    """What trainings of these networks differ by."""
    seeds = sorted({seed for point in points for seed, _ in point.by_seed})
    dice = np.array([[dict(point.by_seed).get(seed, np.nan) for seed in seeds] for point in points])
    failed = np.array([[seed in point.failed_seeds for seed in seeds] for point in points])
    return learn_noise(dice, failed)


def spreads_of(points: Sequence[FrontPoint]) -> dict[Architecture, Spread]:
    """Of each network what its trainings differ by."""
    return dict(zip((point.architecture for point in points), noise_of(points).spreads, strict=True))


def chances_of_front(params: Sequence[int], draws: np.ndarray) -> np.ndarray:
    """The share of ``draws`` ``(draws, networks)`` in which no network as light or lighter has as much Dice."""
    sizes = np.asarray(params)
    found = np.zeros(len(sizes))
    ceiling = np.full(len(draws), -np.inf)
    for size in np.unique(sizes):
        group = np.flatnonzero(sizes == size)
        best = draws[:, group].max(axis=1)
        winners = group[draws[:, group].argmax(axis=1)]
        np.add.at(found, winners[best > ceiling], 1)
        ceiling = np.maximum(ceiling, best)
    return found / max(len(draws), 1)


def doubts(params: Sequence[int], draws: np.ndarray) -> np.ndarray:
    """How much of what is not sure about the front hangs on each network, ``(networks,)``.

    With ``p`` the chance of a network, ``p (1 - p)`` is not sure about its place. It hangs on the network and, as often
    as one of the lighter ones is the best of them, on that rival as well: to tell two apart both have to be known. A
    network that is surely off the front is nobody's rival and has no doubt; one that is surely on it hardly any.
    """
    sizes = np.asarray(params)
    chances = chances_of_front(params, draws)
    found = chances * (1 - chances)
    unsure = found.copy()
    for place in np.flatnonzero(unsure > SURE * (1 - SURE)):
        rivals = np.flatnonzero((sizes <= sizes[place]) & (np.arange(len(sizes)) != place))
        if len(rivals):
            best = rivals[draws[:, rivals].argmax(axis=1)]
            found += unsure[place] * np.bincount(best, minlength=len(sizes)) / len(draws)
    return np.where(chances < SURE, 0.0, np.maximum(found, SURE * (1 - SURE)))


def chance_within(place: int, delta: float, draws: np.ndarray) -> float:
    """The share of ``draws`` in which the network at ``place`` is at most ``delta`` below the best."""
    return float(np.mean(draws[:, place] >= draws.max(axis=1) - delta))
