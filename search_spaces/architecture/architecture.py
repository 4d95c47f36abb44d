"""An architecture: one frozen point of a space, plain data that any process can rebuild a network from."""

from __future__ import annotations

import functools
import hashlib
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
import yaml

from search_spaces.architecture.canonical import canonical
from search_spaces.architecture.cost import Cost, Prices, host_params, series_params
from search_spaces.architecture.placement import Options, PlacedAttention, Placement
from search_spaces.attention import MECHANISMS
from search_spaces.attention.mechanism import Value
from search_spaces.errors import InputError, InputErrors, unknown_name
from search_spaces.hosts import HOSTS, Host, HostEntry
from search_spaces.hosts.slot import Slot
from search_spaces.initialisation import initialise
from search_spaces.yaml_file import read_yaml

Item = Placement | str | dict[str, Any]  # a mechanism: itself, its name, or plain data with its hyper-parameters

# What was checked and found right, as the thousands of lines of a journal hold the same few things. By how it is
# written: 2.0 and True equal 2 and 1, but make other objects and other files.
_SOUND_OPTIONS: dict[tuple[str, str], Options] = {}
_SOUND_SERIES: dict[tuple[str, int, tuple[str, ...], int], tuple[Placement, ...]] = {}


@dataclass(frozen=True)
class Architecture:
    """A host, its options, and what sits in its slots, in canonical form: equal networks are equal objects.

    Made by ``Architecture.create`` or ``from_dict``, which check everything; hashable and ordered inside.
    """

    host: str
    dims: int
    options: Options
    attention: tuple[tuple[str, tuple[Placement, ...]], ...] = ()

    def __hash__(self) -> int:
        return self._hash

    @functools.cached_property
    def _hash(self) -> int:
        """Worked out once: a search looks each of its architectures up in a set before every trial."""
        return hash((self.host, self.dims, self.options, self.attention))

    def __reduce__(self) -> tuple[type[Architecture], tuple[Any, ...]]:
        """Without the hash, which is another one in another process."""
        return Architecture, (self.host, self.dims, self.options, self.attention)

    @classmethod
    def create(
        cls,
        host: str,
        dims: int,
        options: Mapping[str, Value] | None = None,
        attention: Mapping[str, Placement | Sequence[Placement]] | None = None,
    ) -> Architecture:
        """Check and put in canonical form; options left out take their defaults, empty slots are dropped.

        Raises ``InputErrors`` that name every unknown host, option, slot or mechanism and every misfit.
        """
        placed = {name: [one] if isinstance(one, Placement) else list(one) for name, one in (attention or {}).items()}
        return cls._checked(host, dims, dict(options or {}), placed)

    @classmethod
    def _checked(
        cls, host: str, dims: int, options: dict[str, Value], attention: Mapping[str, Sequence[Item]]
    ) -> Architecture:
        """As ``create``."""
        entry = HOSTS[host]
        if type(dims) is not int or dims not in entry.dims:
            raise InputError(f"host '{host}' exists in {entry.dims} dimensions, got {dims}")
        faults: list[str] = []
        full = _host_options(entry, options, faults)
        if faults:
            raise InputErrors(faults)
        slots = slots_of(host, dims, full)
        filled: dict[str, tuple[Placement, ...]] = {}
        for name, series in attention.items():
            if name not in slots:
                faults.append(unknown_name(f"slot of {host} with {_options_text(full)}:", name, slots))
                continue
            checked = check_series(series, slots[name], dims, faults)
            if checked:
                filled[name] = checked
        if faults:
            raise InputErrors(faults)
        return cls(host, dims, full, tuple((name, filled[name]) for name in slots if name in filled))

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Architecture:
        """From plain data as ``to_dict`` gives and YAML holds; raises ``InputError`` on anything unexpected."""
        if not isinstance(data, Mapping):
            raise InputError(f"architecture: expected a mapping, got {type(data).__name__}")
        expected = {"host", "dims", "options", "attention"}
        faults = [unknown_name("key of an architecture", key, expected) for key in data if key not in expected]
        faults += [f"architecture: key '{key}' is missing" for key in ("host", "dims") if key not in data]
        if faults:
            raise InputErrors(faults)
        options, attention = data.get("options") or {}, data.get("attention") or {}
        for key, value in (("options", options), ("attention", attention)):
            if not isinstance(value, Mapping):
                faults.append(f"architecture: '{key}' is a mapping; got {value!r}")
        if faults:
            raise InputErrors(faults)
        items = {slot: series if isinstance(series, list) else [series] for slot, series in attention.items()}
        faults = [
            f"slot '{slot}': expected a mapping with the key 'mechanism', got {item!r}"
            for slot, series in items.items()
            for item in series
            if not isinstance(item, str) and not (isinstance(item, Mapping) and "mechanism" in item)
        ]
        if faults:
            raise InputErrors(faults)
        placed = {slot: [one if isinstance(one, str) else dict(one) for one in items[slot]] for slot in items}
        return cls._checked(data["host"], data["dims"], dict(options), placed)

    @classmethod
    def load(cls, path: Path | str) -> Architecture:
        """Read a YAML file."""
        return cls.from_dict(read_yaml(Path(path), "architecture"))

    def to_dict(self) -> dict[str, Any]:
        """Plain data for YAML and JSON; a slot with one mechanism holds a mapping, with several a list."""
        attention: dict[str, Any] = {}
        for slot, series in self.attention:
            items = [placement.to_dict() for placement in series]
            attention[slot] = items[0] if len(items) == 1 else items
        return {"host": self.host, "dims": self.dims, "options": dict(self.options), "attention": attention}

    def to_yaml(self) -> str:
        return yaml.safe_dump(self.to_dict(), sort_keys=False)

    @property
    def key(self) -> str:
        """Eight hexadecimal digits that name this architecture in every process."""
        return hashlib.blake2b(json.dumps(self.to_dict()).encode(), digest_size=4).hexdigest()

    @property
    def is_plain(self) -> bool:
        """Whether no slot is filled."""
        return not self.attention

    def __str__(self) -> str:
        """One line: the host with its size (its first two options) and what is no default, then each filled slot."""
        defaults = HOSTS[self.host].defaults
        told = tuple(
            (name, value) for place, (name, value) in enumerate(self.options) if place < 2 or value != defaults[name]
        )
        parts = [f"{self.host}({_options_text(told)})"]
        parts += [f"{slot}: {' > '.join(map(str, series))}" for slot, series in self.attention]
        return " + ".join(parts)

    def cost(self, in_channels: int, classes: int, size: Sequence[int]) -> Cost:
        """Exact parameters, and multiply-accumulates of one image of ``size``, without building the network."""
        size = tuple(size)
        if len(size) != self.dims:
            raise InputError(f"size {size} has {len(size)} axes, the architecture is {self.dims}D")
        return prices(self.host, self.dims, self.options, in_channels, classes, size).total(self.attention)

    def params(self, in_channels: int, classes: int) -> int:
        """The parameters of ``cost``, many times quicker: they do not hang on the size of an image."""
        slots = slots_of(self.host, self.dims, self.options)
        plain = host_params(self.host, self.dims, self.options, in_channels, classes)
        return plain + sum(series_params(series, self.dims, slots[name], classes) for name, series in self.attention)

    def build(self, in_channels: int, classes: int, seed: int = 0) -> Host:
        """The network: ``(batch, in_channels, *spatial)`` to ``(batch, 1 + classes, *spatial)`` logits.

        Initial weights follow from ``seed`` and each module's name and shape alone. The global random state is
        left as it was, so that what is drawn after is the same for every architecture.
        """
        slots, entry = slots_of(self.host, self.dims, self.options), HOSTS[self.host]
        with torch.random.fork_rng(devices=[]):
            if entry.outside:
                torch.manual_seed(seed)  # it keeps the weights that it gives itself
            attention = {
                name: PlacedAttention(series, slots[name], self.dims, classes) for name, series in self.attention
            }
            network = entry.build(in_channels, classes, self.dims, self.options, attention)
        if not entry.outside:
            initialise(network, seed)
        return network


