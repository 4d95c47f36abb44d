"""Samplers of Optuna in spaces that fill few slots at once."""

from __future__ import annotations

import itertools

import pytest

from nas.strategies import STRATEGIES, History, optuna
from nas.strategies.candidates import plain_then_draws
from search_spaces.architecture.architecture import Architecture
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
