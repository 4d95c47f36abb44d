"""Dealing groups of cases out over the parts of a split, so that each part shows what is rare.

The rarest class first: each part that lacks it gets a group that shows it, training before validation before test,
then the part that is furthest below its share. After Sechidis et al., ECML PKDD 2011 (iterative stratification).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Mapping, Sequence


class Parts:
    """Parts of a split that are being filled with groups of cases.

    Attributes:
        sizes: cases of each group.
        wanted: how many cases each part is to have; the first part is the one that takes what fits nowhere.
        groups: positions of the groups that each part has.
        waiting: positions of the groups that no part has yet, in order.
    """

    def __init__(self, sizes: Sequence[int], wanted: Mapping[str, int]) -> None:
        self.sizes = sizes
        self.wanted = wanted
        self.groups: dict[str, list[int]] = {part: [] for part in wanted}
        self.waiting = dict.fromkeys(range(len(sizes)))
        self._held = dict.fromkeys(wanted, 0)

    def put(self, group: int, part: str) -> None:
        self.groups[part].append(group)
        self._held[part] += self.sizes[group]
        del self.waiting[group]

    def has_room(self, part: str, size: int) -> bool:
        """Whether ``size`` more cases bring ``part`` closer to what it wants; one group is kept for each empty part."""
        if not self.groups[part]:
            return True
        empty = sum(not groups for groups in self.groups.values())
        missing = self.wanted[part] - self._held[part]
        return len(self.waiting) > empty and abs(missing - size) < abs(missing)

    def fill(self, part: str) -> None:
        """Put waiting groups into ``part`` while that brings it closer to what it wants, the smallest if none does."""
        if not self.groups[part]:
            first = next((g for g in self.waiting if abs(self.wanted[part] - self.sizes[g]) < self.wanted[part]), None)
            self.put(min(self.waiting, key=lambda group: self.sizes[group]) if first is None else first, part)
        for group in list(self.waiting):
            if self.has_room(part, self.sizes[group]):
                self.put(group, part)


def deal(parts: Parts, shown: Sequence[Mapping[Hashable, int]]) -> None:
    """Put every group that shows a class which not all groups show.

    Args:
        parts: to be filled.
        shown: for each group, the classes that it shows and the number of its cases that show each.
    """
    showing: dict[Hashable, list[int]] = {}
    for group, classes in enumerate(shown):
        for name in classes:
            showing.setdefault(name, []).append(group)
    lacking = {part: set(showing) for part in parts.wanted}
    rare = [name for name, groups in showing.items() if len(groups) < len(shown)]
    for name in sorted(rare, key=lambda name: (len(showing[name]), showing[name])):
        _deal_class(parts, shown, lacking, name, showing[name])


def _deal_class(
    parts: Parts,
    shown: Sequence[Mapping[Hashable, int]],
    lacking: Mapping[str, set[Hashable]],
    name: Hashable,
    groups: Sequence[int],
) -> None:
    waiting = {group: parts.sizes[group] for group in groups if group in parts.waiting}
    sizes = Counter(waiting.values())
    cases = sum(shown[group][name] for group in groups)
    need = {
        part: cases * wanted / sum(parts.wanted.values()) - sum(shown[g].get(name, 0) for g in parts.groups[part])
        for part, wanted in parts.wanted.items()
    }
    while waiting:
        order = sorted(parts.wanted, key=lambda part: (0.0, 0.0) if name in lacking[part] else (1.0, -need[part]))
        first = next(iter(parts.wanted))
        part = next((p for p in order if any(parts.has_room(p, size) for size in sizes)), first)
        fitting = (group for group, size in waiting.items() if parts.has_room(part, size))
        group = next(iter(waiting))
        if part == first or not lacking[part]:
            group = next(fitting, group)
        else:  # a small part has few groups to show all classes
            group = max(fitting, key=lambda one: len(lacking[part] & shown[one].keys()))
        size = waiting.pop(group)
        sizes -= Counter([size])
        parts.put(group, part)
        need[part] -= shown[group][name]
        lacking[part] -= shown[group].keys()
