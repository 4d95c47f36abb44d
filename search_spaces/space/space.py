"""A search space: host options x slots x mechanisms x hyper-parameters, as ``nni.mutable`` objects.

nni is used for what it is good at, naming and holding the choices and checking that a sample fits them; it is
imported nowhere else but in the supernet. Draws, changes and counting are ours: they must know which choices
are active, stay sparse, and be fast.
"""

from __future__ import annotations

import fnmatch
import itertools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

import numpy as np
from nni.mutable import Categorical, MutableDict, SampleValidationError, label_scope

from search_spaces.architecture.architecture import Architecture, slots_of
from search_spaces.architecture.canonical import canonical
from search_spaces.architecture.cost import host_params
from search_spaces.architecture.placement import Options, Placement
from search_spaces.attention import MECHANISMS
from search_spaces.attention.mechanism import Value
from search_spaces.errors import InputError
from search_spaces.hosts import HOSTS
from search_spaces.space import variation
from search_spaces.space.counting import Fillings, attentions, count
from search_spaces.space.draws import pick, pick_at
from search_spaces.space.frame import EMPTY, Choices, Contents, Frame, Group, Sample, Series
from search_spaces.space.rules import Rules

PATIENCE = 10_000
MORE = 0.25  # probability that a sparse draw puts one more mechanism in a slot


