"""Random search. Li, Talwalkar: Random Search and Reproducibility for Neural Architecture Search, UAI 2019,
https://arxiv.org/abs/1902.07638: the baseline that any other strategy has to beat.
"""

from __future__ import annotations

from collections.abc import Iterator

from nas.strategies.candidates import Candidates, draws, starting_network
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
        self.sparse = sparse
        self._candidates = Candidates(self._order(), admits, space)

    def suggest(self, history: History) -> Architecture | None:
        return self._candidates.first_unseen(history.seen)

    def _order(self) -> Iterator[Architecture]:
        start = starting_network(self.space, self.admits)
        if start is not None:
            yield start
        yield from draws(self.space, self.seed, self.sparse)
