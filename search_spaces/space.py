"""A search space: host options x slots x mechanisms x hyper-parameters, as ``nni.mutable`` objects.

nni is used for what it is good at, naming and holding the choices and checking that a sample fits them; it is
imported nowhere else but in the supernet. Draws, changes and counting are ours: they must know which choices
are active, stay sparse, and be fast.
"""

from __future__ import annotations

import functools
import itertools
import math
from collections.abc import Iterator, Mapping, Sequence
from typing import TypeVar

import numpy as np
from nni.mutable import Categorical, MutableDict, SampleValidationError, label_scope

from search_spaces.architecture import Architecture, slots_of
from search_spaces.attention import MECHANISMS
from search_spaces.attention.mechanism import Value
from search_spaces.cost import host_params
from search_spaces.errors import InputError
from search_spaces.hosts import HOSTS
from search_spaces.placement import Options, Placement

EMPTY = "none"
Choices = Mapping[str, Sequence[Value]]
Sample = dict[str, Value]
T = TypeVar("T")


class Space:
    """All architectures that can be made from given choices.

    A sample is a flat mapping from label to value (``depth``, ``skip.1/mechanism``, ``skip.1/se/reduction``);
    ``freeze`` turns it into an ``Architecture``, which drops the labels that play no part.

    Args:
        host: registered host name.
        dims: 2 or 3.
        options: host option to the values offered; options left out keep the host's default.
        slots: slot name to the mechanisms offered there, each with its hyper-parameter choices, likewise.
        max_filled: largest number of filled slots, None for no limit.
    """

    def __init__(
        self,
        host: str,
        dims: int,
        options: Choices,
        slots: Mapping[str, Mapping[str, Choices]],
        max_filled: int | None = None,
    ) -> None:
        self.host = host
        self.dims = dims
        defaults = {name: (value,) for name, value in HOSTS[host].defaults.items()}
        self.options = _complete(defaults, options)
        self.slots = {
            slot: {name: _complete(MECHANISMS[name].choices, choices) for name, choices in mechanisms.items()}
            for slot, mechanisms in slots.items()
            if mechanisms
        }
        self.max_filled = len(self.slots) if max_filled is None else max_filled
        self.mutable = self._declare()

    def _declare(self) -> MutableDict:
        """The choices as nni sees them; nni takes hierarchical labels through scopes only."""
        declared: dict[str, Categorical] = {
            name: Categorical(list(values), label=name) for name, values in self.options.items()
        }
        for slot, mechanisms in self.slots.items():
            with label_scope(slot):
                declared[f"{slot}/mechanism"] = Categorical([EMPTY, *mechanisms], label="mechanism")
                for mechanism, choices in mechanisms.items():
                    with label_scope(mechanism):
                        for name, values in choices.items():
                            declared[f"{slot}/{mechanism}/{name}"] = Categorical(list(values), label=name)
        return MutableDict(declared)

    @property
    def labels(self) -> dict[str, tuple[Value, ...]]:
        """Every label with its values."""
        return {label: tuple(choice.values) for label, choice in self.mutable.simplify().items()}

    @property
    def mechanisms(self) -> list[str]:
        """Names of all mechanisms offered anywhere, sorted."""
        return sorted({name for mechanisms in self.slots.values() for name in mechanisms})

    # -- samples and architectures ------------------------------------------------------------------------

    def freeze(self, sample: Mapping[str, Value]) -> Architecture:
        """The architecture a full sample stands for. Raises ``InputError`` when the sample does not fit."""
        try:
            self.mutable.validate(dict(sample))
        except SampleValidationError as error:
            raise InputError(f"sample does not fit the space: {' '.join(str(error).split())}") from None
        architecture = self._architecture(sample)
        self._check_filled(architecture)
        return architecture

    def sample_of(self, architecture: Architecture) -> Sample:
        """The full sample that freezes to ``architecture``; labels that play no part take their first value.

        Raises ``InputError`` when the architecture is not in this space, saying what does not fit.
        """
        if (architecture.host, architecture.dims) != (self.host, self.dims):
            raise InputError(
                f"architecture is a {architecture.dims}D {architecture.host}, the space is {self.dims}D {self.host}"
            )
        labels = self.labels
        sample: Sample = {label: values[0] for label, values in labels.items()}
        given: Sample = dict(architecture.options)
        for slot, series in architecture.attention:
            if len(series) != 1:
                raise InputError(f"slot '{slot}': the space places one mechanism, the architecture has {len(series)}")
            given[f"{slot}/mechanism"] = series[0].mechanism
            given.update({f"{slot}/{series[0].mechanism}/{name}": value for name, value in series[0].options})
        for label, value in given.items():
            offered = labels.get(label, ())
            if value not in offered:
                raise InputError(f"'{label}' = {value!r} is not in the space; it offers {list(offered) or 'nothing'}")
        self._check_filled(architecture)
        sample.update(given)
        return sample

    def __contains__(self, architecture: Architecture) -> bool:
        try:
            self.sample_of(architecture)
        except InputError:
            return False
        return True

    def _architecture(self, sample: Mapping[str, Value]) -> Architecture:
        options = {name: sample[name] for name in self.options}
        attention = {
            slot: self._placement(slot, str(sample[f"{slot}/mechanism"]), sample)
            for slot in self._open_slots(tuple(options.items()))
            if sample[f"{slot}/mechanism"] != EMPTY
        }
        return Architecture.create(self.host, self.dims, options, attention)

    def _check_filled(self, architecture: Architecture) -> None:
        if len(architecture.attention) > self.max_filled:
            raise InputError(f"{len(architecture.attention)} slots are filled, the space allows {self.max_filled}")

    def _placement(self, slot: str, mechanism: str, sample: Mapping[str, Value]) -> Placement:
        choices = self.slots[slot][mechanism]
        return Placement(mechanism, tuple((name, sample[f"{slot}/{mechanism}/{name}"]) for name in choices))

    def _open_slots(self, options: Options) -> tuple[str, ...]:
        """Slots of this space that a host with ``options`` has, in network order."""
        return _open_slots(self.host, self.dims, options, tuple(self.slots))

    # -- draws --------------------------------------------------------------------------------------------

    def plain(self) -> Architecture:
        """The host without attention, at its default options where offered, else the nearest number or first word."""
        defaults = HOSTS[self.host].defaults
        options = {name: _nearest(values, defaults[name]) for name, values in self.options.items()}
        return Architecture.create(self.host, self.dims, options)

    def sample(self, rng: np.random.Generator, sparse: bool = True) -> Architecture:
        """Draw one architecture.

        With ``sparse`` the number of filled slots is geometric (half of the draws have one more than none, a
        quarter one more than that, ...), so that the light end is visited; otherwise every label is uniform.
        """
        options = {name: _pick(rng, values) for name, values in self.options.items()}
        slots = self._open_slots(tuple(options.items()))
        limit = min(self.max_filled, len(slots))
        if sparse:
            filled = min(int(rng.geometric(0.5)) - 1, limit)
            chosen = sorted(int(index) for index in rng.choice(len(slots), filled, replace=False))
        else:
            chosen = [index for index, slot in enumerate(slots) if rng.random() * (len(self.slots[slot]) + 1) >= 1]
            if len(chosen) > limit:
                chosen = sorted(int(index) for index in rng.choice(chosen, limit, replace=False))
        attention = {slots[index]: self._draw_placement(rng, slots[index]) for index in chosen}
        return Architecture.create(self.host, self.dims, options, attention)

    def _draw_placement(self, rng: np.random.Generator, slot: str) -> Placement:
        mechanism = _pick(rng, tuple(self.slots[slot]))
        choices = self.slots[slot][mechanism]
        return Placement(mechanism, tuple((name, _pick(rng, values)) for name, values in choices.items()))

    def neighbours(self, architecture: Architecture) -> Iterator[Architecture]:
        """Every architecture one change away: an option, a slot filled or emptied, a mechanism, a hyper-parameter.

        Each is yielded once; emptying a slot counts as one change whatever it held, and so does filling it. A change
        of an option that would take filled slots away is more than one, so that neighbours are so both ways.
        """
        seen = {architecture}
        sample = self.sample_of(architecture)
        for label, values in self.labels.items():
            for value in values:
                if value == sample[label]:
                    continue
                for candidate in map(self._architecture, self._variants({**sample, label: value}, label)):
                    lost = label in self.options and len(candidate.attention) < len(architecture.attention)
                    if candidate not in seen and not lost and len(candidate.attention) <= self.max_filled:
                        seen.add(candidate)
                        yield candidate

    def _variants(self, sample: Sample, label: str) -> Iterator[Sample]:
        """``sample``, whose ``label`` is new; a new mechanism comes with each of its hyper-parameter choices."""
        slot, _, name = label.partition("/")
        if name == "mechanism" and sample[label] != EMPTY:
            choices = self.slots[slot][str(sample[label])]
            for values in itertools.product(*choices.values()):
                placed = {f"{slot}/{sample[label]}/{key}": value for key, value in zip(choices, values, strict=True)}
                yield {**sample, **placed}
        else:
            yield sample

    def mutate(self, architecture: Architecture, rng: np.random.Generator) -> Architecture:
        """One random change: of a host option, or of one slot (fill, empty, replace, new hyper-parameters, move).

        The kind of change is drawn first, so that a space of many slots does not leave the host's options alone.
        Returns the same architecture when the change drawn has nothing to act on.
        """
        options: dict[str, Value] = dict(architecture.options)
        attention = dict(architecture.attention)
        open_slots = self._open_slots(architecture.options)
        empty = [slot for slot in open_slots if slot not in attention]
        kind = _pick(rng, ("option", "fill", "empty", "replace", "move"))
        if kind == "option":
            name = _pick(rng, tuple(self.options))
            options[name] = _pick_other(rng, self.options[name], options[name])
        elif kind == "fill" and empty and len(attention) < self.max_filled:
            slot = _pick(rng, empty)
            attention[slot] = (self._draw_placement(rng, slot),)
        elif kind == "empty" and attention:
            del attention[_pick(rng, tuple(attention))]
        elif kind == "replace" and attention:
            slot = _pick(rng, tuple(attention))
            attention[slot] = (self._draw_placement(rng, slot),)
        elif kind == "move" and attention and empty:
            placement = attention.pop(_pick(rng, tuple(attention)))
            target = _pick(rng, empty)
            fits = self._offers(target, placement[0])
            attention[target] = placement if fits else (self._draw_placement(rng, target),)
        return self._legal(options, attention)

    def crossover(self, first: Architecture, second: Architecture, rng: np.random.Generator) -> Architecture:
        """Each host option and each slot from either parent; slots that the child does not have are dropped."""
        options = {name: _pick(rng, (value, dict(second.options)[name])) for name, value in first.options}
        parents = (dict(first.attention), dict(second.attention))
        attention: dict[str, tuple[Placement, ...]] = {}
        for slot in self._open_slots(tuple(options.items())):
            placed = parents[int(rng.integers(2))].get(slot)
            if placed:
                attention[slot] = placed
        while len(attention) > self.max_filled:
            del attention[_pick(rng, tuple(attention))]
        return self._legal(options, attention)

    def _offers(self, slot: str, placement: Placement) -> bool:
        choices = self.slots[slot].get(placement.mechanism)
        return choices is not None and all(value in choices[name] for name, value in placement.options)

    def _legal(self, options: Mapping[str, Value], attention: Mapping[str, Sequence[Placement]]) -> Architecture:
        slots = self._open_slots(tuple(options.items()))
        return Architecture.create(
            self.host, self.dims, options, {slot: attention[slot] for slot in slots if slot in attention}
        )

    # -- counting -----------------------------------------------------------------------------------------

    def size(self) -> int:
        """The exact number of different architectures.

        Per host, slots are independent; with a limit on filled slots the count is the sum of the first
        coefficients of the product of ``1 + w_s t`` over slots, ``w_s`` the number of ways to fill slot ``s``.
        """
        total = 0
        for values in itertools.product(*self.options.values()):
            ways = [1]
            for slot in self._open_slots(tuple(zip(self.options, values, strict=True))):
                filled = sum(math.prod(map(len, choices.values())) for choices in self.slots[slot].values())
                ways = [a + b * filled for a, b in zip([*ways, 0], [0, *ways], strict=True)]
            total += sum(ways[: self.max_filled + 1])
        return total

    def smallest(self, in_channels: int, classes: int) -> tuple[Architecture, int]:
        """The plain network with the fewest parameters, and their number."""
        plain = (
            Architecture.create(self.host, self.dims, dict(zip(self.options, values, strict=True)))
            for values in itertools.product(*self.options.values())
        )
        counted = [(host_params(self.host, self.dims, a.options, in_channels, classes), a) for a in plain]
        params, architecture = min(counted, key=lambda pair: pair[0])
        return architecture, params

    def to_dict(self) -> dict[str, object]:
        """Plain data that ``space_from_dict`` turns back into this space, everything written out."""
        return {
            "host": self.host,
            "options": {name: list(values) for name, values in self.options.items()},
            "slots": {
                slot: {name: {key: list(v) for key, v in choices.items()} for name, choices in mechanisms.items()}
                for slot, mechanisms in self.slots.items()
            },
            "max_filled": self.max_filled,
        }


@functools.lru_cache(maxsize=4096)
def _open_slots(host: str, dims: int, options: Options, wanted: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(slot for slot in slots_of(host, dims, options) if slot in wanted)


def _complete(offered: Mapping[str, tuple[Value, ...]], given: Choices) -> dict[str, tuple[Value, ...]]:
    return {name: tuple(values) for name, values in {**offered, **given}.items()}


def _nearest(values: Sequence[Value], wanted: Value) -> Value:
    if wanted in values or isinstance(wanted, str | bool):
        return wanted if wanted in values else values[0]
    return min(values, key=lambda value: abs(float(value) - wanted))


def _pick(rng: np.random.Generator, values: Sequence[T]) -> T:
    return values[int(rng.integers(len(values)))]


def _pick_other(rng: np.random.Generator, values: Sequence[Value], current: Value) -> Value:
    others = [value for value in values if value != current]
    return _pick(rng, others) if others else current