class Space:
    """All architectures of one host that can be made from given choices.

    A sample is a flat mapping from label to value (``depth``, ``skip.1/mechanism``, ``skip.1/se/reduction``; the
    second mechanism of a series is ``skip.1/2/mechanism``); ``freeze`` turns it into an ``Architecture``, which drops
    the labels that play no part. Slots that are tied share the labels of their pattern.

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

    Attributes:
        labels: every label with its values.
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
        self.max_filled = len(self.groups) if max_filled is None else max_filled
        self.mutable = self._declare()
        self.labels = {label: tuple(choice.values) for label, choice in self.mutable.simplify().items()}
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

    def _declare(self) -> MutableDict:
        """The choices as nni sees them; nni takes hierarchical labels through scopes only."""
        declared: dict[str, Categorical] = {
            name: Categorical(list(values), label=name) for name, values in self.options.items()
        }
        for label, mechanisms in self.groups.items():
            for position in range(1, self._longest(label) + 1):
                place = _place(label, position)
                with label_scope(label):
                    if position == 1:
                        declared |= _declared(place, mechanisms)
                        continue
                    with label_scope(str(position)):
                        declared |= _declared(place, mechanisms)
        return MutableDict(declared)

    def _longest(self, label: str) -> int:
        """The most mechanisms in series: after a pyramid comes none."""
        pyramid = any(MECHANISMS[name].inputs == "pyramid" for name in self.groups[label])
        return 1 if pyramid else self.series

    @property
    def mechanisms(self) -> list[str]:
        """Names of all mechanisms offered anywhere, sorted."""
        return sorted({name for mechanisms in self.groups.values() for name in mechanisms})

    # -- samples and architectures ------------------------------------------------------------------------

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
                label: Group(label, tuple(slots[s] for s in names), self.groups[label], self._longest(label), self.dims)
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

    def freeze(self, sample: Mapping[str, Value]) -> Architecture:
        """The architecture a full sample stands for. Raises ``InputError`` when the sample does not fit."""
        try:
            self.mutable.validate(dict(sample))
        except SampleValidationError as error:
            raise InputError(f"sample does not fit the space: {' '.join(str(error).split())}") from None
        architecture = self.of_sample(sample)
        self.check_rules(architecture)
        return architecture

    def of_sample(self, sample: Mapping[str, Value]) -> Architecture:
        """As ``freeze``, of a sample that is known to fit but for limits and rules."""
        options = tuple((name, sample[name]) for name in self.options)
        contents = {label: self._series_in(sample, label) for label in self.frame(options).groups}
        return self.assemble(options, contents)

    def _series_in(self, sample: Mapping[str, Value], label: str) -> Series:
        series: list[Placement] = []
        for position in range(1, self._longest(label) + 1):
            place = _place(label, position)
            mechanism = str(sample[f"{place}/mechanism"])
            if mechanism != EMPTY:
                choices = self.groups[label][mechanism]
                options = tuple((name, sample[f"{place}/{mechanism}/{name}"]) for name in choices)
                series.append(Placement(mechanism, options))
        return tuple(series)

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

    def _keeps_rules(self, architecture: Architecture) -> bool:
        if not self.rules:
            return True
        placed = {slot: [placement.mechanism for placement in series] for slot, series in architecture.attention}
        return self.rules.allow_attention(self.frame(architecture.options).settings, placed)

    def check_rules(self, architecture: Architecture) -> None:
        """Raise ``InputError`` when a limit or a rule is broken."""
        filled = self._filled(architecture)
        if filled > self.max_filled:
            raise InputError(f"{filled} slots are filled, the space allows {self.max_filled}")
        if not self._keeps_rules(architecture):
            raise InputError(f"{architecture} breaks a rule of the space")

    def allows(self, architecture: Architecture) -> bool:
        """Whether an architecture made by ``assemble`` keeps the limit and the rules."""
        return self._filled(architecture) <= self.max_filled and self._keeps_rules(architecture)

    def sample_of(self, architecture: Architecture) -> Sample:
        """The full sample that freezes to ``architecture``; labels that play no part take their first value.

        Raises ``InputError`` when the architecture is not in this space, saying what does not fit.
        """
        contents = self.contents(architecture)
        self.check_rules(architecture)
        return self.sample_from(architecture.options, contents)

    def sample_from(self, options: Options, contents: Mapping[str, Series]) -> Sample:
        """The full sample with these options and contents."""
        sample: Sample = {label: values[0] for label, values in self.labels.items()}
        sample.update(options)
        for label, series in contents.items():
            for position, placement in enumerate(series, start=1):
                place = _place(label, position)
                sample[f"{place}/mechanism"] = placement.mechanism
                sample.update({f"{place}/{placement.mechanism}/{name}": value for name, value in placement.options})
        return sample

    def __contains__(self, architecture: Architecture) -> bool:
        try:
            self.sample_of(architecture)
        except InputError:
            return False
        return True

    # -- draws --------------------------------------------------------------------------------------------

    def plain(self) -> Architecture:
        """The host without attention, at its default options where offered, else the nearest number or first word."""
        defaults = HOSTS[self.host].defaults
        options = {name: _nearest(values, defaults[name]) for name, values in self.options.items()}
        return Architecture.create(self.host, self.dims, options)

    def plain_networks(self) -> list[Architecture]:
        """The network without attention, with every combination of the host's options."""
        return [Architecture(self.host, self.dims, frame.options) for frame in self.frames()]

    def sample(self, rng: np.random.Generator, sparse: bool = True) -> Architecture:
        """Draw one architecture.

        With ``sparse`` the number of filled slots is geometric (half of the draws have one more than none, a
        quarter one more than that, ...), so that the light end is visited; otherwise every label is uniform.
        Raises ``InputError`` when the rules refuse everything that is drawn.
        """
        for _ in range(PATIENCE):
            architecture = self._draw(rng, sparse)
            if self._keeps_rules(architecture):
                return architecture
        raise InputError(f"space: none of {PATIENCE} random architectures keeps its rules")

    def _draw(self, rng: np.random.Generator, sparse: bool) -> Architecture:
        frame = self.frame(tuple((name, pick(rng, values)) for name, values in self.options.items()))
        groups = list(frame.groups.values())
        limit = min(self.max_filled, len(groups))
        contents: Contents
        if sparse:
            filled = min(int(rng.geometric(0.5)) - 1, limit)
            chosen = rng.choice(len(groups), filled, replace=False).tolist() if filled else []
            contents = {groups[index].label: self.draw_series(rng, groups[index]) for index in sorted(chosen)}
        else:
            shares = zip(groups, rng.random(len(groups)).tolist(), strict=True)
            drawn = [(group, share) for group, share in shares if share * (len(group.offers) + 1) >= 1]
            if len(drawn) > limit:
                drawn = [drawn[index] for index in rng.choice(len(drawn), limit, replace=False)]
            contents = {group.label: _uniform_series(rng, group, share) for group, share in drawn}
        return Architecture(self.host, self.dims, frame.options, frame.attention(contents))

    def draw_series(self, rng: np.random.Generator, group: Group) -> Series:
        """Something for the slots of ``group``: one mechanism, rarely several."""
        return _lengthened(rng, group, draw_placement(rng, group), MORE)

    def places(self, mechanism: str, architecture: Architecture) -> list[Group]:
        """The open decisions that offer ``mechanism`` in a network with the options of ``architecture``."""
        groups = self.frame(architecture.options).groups.values()
        return [group for group in groups if mechanism in group.offers]

    def with_one(self, plain: Architecture, group: Group, placement: Placement) -> Architecture:
        """``plain`` with one mechanism in the slots of ``group``."""
        return self.assemble(plain.options, {group.label: (placement,)})

    # -- changes ------------------------------------------------------------------------------------------

    def mutate(self, architecture: Architecture, rng: np.random.Generator) -> Architecture:
        """One random change, see ``variation.mutate``."""
        return variation.mutate(self, architecture, rng)

    def crossover(self, first: Architecture, second: Architecture, rng: np.random.Generator) -> Architecture:
        """Each option and each slot from either parent, see ``variation.crossover``."""
        return variation.crossover(self, first, second, rng)

    def neighbours(self, architecture: Architecture) -> Iterator[Architecture]:
        """Every architecture one change away, see ``variation.neighbours``."""
        return variation.neighbours(self, architecture)

    # -- counting -----------------------------------------------------------------------------------------

    def size(self) -> int:
        """The exact number of different architectures, rules and limits considered."""
        known: Fillings = {}
        return sum(count(frame, self.rules, self.max_filled, known) for frame in self.frames())

    def __iter__(self) -> Iterator[Architecture]:
        """Every architecture once; there are ``size()`` of them."""
        for frame in self.frames():
            for attention in attentions(frame, self.rules, self.max_filled):
                yield Architecture(self.host, self.dims, frame.options, attention)

    def smallest(self, in_channels: int, classes: int) -> tuple[Architecture, int]:
        """The plain network with the fewest parameters, and their number."""
        counted = [
            (host_params(self.host, self.dims, frame.options, in_channels, classes), frame.options)
            for frame in self.frames()
        ]
        params, options = min(counted, key=lambda pair: pair[0])
        return Architecture(self.host, self.dims, options), params

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


