"""Observations of random networks whose scores follow the model."""

from __future__ import annotations

import numpy as np

from nas.records.trial import Trial
from nas.surrogate.observations import Observations, observed
from search_spaces.architecture.architecture import Architecture
from search_spaces.space.space_file import load_space
from tests.nas.trials import trial

SPACE = load_space(
    {
        "host": "unet",
        "options": {"depth": [2, 3], "width": [4, 6, 8, 12]},
        "slots": ["bottleneck", "skip.*", "decoder.*"],
        "mechanisms": ["se", "eca", "cbam", "scse"],
    },
    2,
)


def params_of(architecture: Architecture) -> int:
    return architecture.cost(1, 1, (32, 32)).params


def drawn(count: int, seed: int = 0, sparse: bool = False) -> list[Architecture]:
    """Different random networks."""
    rng = np.random.default_rng(seed)
    found: dict[Architecture, None] = {}
    while len(found) < count:
        found[SPACE.sample(rng, sparse)] = None
    return list(found)


def trials_of(architectures: list[Architecture], scores: np.ndarray | list[float]) -> list[Trial]:
    return [
        trial(number, float(score), params_of(architecture), architecture=architecture)
        for number, (architecture, score) in enumerate(zip(architectures, scores, strict=True))
    ]


def observations(count: int, seed: int = 0, noise: float = 0.01) -> Observations:
    rng = np.random.default_rng(seed)
    architectures = drawn(count, seed)
    worth = {name: rng.normal(0, 0.02) for name in SPACE.mechanisms}
    scores = [
        0.7
        + 0.02 * np.log(params_of(architecture) / 1e4)
        + sum(worth[placement.mechanism] for _, series in architecture.attention for placement in series)
        + rng.normal(0, noise)
        for architecture in architectures
    ]
    return observed(trials_of(architectures, scores))
