"""What one host of a space file offers: options, slots, mechanisms in each, and what is wrong with what was asked."""

from __future__ import annotations

import fnmatch
import functools
import itertools
from collections.abc import Mapping
from typing import Any

from search_spaces.architecture.architecture import (
    Item,
    as_offered,
    check_series,
    option_faults,
    slots_of,
)
from search_spaces.architecture.cost import params_of
from search_spaces.architecture.placement import Placement
from search_spaces.attention import MECHANISMS
from search_spaces.attention.mechanism import Value
from search_spaces.errors import InputError, unknown_name
from search_spaces.hosts import HOSTS
from search_spaces.hosts.slot import Slot
from search_spaces.space.frame import Choices


class HostReading:
    """One host of a space file; ``absent`` collects what has no place in it."""

    def __init__(self, host: str, dims: int, options: Choices) -> None:
        self.host, self.dims, self.options = host, dims, options
        self.slots = _all_slots(host, dims, options)
        self.absent: dict[str, str] = {}

    def match(self, pattern: object) -> list[str]:
        """The slots of a name or pattern, in network order."""
        found = [name for name in self.slots if fnmatch.fnmatchcase(name, str(pattern))]
        if not found:
            self.absent[f"slot {pattern}"] = unknown_name(f"slot of {self.host}:", pattern, self.slots)
        return found

    def placed(self, given: Any, mechanisms: Mapping[str, Choices], faults: list[str]) -> dict[str, dict[str, Choices]]:
        """Slot to the mechanisms offered there."""
        if isinstance(given, Mapping):
            return self._by_slot(given, mechanisms, faults)
        if given != "all" and not isinstance(given, str | list | tuple):
            faults.append(f"space: slots is 'all', a list of names, or a mapping of names to mechanisms; got {given!r}")
            return {}
        patterns = ["*"] if given == "all" else [given] if isinstance(given, str) else given
        wanted = {name for pattern in patterns for name in self.match(pattern)}
        return {name: _admitted(mechanisms, self.slots[name], self.dims) for name in self.slots if name in wanted}

    def _by_slot(
        self, given: Mapping[str, Any], mechanisms: Mapping[str, Choices], faults: list[str]
    ) -> dict[str, dict[str, Choices]]:
        """Slots with their own mechanisms, as ``Space.to_dict`` writes them; a later pattern adds to an earlier."""
        placed: dict[str, dict[str, Choices]] = {}
        for pattern, offered in given.items():
            here = mechanisms if offered in (None, "all") else mechanism_choices(offered, faults)
            for name in self.match(pattern):
                for mechanism, choices in here.items():
                    refusal = self.slots[name].refuses(MECHANISMS[mechanism], self.dims)
                    if refusal and offered not in (None, "all"):
                        faults.append(f"slot '{name}': {refusal}")
                    elif not refusal:
                        placed.setdefault(name, {})[mechanism] = choices
        return {name: placed[name] for name in self.slots if name in placed}

    def find_homes(self, mechanisms: Mapping[str, Choices], placed: Mapping[str, Mapping[str, Choices]]) -> None:
        """Note the mechanisms that no slot takes."""
        for name in mechanisms:
            if not any(name in offered for offered in placed.values()):
                slots = [self.slots[slot] for slot in placed]
                self.absent[f"mechanism {name}"] = _why_homeless(name, slots, self.dims)

    def fixed(self, given: Any, faults: list[str]) -> dict[str, tuple[Placement, ...]]:
        """Slot to what always sits there, complete."""
        if given is None:
            return {}
        if not isinstance(given, Mapping):
            faults.append(f"space: fixed is a mapping of slots to mechanisms; got {given!r}")
            return {}
        found: dict[str, tuple[Placement, ...]] = {}
        for pattern, items in given.items():
            items = items if isinstance(items, list) else [items]
            if not all(isinstance(i, str) or (isinstance(i, Mapping) and "mechanism" in i) for i in items):
                faults.append(f"space: fixed '{pattern}' is a mapping with the key 'mechanism'; got {items!r}")
                continue
            series: list[Item] = [item if isinstance(item, str) else dict(item) for item in items]
            for name in self.match(pattern):
                wrong: list[str] = []
                found[name] = check_series(series, self.slots[name], self.dims, wrong)
                for placement in () if wrong else found[name]:
                    wrong += [f"slot '{name}': {fault}" for fault in _refusals(placement, self.slots[name], self.dims)]
                faults += wrong
        return found