def draw_placement(rng: np.random.Generator, group: Group, mechanism: str | None = None) -> Placement:
    """A mechanism, where none is named, and hyper-parameters, uniformly."""
    mechanism = mechanism or pick(rng, tuple(group.offers))
    choices = group.offers[mechanism]
    return Placement(mechanism, tuple((name, pick(rng, values)) for name, values in choices.items()))


def _uniform_series(rng: np.random.Generator, group: Group, share: float) -> Series:
    """What uniform labels put in slots of ``group`` that are filled.

    ``share``: a uniform number from 0 up to 1, of which the empty label, the first, had its part.
    """
    mechanism, share = pick_at(share, (EMPTY, *group.offers))
    options: list[tuple[str, Value]] = []
    for name, values in group.offers[mechanism].items():
        value, share = pick_at(share, values)
        options.append((name, value))
    more = len(group.offers) / (len(group.offers) + 1)
    return _lengthened(rng, group, Placement(mechanism, tuple(options)), more)


def _lengthened(rng: np.random.Generator, group: Group, first: Placement, more: float) -> Series:
    """``first`` and, each with probability ``more``, others after it, as many as ``group`` takes."""
    series = [first]
    while len(series) < group.series and rng.random() < more:
        series.append(draw_placement(rng, group))
    return tuple(series)


def _place(label: str, position: int) -> str:
    return label if position == 1 else f"{label}/{position}"


def _declared(place: str, mechanisms: Mapping[str, Choices]) -> dict[str, Categorical]:
    """Inside the scope of ``place``: which mechanism, and the hyper-parameters of each."""
    declared = {f"{place}/mechanism": Categorical([EMPTY, *mechanisms], label="mechanism")}
    for mechanism, choices in mechanisms.items():
        with label_scope(mechanism):
            for name, values in choices.items():
                declared[f"{place}/{mechanism}/{name}"] = Categorical(list(values), label=name)
    return declared


def _complete(offered: Mapping[str, tuple[Value, ...]], given: Choices) -> dict[str, tuple[Value, ...]]:
    return {name: tuple(values) for name, values in {**offered, **given}.items()}


def _nearest(values: Sequence[Value], wanted: Value) -> Value:
    if wanted in values or isinstance(wanted, str | bool):
        return wanted if wanted in values else values[0]
    return min(values, key=lambda value: abs(float(value) - wanted))
