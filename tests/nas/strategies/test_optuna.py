"""Samplers of Optuna in spaces that fill few slots at once."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from nas.strategies import STRATEGIES, History, optuna
from nas.strategies.candidates import plain_then_draws
from search_spaces.architecture.architecture import Architecture
from search_spaces.errors import InputError
from search_spaces.space.space_file import load_space
from tests.nas.trials import trial


def everything(candidate: Architecture) -> bool:
    return True


def test_what_a_sampler_fills_beyond_the_limit_is_left_empty_and_not_drawn_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(optuna, "ATTEMPTS", 1)
    space = load_space({"host": "unet", "options": {"depth": [3], "width": [4]}, "max_filled": 1}, dims=2)
    strategy = STRATEGIES["optuna"](space, everything, 0)
    history = History()
    for number in range(5):
        suggested = strategy.suggest(history)
        assert suggested is not None
        history.add(trial(number, architecture=suggested))
    found = [one.architecture for one in history.completed][1:]
    assert {len(one.attention) for one in found} == {1}
    at_random = set(itertools.islice(plain_then_draws(space, everything, 0), 50))
    assert at_random.isdisjoint(found)


SPACE = load_space({"host": "unet", "options": {"depth": [3], "width": [4]}, "mechanisms": ["se", "eca"]}, dims=2)
HELPS = "bottleneck", "skip.0"


def share_that_helps(architecture: Architecture) -> float:
    return sum(slot in dict(architecture.attention) for slot in HELPS) / len(HELPS)


@pytest.mark.parametrize("sampler", ["NSGAIISampler", "NSGAIIISampler", "TPESampler"])
def test_a_sampler_learns_from_what_was_tried(sampler: str) -> None:
    rng = np.random.default_rng(0)
    drawn = list(dict.fromkeys(SPACE.sample(rng, sparse=False) for _ in range(110)))
    history = History(trial(at, 0.5 + 0.4 * share_that_helps(one), architecture=one) for at, one in enumerate(drawn))

    def suggested(sampler: str) -> float:
        strategies = (STRATEGIES["optuna"](SPACE, everything, seed, sampler=sampler) for seed in range(10))
        found = [one for strategy in strategies if (one := strategy.suggest(history)) is not None]
        return float(np.mean([share_that_helps(one) for one in found]))

    assert suggested(sampler) > suggested("RandomSampler") + 0.15


def test_searches_with_seeds_next_to_each_other_share_nothing() -> None:
    histories = [History(trial(at, architecture=SPACE.plain()) for at in range(count)) for count in range(1, 12)]
    for number, history in enumerate(histories):
        for added in range(number):  # each with another number of networks that were seen
            history.begin(SPACE.sample(np.random.default_rng(added), sparse=False))
    first, second = (
        {STRATEGIES["optuna"](SPACE, everything, seed, sampler="RandomSampler").suggest(one) for one in histories}
        for seed in range(2)
    )
    assert first.isdisjoint(second)


@pytest.mark.parametrize("sampler", ["CmaEsSampler", "GridSampler", "PartialFixedSampler", "BaseGASampler", "Sampler"])
def test_a_sampler_that_cannot_serve_is_told_before_the_search(sampler: str) -> None:
    with pytest.raises(InputError, match=sampler):
        STRATEGIES["optuna"](SPACE, everything, 0, sampler=sampler)


@pytest.mark.parametrize("sampler", ["BruteForceSampler", "QMCSampler", "RandomSampler"])
def test_other_samplers_serve_without_a_word(sampler: str, capfd: pytest.CaptureFixture[str]) -> None:
    strategy = STRATEGIES["optuna"](SPACE, everything, 0, sampler=sampler)
    history = History()
    for number in range(6):
        suggested = strategy.suggest(history)
        assert suggested is not None
        history.add(trial(number, architecture=suggested))
    assert len(history.seen) == 6
    assert capfd.readouterr() == ("", "")
