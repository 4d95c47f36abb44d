"""Which final is trained next: every network with as many seeds, or racing, more where they change the front most.

Plain logic over what has begun, so that a run that was stopped goes on as it would have.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, field

from search_spaces.architecture.architecture import Architecture

FIRST = 2  # seeds that every network has before any has more: one tells nothing of the noise
UNKNOWN = 0.25  # doubt of a network whose first training still runs: as likely on the front as off it

Training = tuple[Architecture, int]  # with a seed
Begun = Mapping[Architecture, Set[int]]  # seeds of each network, trained or being trained


@dataclass(frozen=True)
class Finals:
    """The networks of the finals, and how trainings are dealt out to them.

    Racing, every network is first trained with ``FIRST`` seeds. What is left of ``seeds`` for each of them, taken
    together, goes where it is worth most: to the network on which most of what is not sure about the front hangs, for
    the trainings that it has. One more than ``n`` takes ``1 / (n (n + 1))`` off the variance of its mean: what counts
    is its doubt times that, for each training that it takes. A network gets its seeds together with its controls, so
    that pairs stay pairs; one that is surely off the front gets no more.

    Attributes:
        finalists: what the search chose.
        controls: of finalists what they are held against, with the same seeds.
        references: networks to compare with; they are trained evenly, as no seed of theirs changes the front.
        seed: the first one.
        seeds: trainings of each network; racing, on average.
        racing: whether some get more and others fewer.
    """

    finalists: Sequence[Architecture]
    controls: Mapping[Architecture, Sequence[Architecture]] = field(default_factory=dict)
    references: Sequence[Architecture] = ()
    seed: int = 1
    seeds: int = 1
    racing: bool = False

    @property
    def networks(self) -> list[Architecture]:
        """Finalists and controls, each once."""
        beside = itertools.chain.from_iterable(self.controls.get(one, ()) for one in self.finalists)
        return list(dict.fromkeys([*self.finalists, *beside]))

    def next(
        self, begun: Begun, running: Set[Architecture], doubts: Callable[[], Mapping[Architecture, float]]
    ) -> Training | None:
        """The next training; None where there is none left.

        Args:
            begun: trainings that ended or run.
            running: networks of which some run.
            doubts: of each network that has a result, see ``nas.evidence.chances.doubts``; empty: nothing is known.
        """
        training = next(self.even(begun), None)
        return self._raced(begun, running, doubts) if training is None and self.racing else training

    def left(self, begun: Begun) -> int:
        """How many trainings there still are."""
        even = list(self.even(begun))
        if not self.racing:
            return len(even)
        networks = set(self.networks)
        of_networks = sum(one in networks for one, _ in even)
        return len(even) - of_networks + max(of_networks, self._budget(begun))

    def even(self, begun: Begun) -> Iterator[Training]:
        """What every network gets and has not begun, seed by seed."""
        raced = min(self.seeds, FIRST) if self.racing else self.seeds
        networks = self.networks
        for seed in range(self.seed, self.seed + self.seeds):
            for one in [*(networks if seed < self.seed + raced else []), *self.references]:
                if seed not in begun.get(one, ()):
                    yield one, seed

    def _budget(self, begun: Begun) -> int:
        """Trainings that are left to finalists and controls."""
        networks = self.networks
        return self.seeds * len(networks) - sum(len(begun.get(one, ())) for one in networks)

    def _raced(
        self, begun: Begun, running: Set[Architecture], doubts: Callable[[], Mapping[Architecture, float]]
    ) -> Training | None:
        budget = self._budget(begun)
        if budget <= 0:
            return None
        for one in self.finalists:  # a pair that was begun comes first
            for seed in sorted(begun.get(one, ())):
                for control in self._lacking(one, seed, begun):
                    return control, seed
        known = doubts()
        best: tuple[float, Training] | None = None
        for one in self.networks:
            count = len(begun.get(one, ()))
            seed = next(seed for seed in itertools.count(self.seed) if seed not in begun.get(one, ()))
            trainings = 1 + len(self._lacking(one, seed, begun))
            doubt = known.get(one, UNKNOWN if one in running or not known else 0.0)
            worth = doubt / (count * (count + 1)) / trainings
            if worth > 0 and trainings <= budget and (best is None or worth > best[0]):
                best = worth, (one, seed)
        return None if best is None else best[1]

    def _lacking(self, one: Architecture, seed: int, begun: Begun) -> list[Architecture]:
        """The controls of a network that have not begun with a seed."""
        return [control for control in self.controls.get(one, ()) if seed not in begun.get(control, ())]
