"""The checks for outside strategies pass for our own and see what they look for."""

from __future__ import annotations

import pytest

from nas import testing
from nas.strategies import STRATEGIES, History
from nas.strategies.random import RandomSearch
from search_spaces.architecture.architecture import Architecture


@pytest.mark.parametrize("name", list(STRATEGIES))
def test_every_strategy_keeps_to_the_contract(name):
    testing.check_strategy(STRATEGIES[name], trials=14)


class Repeats(RandomSearch):
    """Forgets what is running."""

    def suggest(self, history: History) -> Architecture | None:
        return super().suggest(History(history.trials))


class Remembers(RandomSearch):
    """Gives another answer each time."""

    asked = 0

    def suggest(self, history: History) -> Architecture | None:
        self.asked += 1
        return super().suggest(History(history.trials, [self.space.plain()] if self.asked % 3 == 2 else []))


class Strays(RandomSearch):
    """Heeds no limit."""

    def suggest(self, history: History) -> Architecture | None:
        return (
            RandomSearch(self.space, lambda _: True, self.seed).suggest(history)
            if history.trials
            else super().suggest(history)
        )


class BreaksRules(RandomSearch):
    """Tries all plain networks first, forbidden or not."""

    def suggest(self, history: History) -> Architecture | None:
        left = (one for one in self.space.plain_networks() if self.admits(one) and one not in history.seen)
        return next(left, super().suggest(history)) if history.trials else super().suggest(history)


class GivesUp(RandomSearch):
    """Ends when a trial has failed."""

    def suggest(self, history: History) -> Architecture | None:
        failed = any(trial.dice is None for trial in history.trials)
        return None if failed else super().suggest(history)


@pytest.mark.parametrize("broken", [Repeats, Remembers, Strays, BreaksRules, GivesUp])
def test_a_strategy_that_breaks_the_contract_is_told(broken):
    with pytest.raises(AssertionError):
        testing.check_strategy(broken, trials=14)
