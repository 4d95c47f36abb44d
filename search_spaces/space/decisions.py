"""What the space of one host holds: its options, what each slot offers, what is tied, fixed, forbidden or required."""

from __future__ import annotations

import fnmatch
import itertools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from search_spaces.architecture.architecture import Architecture, slots_of
from search_spaces.architecture.canonical import canonical
from search_spaces.architecture.placement import Options
from search_spaces.attention import MECHANISMS
from search_spaces.attention.mechanism import Value
from search_spaces.errors import InputError
from search_spaces.hosts import HOSTS
from search_spaces.space.frame import Choices, Contents, Frame, Group, Series
from search_spaces.space.rules import Rules


class Decisions:
    """All that there is to decide about a network of one host, and which networks are the answers.

    Slots that are tied are one decision, whose label is their pattern; any other slot is its own.

    Args:
        host: registered host name.
        dims: 2 or 3.
        options: host option to the values offered; options left out keep the host's default.
        slots: slot name to the mechanisms offered there, each with its hyper-parameter choices; choices left out are
            all that the registry lists.
        max_filled: largest number of filled slots, None for no limit; tied slots count as one, fixed ones not at all.
        series: most mechanisms one after another in a slot.
        tied: patterns of slots that hold the same.
        fixed: slot name to what always sits there; no choice is left in these slots.
        rules: what is forbidden or required.
    """

    def __init__(
        self,
        host: str,
        dims: int,
        options: Choices,
        slots: Mapping[str, Mapping[str, Choices]],
        max_filled: int | None = None,
        *,
        series: int = 1,
        tied: Sequence[str] = (),
        fixed: Mapping[str, Series] | None = None,
        rules: Rules | None = None,
    ) -> None:
        self.host = host
        self.dims = dims
        defaults = {name: (value,) for name, value in HOSTS[host].defaults.items()}
        self.options = _complete(defaults, options)
        self.fixed = dict(fixed or {})
        self.slots = {
            slot: {name: _complete(MECHANISMS[name].choices, choices) for name, choices in mechanisms.items()}
            for slot, mechanisms in slots.items()
            if mechanisms and slot not in self.fixed
        }
        self.tied = tuple(tied)
        self.series = series
        self.rules = rules or Rules()
        self.groups = self._group()
        self._longest = {label: self._most(offers) for label, offers in self.groups.items()}
        self.max_filled = len(self.groups) if max_filled is None else max_filled
        self._frames: dict[Options, Frame] = {}

    def _group(self) -> dict[str, dict[str, Choices]]:
        """Label of each decision to what it offers; of tied slots only what all of them offer alike."""
        groups: dict[str, dict[str, Choices]] = {}
        self._label: dict[str, str] = {}
        for slot, offers in self.slots.items():
            label = next((pattern for pattern in self.tied if fnmatch.fnmatchcase(slot, pattern)), slot)
            self._label[slot] = label
            shared = groups.get(label, offers)
            groups[label] = {name: choices for name, choices in shared.items() if offers.get(name) == choices}
        return groups

    def longest(self, label: str) -> int:
        """The most mechanisms in series: after a pyramid comes none."""
        return self._longest[label]

    def _most(self, offers: Mapping[str, Choices]) -> int:
        return 1 if any(MECHANISMS[name].inputs == "pyramid" for name in offers) else self.series

    @property
    def mechanisms(self) -> list[str]:
        """Names of all mechanisms offered anywhere, sorted."""
        return sorted({name for mechanisms in self.groups.values() for name in mechanisms})

    def frame(self, options: Options) -> Frame:
        """What is open under these options, which are in the registry's order."""
        frame = self._frames.get(options)
        if frame is None:
            slots = slots_of(self.host, self.dims, options)
            open_slots: dict[str, list[str]] = {}
            for slot in slots:
                if slot in self.slots and self.groups[self._label[slot]]:
                    open_slots.setdefault(self._label[slot], []).append(slot)
            groups = {
                label: Group(label, tuple(slots[s] for s in names), self.groups[label], self.longest(label), self.dims)
                for label, names in open_slots.items()
            }
            fixed = tuple(
                (slot, tuple(canonical(placement, slots[slot], self.dims) for placement in series))
                for slot, series in self.fixed.items()
                if slot in slots
            )
            order = {slot: index for index, slot in enumerate(slots)}
            frame = self._frames[options] = Frame(self.host, options, groups, fixed, order)
        return frame

    def frames(self) -> Iterator[Frame]:
        """The frame of every combination of the host's options."""
        for values in itertools.product(*self.options.values()):
            yield self.frame(tuple(zip(self.options, values, strict=True)))

    def assemble(self, options: Options, contents: Mapping[str, Series]) -> Architecture:
        """The architecture with these options and, by label, these contents; what has no place in it is dropped.

        Nothing is checked but the rules of making: canonical form and the order of the network.
        """
        frame = self.frame(options)
        held = {label: contents[label] for label in frame.groups if contents.get(label)}
        return Architecture(self.host, self.dims, options, frame.attention(held))

    def contents(self, architecture: Architecture) -> Contents:
        """What each label holds in ``architecture``, in values that the space offers; empty labels are left out.

        Raises ``InputError`` when the architecture is not in this space, saying what does not fit.
        """
        return {label: found[0] for label, found in self.all_contents(architecture).items()}

    def all_contents(self, architecture: Architecture) -> dict[str, list[Series]]:
        """As ``contents``, with every series on offer that makes the same network there."""
        if (architecture.host, architecture.dims) != (self.host, self.dims):
            raise InputError(
                f"architecture is a {architecture.dims}D {architecture.host}, the space is {self.dims}D {self.host}"
            )
        for name, value in architecture.options:
            if value not in self.options[name]:
                raise InputError(f"'{name}' = {value!r} is not in the space; it offers {list(self.options[name])}")
        frame, placed = self.frame(architecture.options), dict(architecture.attention)
        for slot, series in frame.fixed:
            if placed.pop(slot, ()) != series:
                raise InputError(f"slot '{slot}': the space fixes {' > '.join(map(str, series))}")
        found: dict[str, list[Series]] = {}
        for label, group in frame.groups.items():
            here = [placed.pop(slot.name, ()) for slot in group.slots]
            if any(here):
                found[label] = group.aliases(here)
                if not found[label]:
                    raise InputError(self._misfit(group, here))
        if placed:
            slot, series = next(iter(placed.items()))
            raise InputError(f"'{slot}/mechanism' = {series[0].mechanism!r} is not in the space; it offers nothing")
        return found

    def _misfit(self, group: Group, placed: Sequence[Series]) -> str:
        """Why no series on offer gives what is ``placed`` in the slots of ``group``."""
        longest = max(placed, key=len)
        if len(longest) > group.series:
            most = "one mechanism" if group.series == 1 else f"at most {group.series} mechanisms"
            return f"slot '{group.label}': the space places {most}, the architecture has {len(longest)}"
        alone = [replace(group, slots=(slot,)) for slot in group.slots]
        if all(one.aliases([series]) for one, series in zip(alone, placed, strict=True) if series):
            return f"slots '{group.label}' are tied in the space: they hold the same; the architecture's differ"
        for placement in longest:
            offers = group.offers.get(placement.mechanism)
            if offers is None:
                offered = list(group.offers)
                return f"'{group.label}/mechanism' = {placement.mechanism!r} is not in the space; it offers {offered}"
            for name, value in placement.options:
                if value not in offers[name]:
                    label = f"{group.label}/{placement.mechanism}/{name}"
                    return f"'{label}' = {value!r} is not in the space; it offers {list(offers[name])}"
        return f"slot '{group.label}': {' > '.join(map(str, longest))} is not in the space"

    def _filled(self, architecture: Architecture) -> int:
        """How many of the slots that the space leaves open are filled; tied slots count once."""
        fixed = dict(self.frame(architecture.options).fixed).keys()
        return len({self._label.get(slot, slot) for slot, _ in architecture.attention} - fixed)

    def keeps_rules(self, architecture: Architecture) -> bool:
        if not self.rules:
            return True
        placed = {slot: [placement.mechanism for placement in series] for slot, series in architecture.attention}
        return self.rules.allow_attention(self.frame(architecture.options).settings, placed)

    def check_rules(self, architecture: Architecture) -> None:
        """Raise ``InputError`` when a limit or a rule is broken."""
        filled = self._filled(architecture)
        if filled > self.max_filled:
            raise InputError(f"{filled} slots are filled, the space allows {self.max_filled}")
        if not self.keeps_rules(architecture):
            raise InputError(f"{architecture} breaks a rule of the space")

    def allows(self, architecture: Architecture) -> bool:
        """Whether an architecture made by ``assemble`` keeps the limit and the rules."""
        return self._filled(architecture) <= self.max_filled and self.keeps_rules(architecture)

    def to_dict(self) -> dict[str, object]:
        """Plain data that ``load_space`` turns back into this space, everything written out."""
        return {
            "host": self.host,
            "options": {name: list(values) for name, values in self.options.items()},
            "slots": {
                slot: {name: {key: list(v) for key, v in choices.items()} for name, choices in mechanisms.items()}
                for slot, mechanisms in self.slots.items()
            },
            "max_filled": self.max_filled,
            "series": self.series,
            "tied": list(self.tied),
            "fixed": {slot: [placement.to_dict() for placement in series] for slot, series in self.fixed.items()},
            **{key: list(rules) for key, rules in self.rules.written.items()},
        }


def _complete(offered: Mapping[str, tuple[Value, ...]], given: Choices) -> dict[str, tuple[Value, ...]]:
    return {name: tuple(values) for name, values in {**offered, **given}.items()}
