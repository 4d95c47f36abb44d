"""Networks that a model hopes most of, climbed to one slot at a time.

What a model with additive effects hopes of a network follows from sums over what its slots hold. So every change of a
slot is worth a few additions, and all changes of all slots are weighed at once, without making a network of any.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from nas.evidence.hypervolume import Steps
from nas.strategies.budget import Budget
from nas.strategies.candidates import host_of
from nas.strategies.choices import Choices, groups_of
from search_spaces.architecture.architecture import Architecture
from search_spaces.hosts.slot import Slot
from search_spaces.space.frame import Series
from search_spaces.space.union import SearchSpace

Prices = dict[tuple[Slot, ...], dict[Series, int]]  # what a series in some slots adds to the parameters of any host

MOVES = 80  # at most, of one climb
LEAST = 1e-7  # gain in hypervolume that is worth a move


class Climber:
    """Climbs to the network that widens a front most, if its score is what is hoped.

    Args:
        space, budget: what networks there are, and which may be tried.
        choices: what may sit in their slots.
        steps: the front.
        optimism: standard deviations that are added to what is expected.
        rest: variance of what the choices do not tell of a score.
        prices: what each choice is known to cost; filled as it climbs.
    """

    def __init__(
        self,
        space: SearchSpace,
        budget: Budget,
        choices: Choices,
        steps: Steps,
        optimism: float,
        rest: float,
        prices: Prices,
    ) -> None:
        self._space, self._budget, self._choices, self._prices = space, budget, choices, prices
        self._steps, self._optimism, self._rest = steps, optimism, rest
        self._slots: dict[Architecture, _Slots] = {}

    def climb(self, start: Architecture) -> Architecture:
        """The network that no change of one slot makes more hoped for; ``start`` is one of those choices are for."""
        host = host_of(self._space, start)
        if host not in self._slots:
            self._slots[host] = _Slots(self._space, self._choices, self._budget, host, self._prices)
        slots = self._slots[host]
        found = slots.network(self._end(slots, start, careful=False))
        if not slots.may_be(found):  # for a rule, or a limit on anything but parameters
            found = slots.network(self._end(slots, start, careful=True))
        return found

    def _end(self, slots: _Slots, start: Architecture, careful: bool) -> np.ndarray:
        """The line of each group where a climb ends; a careful one makes no move that is refused."""
        chosen = slots.chosen(start)
        refused = np.zeros(len(slots.group), bool)
        best = -np.inf
        for _ in range(MOVES if len(chosen) else 0):
            now = chosen[slots.group]
            along = slots.with_host + slots.covariance[chosen].sum(axis=0)
            mean = slots.mean + slots.means[chosen].sum()
            variance = slots.variance + (slots.with_host + along)[chosen].sum()
            changes = 2 * (along - along[now]) + slots.diagonal + slots.diagonal[now]
            variances = variance + changes - 2 * slots.covariance[now, np.arange(len(now))]
            sizes = slots.plain + slots.params[chosen].sum() + slots.params - slots.params[now]
            values = self._value(mean + slots.means - slots.means[now], variances, sizes)
            best = max(best, values[chosen[0]])
            full = np.count_nonzero(chosen != slots.empty) >= slots.most
            values[refused | (full & (now == slots.empty[slots.group]))] = -np.inf
            line = int(values.argmax())
            if values[line] <= best + LEAST:
                break
            moved = chosen.copy()
            moved[slots.group[line]] = line
            if careful and not slots.may_be(slots.network(moved)):
                refused[line] = True
            else:
                chosen, refused = moved, np.zeros(len(refused), bool)
                best = values[line]
        return chosen

    def _value(self, means: np.ndarray, variances: np.ndarray, params: np.ndarray) -> np.ndarray:
        """Hoped-for gain of networks in hypervolume; of those without any, how far below the front they are."""
        hopes = means + self._optimism * np.sqrt(np.maximum(variances, 0) + self._rest)
        places = self._budget.box.places(params)
        gains = self._steps.gains(places, hopes)
        below = np.where(places < 1, np.minimum(hopes - self._steps.heights(places), 0), -np.inf)
        return np.where(gains > 0, gains, below)


class _Slots:
    """The groups of slots of one host, and as arrays ``(lines,)`` all that each may hold."""

    def __init__(
        self, space: SearchSpace, choices: Choices, budget: Budget, host: Architecture, prices: Prices
    ) -> None:
        self._part, self._budget, self._host = space.part_of(host), budget, host
        groups = groups_of(self._part, host)
        self.labels = [label for _, label, _ in groups]
        self.series = [series for key in groups for series in choices.series[key]]
        self.group = np.repeat(np.arange(len(groups)), [len(choices.series[key]) for key in groups])
        self.empty = self.group.searchsorted(np.arange(len(groups)))
        self.most = self._part.max_filled
        line = choices.hosts[host]
        lines = [line for key in groups for line in choices.series[key].values()]
        self.mean, self.means = choices.means[line], choices.means[lines]
        self.variance, self.with_host = choices.covariance[line, line], choices.covariance[line, lines]
        self.covariance = choices.covariance[np.ix_(lines, lines)]
        self.diagonal = np.diag(self.covariance)
        self.plain = budget.params(host)
        added: list[int] = []
        for key, group in groups.items():
            known = prices.setdefault(group.slots, {})
            for series in choices.series[key]:
                if series not in known:
                    known[series] = self._price(group.label, series)
                added.append(known[series])
        self.params = np.array(added)

    def _lines(self) -> Iterator[tuple[str, Series]]:
        return zip([self.labels[place] for place in self.group.tolist()], self.series, strict=True)

    def _price(self, label: str, series: Series) -> int:
        """What is added to the parameters of the host: slots that are alike cost the same whatever is around them."""
        filled = self._part.assemble(self._host.options, {label: series})
        return self._budget.params(filled) - self.plain if series else 0

    def chosen(self, network: Architecture) -> np.ndarray:
        """The line of each group in ``network``."""
        contents = self._part.contents(network)
        lines = {held: line for line, held in enumerate(self._lines())}
        return np.array([lines[label, contents.get(label, ())] for label in self.labels], int)

    def network(self, chosen: np.ndarray) -> Architecture:
        """The other way round."""
        contents = {label: self.series[line] for label, line in zip(self.labels, chosen.tolist(), strict=True)}
        return self._part.assemble(self._host.options, contents)

    def may_be(self, network: Architecture) -> bool:
        """Whether it may be tried."""
        return self._part.allows(network) and self._budget(network)
