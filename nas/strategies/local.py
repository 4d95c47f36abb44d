"""Pareto local search. Paquete, Chiarandini, Stuetzle: Pareto local optimum sets in the biobjective traveling salesman
problem, in: Metaheuristics for Multiobjective Optimisation, Springer 2004,
https://doi.org/10.1007/978-3-642-17144-4_7. White, Nolen, Savani: Exploring the Loss Landscape in Neural Architecture
Search, UAI 2021, https://arxiv.org/abs/2005.02960: a strong baseline where scores are not noisy.
"""

from __future__ import annotations

from nas.evidence.front import nondominated
from nas.strategies.candidates import Candidates, neighbours, sizes_then_draws
from nas.strategies.strategy import Admits, History, Strategy, strategy
from search_spaces.architecture.architecture import Architecture
from search_spaces.space.union import SearchSpace

BEGIN = 8  # architectures before the first neighbour


@strategy("local")
class LocalSearch(Strategy):
    """The untried neighbours of the front, of each member in turn.

    A neighbour is one change away: an option, a mechanism more, less or another, or one hyper-parameter. The search
    begins with plain networks of all sizes and sparse draws, and goes on with draws where every neighbour of the front
    was tried.

    Args:
        space, admits, seed: see ``Strategy``.
    """

    def __init__(self, space: SearchSpace, admits: Admits, seed: int) -> None:
        super().__init__(space, admits, seed)
        self._begin = Candidates(sizes_then_draws(space, self.budget, seed), admits, space)
        self._around: dict[Architecture, Candidates] = {}

    def suggest(self, history: History) -> Architecture | None:
        seen = history.seen
        front = self._front(history) if len(seen) >= BEGIN else []
        for turn in range(len(front)):
            member = front[(len(seen) + turn) % len(front)]
            if member not in self._around:
                self._around[member] = Candidates(neighbours(self.space, member, self.seed), self.admits)
            neighbour = self._around[member].first_unseen(seen)
            if neighbour is not None:
                return neighbour
        return self._begin.first_unseen(seen)

    def _front(self, history: History) -> list[Architecture]:
        """What no trial dominates, by rising parameters; a start may lie outside the space and has no neighbours."""
        trials = [trial for trial in history.completed if self.offers(trial.architecture)]
        params = [trial.cost.params for trial in trials]
        members = nondominated(params, [trial.metrics["dice"] for trial in trials])
        return list(dict.fromkeys(trials[place].architecture for place in members))