def host_options(host: str, given: Any, faults: list[str]) -> Choices:
    """The host's options: what is not named keeps its default, so that a space names what varies."""
    offered, defaults = HOSTS[host].options, HOSTS[host].defaults
    choices = _choices(f"host '{host}'", None if given == "all" else given, offered, faults)
    for name, values in choices.items():
        if len(values) > 1 == len(offered[name]):
            faults.append(
                f"host '{host}': option '{name}' is a setting and no choice, expected one value; got {list(values)}"
            )
    named = set(offered) if given == "all" else set(given) if isinstance(given, Mapping) else set()
    return {name: values if name in named else (defaults[name],) for name, values in choices.items()}


def _choices(owner: str, given: Any, offered: Mapping[str, tuple[Value, ...]], faults: list[str]) -> Choices:
    """The values of each option: those given (one or a list), else, as after a fault, all that are offered."""
    if given is None:
        return offered
    if not isinstance(given, Mapping):
        faults.append(f"{owner}: options are a mapping of name to values; got {given!r}")
        return offered
    faults += [unknown_name(f"option of {owner}:", name, offered) for name in given if name not in offered]
    choices: dict[str, tuple[Value, ...]] = {}
    for name, values in offered.items():
        listed = given.get(name, values)
        listed = [as_offered(value, values) for value in (listed if isinstance(listed, list | tuple) else [listed])]
        wrong = [fault for value in listed for fault in option_faults(owner, name, value, values)]
        if not listed:
            wrong.append(f"{owner}: option '{name}' has an empty list of values")
        faults += wrong
        choices[name] = values if wrong else tuple(dict.fromkeys(listed))
    return choices


def mechanism_choices(given: Any, faults: list[str]) -> dict[str, Choices]:
    """Mechanism to its choices: of all, of those named, or of those that a mapping gives choices for."""
    if given == "all":
        return {name: MECHANISMS[name].choices for name in MECHANISMS}
    if isinstance(given, str):
        given = [given]
    if not isinstance(given, list | tuple | Mapping):
        faults.append(f"space: mechanisms is 'all', a list of names, or a mapping of names to choices; got {given!r}")
        return {}
    faults += [unknown_name("mechanism", name, MECHANISMS) for name in given if name not in MECHANISMS]
    known = [name for name in given if name in MECHANISMS]
    choices = given if isinstance(given, Mapping) else {}
    return {
        name: _choices(f"mechanism '{name}'", choices.get(name), MECHANISMS[name].choices, faults) for name in known
    }


def _all_slots(host: str, dims: int, options: Choices) -> dict[str, Slot]:
    """Every slot that any of the host's options gives; where options change a slot's width, one form of it."""
    slots: dict[str, Slot] = {}
    for values in itertools.product(*options.values()):
        slots.update(slots_of(host, dims, tuple(zip(options, values, strict=True))))
    return slots


def refusals(placed: Mapping[str, Mapping[str, Choices]], slots: Mapping[str, Slot], dims: int) -> list[str]:
    """What mechanisms say of numbers that the registry does not list: better here than in the middle of a search."""
    faults: dict[str, None] = {}
    for slot, mechanisms in placed.items():
        for mechanism, choices in mechanisms.items():
            listed = MECHANISMS[mechanism].choices
            if all(value in listed[name] for name, values in choices.items() for value in values):
                continue
            for values in itertools.product(*choices.values()):  # one may be refused beside some others alone
                options = tuple(zip(choices, values, strict=True))
                if any(value not in listed[name] for name, value in options):
                    refusals = _refusals(Placement(mechanism, options), slots[slot], dims)
                    faults |= dict.fromkeys(f"mechanism '{mechanism}': {fault}" for fault in refusals)
    return list(faults)


def _refusals(placement: Placement, slot: Slot, dims: int) -> list[str]:
    """What a mechanism says of its numbers where it cannot be made with them."""
    try:
        params_of(functools.partial(placement.build, slot, dims, classes=1))
    except InputError as error:
        return error.faults
    return []


def _admitted(mechanisms: Mapping[str, Choices], slot: Slot, dims: int) -> dict[str, Choices]:
    return {name: choices for name, choices in mechanisms.items() if not slot.refuses(MECHANISMS[name], dims)}


def _why_homeless(name: str, slots: list[Slot], dims: int) -> str:
    refusals = (slot.refuses(MECHANISMS[name], dims) for slot in slots)
    reason = next((refusal for refusal in refusals if refusal), "they list others")
    return f"mechanism '{name}' fits none of the slots {', '.join(slot.name for slot in slots)}: {reason}"
