"""How many architectures a space holds, exactly, and which."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence

from search_spaces.space.frame import Attention, Contents, Frame, Group, Series
from search_spaces.space.rules import Filled, Rules

Facts = frozenset[Filled]


Fillings = dict[tuple[str, tuple[int, ...]], "Counter[Facts]"]  # by label and channels: groups alike are counted once


def count(frame: Frame, rules: Rules, max_filled: int, known: Fillings) -> int:
    """The number of ways to fill the slots of a frame; ``known`` keeps what other frames of the space can use.

    Groups are taken one by one; of those before only two things matter: how many are filled, and which of the facts
    that the rules ask for hold. That is a small table, whatever the number of architectures.
    """
    table = Counter({(0, _facts(rules, _names(frame.fixed))): 1})
    for group in frame.groups.values():
        alike = group.label, tuple(slot.channels for slot in group.slots)
        if alike not in known:
            known[alike] = fillings(group, rules)
        ways = known[alike]
        larger: Counter[tuple[int, Facts]] = Counter(table)
        for (filled, facts), number in table.items():
            if filled < max_filled:
                for more, choices in ways.items():
                    larger[filled + 1, facts | more] += number * choices
        table = larger
    settings = frame.settings
    return sum(number for (_, facts), number in table.items() if rules.allow(settings, facts.__contains__))


def fillings(group: Group, rules: Rules) -> Counter[Facts]:
    """How many different series make which facts true in the slots of ``group``."""
    singles: Counter[Facts] = Counter()
    for mechanism in group.offers:
        placed = {slot.name: [mechanism] for slot in group.slots}
        singles[_facts(rules, placed)] += len(group.distinct(mechanism))
    total, longest = Counter(singles), singles
    for _ in range(group.series - 1):
        longer: Counter[Facts] = Counter()
        for (facts, number), (more, choices) in itertools.product(longest.items(), singles.items()):
            longer[facts | more] += number * choices
        total += longer
        longest = longer
    return total


def attentions(frame: Frame, rules: Rules, max_filled: int) -> Iterator[Attention]:
    """Every way to fill the slots of a frame, each once."""
    settings = frame.settings
    for contents in _contents(list(frame.groups.values()), max_filled):
        attention = frame.attention(contents)
        if rules.allow_attention(settings, _names(attention)):
            yield attention


def _contents(groups: Sequence[Group], most: int) -> Iterator[Contents]:
    """Every way to fill at most ``most`` of the groups; empty ones are left out."""
    if not groups or not most:
        yield {}
        return
    first, *others = groups
    yield from _contents(others, most)
    for series in every_series(first):
        for contents in _contents(others, most - 1):
            yield {first.label: series, **contents}


def every_series(group: Group) -> Iterator[Series]:
    """Every different series for ``group``."""
    singles = [placement for mechanism in group.offers for placement in group.distinct(mechanism)]
    for length in range(1, group.series + 1):
        yield from itertools.product(singles, repeat=length)


def _names(attention: Attention) -> dict[str, list[str]]:
    return {slot: [placement.mechanism for placement in series] for slot, series in attention}


def _facts(rules: Rules, placed: Mapping[str, Sequence[str]]) -> Facts:
    return frozenset(
        fact for fact in rules.facts if any(fact.met_by(slot, name) for slot, names in placed.items() for name in names)
    )