@functools.lru_cache(maxsize=65536)
def prices(host: str, dims: int, options: Options, in_channels: int, classes: int, size: tuple[int, ...]) -> Prices:
    """The prices of a host with these options, for one image ``(in_channels, *size)``."""
    return Prices(host, dims, options, slots_of(host, dims, options), in_channels, classes, size)


@functools.lru_cache(maxsize=65536)
def slots_of(host: str, dims: int, options: Options) -> Mapping[str, Slot]:
    """The slots of a host with these options, by name, in the order of the network."""
    return {slot.name: slot for slot in HOSTS[host].module.slots(dims=dims, **dict(options))}


def _host_options(entry: HostEntry, given: Mapping[str, Value], faults: list[str]) -> Options:
    """All options of a host; what is wrong goes to ``faults``."""
    known = entry.name, repr(given)
    if known not in _SOUND_OPTIONS:
        before = len(faults)
        owner = f"host '{entry.name}'"
        full = _complete(owner, given, entry.options, entry.defaults, faults, entry.outside)
        if len(faults) > before:
            return full
        _SOUND_OPTIONS[known] = full
    return _SOUND_OPTIONS[known]


def _complete(
    owner: str,
    given: Mapping[str, Value],
    choices: Mapping[str, tuple[Value, ...]],
    defaults: Mapping[str, Value],
    faults: list[str],
    any_text: bool = False,
) -> Options:
    """All options in registry order, defaults filled in; a number need not be one a space offers, a word must.

    ``any_text``: or may be any.
    """
    faults += [unknown_name(f"option of {owner}:", name, choices) for name in given if name not in choices]
    values: dict[str, Value] = {}
    for name, allowed in choices.items():
        values[name] = as_offered(given.get(name, defaults[name]), allowed)
        if not (any_text and isinstance(values[name], str)):
            faults += option_faults(owner, name, values[name], allowed)
    return tuple(values.items())


