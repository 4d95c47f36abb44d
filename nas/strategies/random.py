"""Random search. Li, Talwalkar: Random Search and Reproducibility for Neural Architecture Search, UAI 2019,
https://arxiv.org/abs/1902.07638: the baseline that any other strategy has to beat.
"""

from __future__ import annotations

from nas.strategies.candidates import Candidates, plain_then_draws
from nas.strategies.strategy import Admits, History, Strategy, strategy
from search_spaces.architecture.architecture import Architecture
from search_spaces.space.union import SearchSpace


@strategy("random")
class RandomSearch(Strategy):
    """The plain network, then independent draws.

    Args:
        space, admits, seed: see ``Strategy``.
        sparse: whether few filled slots are likelier than many, see ``Space.sample``.
    """

    def __init__(self, space: SearchSpace, admits: Admits, seed: int, *, sparse: bool = True) -> None:
        super().__init__(space, admits, seed)
        self._candidates = Candidates(plain_then_draws(space, admits, seed, sparse), admits, space)

    def suggest(self, history: History) -> Architecture | None:
        return self._candidates.first_unseen(history.seen)
