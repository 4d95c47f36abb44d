"""Evolution after architectures that it was given, which need not lie in its space."""

from __future__ import annotations

import pytest

from nas.records.trial import Trial
from nas.strategies import History
from nas.strategies.evolution import Evolution
from search_spaces.architecture.architecture import Architecture
from search_spaces.architecture.placement import Placement
from search_spaces.space.space_file import load_space
from tests.nas.trials import trial

SPACE = load_space({"host": "unet", "options": {"depth": [2, 3], "width": [4, 8, 12]}, "mechanisms": ["se", "eca"]}, 2)
OUTSIDE = [
    Architecture.create("nested", 2, {"depth": 2, "width": 4}),
    Architecture.create("unet", 2, {"depth": 4, "width": 5}),
    Architecture.create("unet", 2, {"depth": 2, "width": 4}, {"skip.0": [Placement("se"), Placement("eca")]}),
    Architecture.create("unet", 2, {"depth": 2, "width": 4}, {"skip.0": Placement("cbam")}),
]
INSIDE = Architecture.create("unet", 2, {"depth": 2, "width": 12}, {"skip.0": Placement("se")})


def evolution() -> Evolution:
    return Evolution(SPACE, lambda candidate: True, 3, population=2, crossover=0.5)


def evolved(given: list[Architecture], count: int) -> list[Trial]:
    """What is given scores above all that evolution finds."""
    trials = [trial(number, 0.9, 100 + number, architecture=one) for number, one in enumerate(given)]
    strategy = evolution()
    for number in range(len(trials), len(trials) + count):
        child = strategy.suggest(History(trials))
        assert child is not None
        trials.append(trial(number, 0.5, 5000 + number, architecture=child))
    return trials


def test_the_best_may_lie_outside_the_space_and_is_no_parent() -> None:
    trials = evolved([*OUTSIDE, INSIDE], 40)
    assert all(item.architecture in SPACE for item in trials[len(OUTSIDE) :])
    assert len({item.architecture for item in trials}) == len(trials)


def test_what_lies_in_the_space_is_a_parent() -> None:
    trials = evolved([*OUTSIDE, INSIDE], 0)
    child = evolution().suggest(History(trials))
    assert child is not None
    assert child != evolution().suggest(History(trials[: len(OUTSIDE)]))
    assert set(SPACE.neighbours(INSIDE)) & {child}, "with one parent, crossover gives the parent: one change away"


@pytest.mark.parametrize("outside", OUTSIDE, ids=str)
def test_with_no_parent_in_the_space_evolution_goes_on_with_its_own_beginning(outside: Architecture) -> None:
    strategy = evolution()
    trials = [trial(0, 0.9, 100, architecture=outside), trial(1, None, 100, architecture=INSIDE)]
    assert strategy.suggest(History(trials)) == SPACE.plain()