def as_offered(value: Any, allowed: Sequence[Value]) -> Any:
    """``value``; a whole number as a fraction where fractions alone are offered: browsers too write 2 for 2.0."""
    fractions = {type(choice) for choice in allowed} == {float}
    return float(value) if fractions and type(value) is int and abs(value) < 2**53 else value


def option_faults(owner: str, name: str, value: object, allowed: Sequence[Value]) -> list[str]:
    """What is wrong with ``value``, in a line or none: a word is one of ``allowed``, a number positive and of a type.

    Types count: YAML's ``yes`` equals 1 and ``2.0`` equals 2, but they make other objects and other files.
    """
    peers = [choice for choice in allowed if type(choice) is type(value)]
    numeric = isinstance(value, int | float) and not isinstance(value, bool)
    if value in peers or (peers and numeric and 0 < value < math.inf):  # type: ignore[operator]
        return []
    if any(isinstance(choice, str | bool) for choice in allowed):
        expected = f"one of {', '.join(map(str, allowed))}"
    else:
        kind = "number" if any(isinstance(choice, float) for choice in allowed) else "whole number"
        expected = f"a positive {kind} such as {allowed[0]}"
    return [f"{owner}: option '{name}' is {expected}; got {value!r}"]


def check_series(series: Sequence[Item], slot: Slot, dims: int, faults: list[str]) -> tuple[Placement, ...]:
    """Mechanisms one after another in ``slot``, complete and in canonical form; what is wrong goes to ``faults``."""
    known = repr(series), slot.channels, slot.inputs, dims  # nothing else of a slot matters
    if known in _SOUND_SERIES:
        return _SOUND_SERIES[known]
    before = len(faults)
    if len(series) > 1 and slot.pyramid_channels:
        faults.append(f"slot '{slot.name}': holds one mechanism, which joins all decoder levels; got {len(series)}")
    complete = tuple(_check_placement(placement_from(item), slot, dims, faults) for item in series)
    if len(faults) > before:
        return complete
    try:
        found = tuple(canonical(placement, slot, dims) for placement in complete)
    except InputError as error:  # of a number that no mechanism's list holds
        faults.append(f"slot '{slot.name}': {error}")
        return complete
    _SOUND_SERIES[known] = found
    return found


def _check_placement(placement: Placement, slot: Slot, dims: int, faults: list[str]) -> Placement:
    if placement.mechanism not in MECHANISMS:
        faults.append(f"slot '{slot.name}': {unknown_name('mechanism', placement.mechanism, MECHANISMS)}")
        return placement
    entry = MECHANISMS[placement.mechanism]
    refusal = slot.refuses(entry, dims)
    if refusal:
        faults.append(f"slot '{slot.name}': {refusal}")
    owner = f"mechanism '{entry.name}' in slot '{slot.name}'"
    options = _complete(owner, dict(placement.options), entry.choices, entry.defaults, faults)
    return Placement(entry.name, options)


def placement_from(item: Item) -> Placement:
    """From a mechanism's name, or a mapping with it and its hyper-parameters; not checked."""
    if isinstance(item, Placement):
        return item
    if isinstance(item, str):
        return Placement(item)
    options = dict(item)
    return Placement(options.pop("mechanism"), tuple(options.items()))


def _options_text(options: Options) -> str:
    return ", ".join(f"{name}={value}" for name, value in options)
