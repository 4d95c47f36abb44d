"""A model of all architectures at once; next comes the one that could add most to the front."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence, Set
from dataclasses import dataclass

import numpy as np

from nas.evidence.front import nondominated
from nas.evidence.hypervolume import Steps
from nas.one_core import one_core
from nas.records.trial import Trial
from nas.strategies.budget import Budget
from nas.strategies.candidates import SIZES, Candidates, host_of, sizes_then_draws
from nas.strategies.choices import choices_of
from nas.strategies.climbing import Climber, Prices
from nas.strategies.proposals import changed
from nas.strategies.strategy import Admits, History, Strategy, strategy
from nas.surrogate.earlier import Earlier
from nas.surrogate.features import Row, row_of
from nas.surrogate.observations import observed
from nas.surrogate.posterior import Posterior
from nas.surrogate.scales import Scales, learn_scales
from search_spaces.architecture.architecture import Architecture
from search_spaces.errors import InputError
from search_spaces.space.union import SearchSpace

LEAST = 4  # scores that a model is made of
AT_MOST = 4096  # observations that a model is made of
DEGREES = (0.5, 1.0)  # of optimism, in turns: less finds more where much helps, more where little does
STARTS = 6  # networks of the front and random hosts that climbs begin with, at each suggestion
SAME_SETTINGS = 128  # trials for which the hyper-parameters of a mechanism that is filled in stay as drawn
CHANGED = 12  # children of the front, at each suggestion
CHANGERS, CHANGES = 3, 10  # proposals that are changed, the best ones, and how often each
EACH = 120  # suggestions that a model is made anew for; from then on
SHARING = 6  # one serves a suggestion more for every so many trials: single ones change it less and less
GROWTH = 1.25  # scales are learnt anew when there are so many times more scores
ROUNDS = 20  # of proposals from one model, until one is found that is new


@dataclass(frozen=True)
class _View:
    """What a model of the first trials says: the model, the front that it sees, and who is on it."""

    posterior: Posterior
    steps: Steps
    front: tuple[Architecture, ...]


@strategy("model")
class Model(Strategy):
    """A Bayesian model of host, mechanisms and places; next comes what could widen the front most.

    First a few plain networks. Then every suggestion is the architecture with the largest hoped-for gain in
    hypervolume: its score is taken ``optimism`` standard deviations above what the model expects, its parameters are
    known. The front is that of the model, not of single noisy scores.

    Args:
        space, admits, seed: see ``Strategy``.
        optimism: standard deviations; more tries more of what is unknown.

    Attributes:
        earlier: what other runs made of attention; set before the first suggestion.
    """

    def __init__(self, space: SearchSpace, admits: Admits, seed: int, *, optimism: float = 1.0) -> None:
        super().__init__(space, admits, seed)
        if not optimism >= 0:
            raise InputError(f"model: optimism is a number from 0; got {optimism}")
        self.optimism = optimism
        self.earlier: Earlier | None = None
        self._first = Candidates(sizes_then_draws(space, self.budget, seed), admits, space)
        self._prices: Prices = {}
        self._scales: tuple[list[Trial], Scales] = ([], {})
        self._lists: tuple[object, _View | None, list[list[Architecture]]] = ((), None, [])

    @one_core()
    def suggest(self, history: History) -> Architecture | None:
        seen = history.seen
        scored = history.scored
        if len(seen) < SIZES or len(scored) < LEAST:
            return self._first.first_unseen(seen)
        if len(seen) < EACH:
            running = sorted(history.running, key=str)
            view = self._view(scored, history.failed, [row_of(architecture) for architecture in running])
            found = self._best(view, 1, np.random.default_rng((self.seed, len(seen))), seen)
            return found[0] if found else self._first.first_unseen(seen)
        begins, count = _block(len(scored))
        count = max(count, 1 << len(history.running).bit_length())  # as many as run may be asked for before one ends
        shared = scored[:begins]
        failed = [trial for trial in history.failed if trial.number < shared[-1].number]
        listed = (one for turn in range(ROUNDS) for one in self._listed(shared, failed, count, turn))
        new = next((architecture for architecture in listed if architecture not in seen), None)
        return new or self._first.first_unseen(seen)

    def _listed(self, scored: Sequence[Trial], failed: Sequence[Trial], count: int, turn: int) -> list[Architecture]:
        """The ``turn``-th ``count`` suggestions, best first, of one model that many suggestions share."""
        key = count, [*scored, *failed]
        if self._lists[0] != key:
            self._lists = key, self._view(scored, failed), []
        _, view, lists = self._lists
        assert view is not None
        while len(lists) <= turn:
            known = {trial.architecture for trial in (*scored, *failed)}.union(*lists)
            rng = np.random.default_rng((self.seed, len(scored), len(lists)))
            lists.append(self._best(view, count, rng, known))
        return lists[turn]

    def _view(self, scored: Sequence[Trial], failed: Sequence[Trial], pending: Sequence[Row] = ()) -> _View:
        seen = observed(scored).spread(AT_MOST)
        posterior = Posterior(seen.with_failed(failed[-AT_MOST:]), self._scales_for(scored), pending, self.earlier)
        values = posterior.of_tried(seen)
        params = seen.params.tolist()
        steps = Steps((self.budget.box.place(size), value) for size, value in zip(params, values, strict=True))
        best = [seen.architectures[place] for place in sorted(nondominated(params, values.tolist()))]
        front = tuple(architecture for architecture in best if self.offers(architecture))
        return _View(posterior, steps, front or (self.space.sample(np.random.default_rng(self.seed)),))

    def _scales_for(self, scored: Sequence[Trial]) -> Scales:
        """Of as many of the first trials as there were when scales were last due."""
        due = LEAST
        while math.ceil(due * GROWTH) <= len(scored):
            due = math.ceil(due * GROWTH)
        first = list(scored[:due])
        if self._scales[0] != first:
            self._scales = first, learn_scales(observed(first), self.earlier)
        return self._scales[1]

    def _best(self, view: _View, count: int, rng: np.random.Generator, seen: Set[Architecture]) -> list[Architecture]:
        """At most ``count`` new architectures, each the one that adds most to the front and those before it."""
        optimism = self.optimism * DEGREES[len(seen) // count % len(DEGREES)]
        pool = _Pool(view.posterior, self.budget, optimism, seen)
        pool.add(self._climbed(view, optimism, len(seen), rng))
        pool.add(changed(self.space, view.front, rng, CHANGED))
        top = pool.best(view.steps, CHANGERS)
        pool.add(child for one in top for child in changed(self.space, [one], rng, CHANGES))
        return pool.best(view.steps, count)

    def _climbed(self, view: _View, optimism: float, tried: int, rng: np.random.Generator) -> Iterator[Architecture]:
        """Climbs from the front and from random hosts."""
        of_front = [view.front[place] for place in rng.choice(len(view.front), STARTS // 2).tolist()]
        drawn = [self.space.sample(rng) for _ in range(STARTS - len(of_front))]
        starts = list(dict.fromkeys([*of_front, *(host_of(self.space, one) for one in [*of_front, *drawn])]))
        settings = self._settings(tried)
        choices = choices_of(view.posterior, self.space, starts, optimism, rng, settings)
        rest = view.posterior.scales["rest"] ** 2
        climber = Climber(self.space, self.budget, choices, view.steps, optimism, rest, self._prices)
        yield from filter(self.space.allows, map(climber.climb, starts))  # a host may need what no move alone gives it

    def _settings(self, tried: int) -> dict[str, float]:
        """A number from 0 up to 1 for each mechanism; now one changes and then another, as new prices take time."""
        names = self.space.mechanisms
        turns = [(place, (tried + place * SAME_SETTINGS // len(names)) // SAME_SETTINGS) for place in range(len(names))]
        return {
            name: float(np.random.default_rng((self.seed, *turn)).random())
            for name, turn in zip(names, turns, strict=True)
        }


def _block(scored: int) -> tuple[int, int]:
    """How many of the scores the model of the next suggestion is made of, and how many suggestions it serves."""
    begins, count = min(EACH, scored), 1
    while begins + count <= scored:
        begins += count
        count = 1 + (begins - EACH) // SHARING
    return begins, count


class _Pool:
    """New architectures that are admitted, each once, with what is hoped of them."""

    def __init__(self, posterior: Posterior, budget: Budget, optimism: float, seen: Set[Architecture]) -> None:
        self._posterior, self._budget, self._optimism = posterior, budget, optimism
        self._met = set(seen)
        self._architectures: list[Architecture] = []
        self._places = np.empty(0)
        self._hopes = np.empty(0)

    def add(self, proposals: Iterable[Architecture]) -> None:
        """Take those that are new."""
        new = [one for one in dict.fromkeys(proposals) if one not in self._met]
        self._met.update(new)
        new = [one for one in new if self._budget(one)]
        if new:
            means, deviations = self._posterior.predict([row_of(one) for one in new])
            places = [self._budget.box.place(self._budget.params(one)) for one in new]
            self._architectures += new
            self._places = np.append(self._places, places)
            self._hopes = np.append(self._hopes, means + self._optimism * deviations)

    def best(self, steps: Steps, count: int) -> list[Architecture]:
        """At most ``count``, each the one with the largest hoped-for gain over the front and those before it."""
        chosen: list[int] = []
        left = np.ones(len(self._architectures), bool)
        while len(chosen) < count and left.any():
            gains = np.where(left, steps.gains(self._places, self._hopes), -1.0)
            place = int(gains.argmax())
            chosen.append(place)
            left[place] = False
            steps = steps.with_point(float(self._places[place]), float(self._hopes[place]))
        return [self._architectures[place] for place in chosen]
