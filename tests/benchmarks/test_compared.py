"""What scripts say of the difference between two sides that are worth the same."""

from __future__ import annotations

import importlib
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from nas.evidence.front import front_of
from nas.evidence.hypervolume import Box
from nas.evidence.point import FrontPoint
from search_spaces.architecture.cost import Cost
from tests.nas.trials import architecture, one_class, scored

FOLDER = Path(__file__).parents[2] / "benchmarks"


@pytest.fixture
def script(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(str(FOLDER))
    return importlib.import_module(request.param)


def finals(networks: list[int], hard: np.ndarray, rng: np.random.Generator, noise: float = 0.01) -> list[FrontPoint]:
    """Two trainings of each, all worth the same but for their size."""
    trials = []
    for network in networks:
        for seed in (1, 2):
            made = {"architecture": architecture(network), "seed": seed, "phase": "final"}
            dice = 0.7 + 0.01 * (network % 3) + hard + rng.normal(0, noise) + rng.normal(0, 0.01, len(hard))
            trials.append(scored(len(trials), one_class(dice), cost=Cost(1000 * 4 ** (network % 3), 1), **made))
    return front_of(trials, architecture(networks[0])).everything


@pytest.mark.parametrize("script", ["fronts"], indirect=True)
def test_fronts_of_other_networks_differ_by_no_more_than_their_interval_holds(script: ModuleType):
    rng, held, width = np.random.default_rng(0), [], []
    for _ in range(25):
        hard = rng.normal(0, 0.05, 20)
        sides = {
            name: [script.Finals(finals(networks, hard, rng), Box(1000, 64_000))]
            for name, networks in (("model", [0, 1, 2]), ("evolution", [3, 4, 5]))
        }
        _, row = script.compared(sides)
        low, high = row["interval of that"]
        held.append(low <= 0 <= high)
        width.append(high - low)
    assert np.mean(held) > 0.85
    assert np.mean(width) < 0.06  # cases are the same for both, and differ far more


@pytest.mark.parametrize("script", ["fronts"], indirect=True)
def test_two_sides_that_sent_the_same_networks_to_the_finals_do_not_differ(script: ModuleType):
    rng = np.random.default_rng(1)
    same = finals([0, 1, 2], rng.normal(0, 0.05, 20), rng)
    _, row = script.compared({side: [script.Finals(same, Box(1000, 64_000))] for side in ("model", "evolution")})
    assert row["above the first"] == 0
    assert row["interval of that"] == [0, 0]


@pytest.mark.parametrize("script", ["recipe"], indirect=True)
@pytest.mark.parametrize("seeds", [1, 2])
def test_recipes_that_are_worth_the_same_are_told_apart_by_no_interval(script: ModuleType, seeds: int):
    rng, held = np.random.default_rng(2), []
    for _ in range(60):
        hard = rng.normal(0.7, 0.05, 20)
        done: list[dict[str, Any]] = []
        for side in ("monai", "ours"):
            for seed in range(seeds):
                cases = one_class(hard + rng.normal(0, 0.01) + rng.normal(0, 0.01, 20))
                done.append({"task": "made", "side": side, "seed": seed, "seconds": 1.0, "cases": cases})
        first, second = script.compared("made", ["monai", "ours"], seeds, done)
        assert first["interval"] is None
        held.append(second["interval"][0] <= 0 <= second["interval"][1])
    assert np.mean(held) > 0.9
