"""Architectures as flat samples of ``nni.mutable``, and back.

A sample maps labels to values (``depth``, ``skip.1/mechanism``, ``skip.1/se/reduction``; the second mechanism of a
series is ``skip.1/2/mechanism``). Slots that are tied share the labels of their pattern. nni is used for what it is
good at, naming and holding the choices and checking that a sample fits them.
"""

from __future__ import annotations

from collections.abc import Mapping

from nni.mutable import Categorical, MutableDict, label_scope

from search_spaces.architecture.architecture import Architecture
from search_spaces.architecture.placement import Options, Placement
from search_spaces.attention.mechanism import Value
from search_spaces.space.decisions import Decisions
from search_spaces.space.frame import EMPTY, Choices, Sample, Series


def declared(decisions: Decisions) -> MutableDict:
    """The choices as nni sees them; nni takes hierarchical labels through scopes only."""
    declared: dict[str, Categorical] = {
        name: Categorical(list(values), label=name) for name, values in decisions.options.items()
    }
    for label, mechanisms in decisions.groups.items():
        for position in range(1, decisions.longest(label) + 1):
            place = place_of(label, position)
            with label_scope(label):
                if position == 1:
                    declared |= _at(place, mechanisms)
                    continue
                with label_scope(str(position)):
                    declared |= _at(place, mechanisms)
    return MutableDict(declared)


def of_sample(decisions: Decisions, sample: Mapping[str, Value]) -> Architecture:
    """The architecture of a sample that fits, limits and rules apart; labels that play no part are dropped."""
    options = tuple((name, sample[name]) for name in decisions.options)
    contents = {label: series_in(decisions, sample, label) for label in decisions.frame(options).groups}
    return decisions.assemble(options, contents)


def sample_from(first: Sample, options: Options, contents: Mapping[str, Series]) -> Sample:
    """The full sample with these options and contents; labels that play no part are as in ``first``."""
    sample = dict(first)
    sample.update(options)
    for label, series in contents.items():
        for position, placement in enumerate(series, start=1):
            place = place_of(label, position)
            sample[f"{place}/mechanism"] = placement.mechanism
            sample.update({f"{place}/{placement.mechanism}/{name}": value for name, value in placement.options})
    return sample


def series_in(decisions: Decisions, sample: Mapping[str, Value], label: str) -> Series:
    """What a sample puts at ``label``."""
    series: list[Placement] = []
    for position in range(1, decisions.longest(label) + 1):
        place = place_of(label, position)
        mechanism = str(sample[f"{place}/mechanism"])
        if mechanism != EMPTY:
            choices = decisions.groups[label][mechanism]
            options = tuple((name, sample[f"{place}/{mechanism}/{name}"]) for name in choices)
            series.append(Placement(mechanism, options))
    return tuple(series)


def place_of(label: str, position: int) -> str:
    """Under what a sample has the mechanism that comes ``position``-th in a series, from 1."""
    return label if position == 1 else f"{label}/{position}"


def _at(place: str, mechanisms: Mapping[str, Choices]) -> dict[str, Categorical]:
    """Inside the scope of ``place``: which mechanism, and the hyper-parameters of each."""
    declared = {f"{place}/mechanism": Categorical([EMPTY, *mechanisms], label="mechanism")}
    for mechanism, choices in mechanisms.items():
        with label_scope(mechanism):
            for name, values in choices.items():
                declared[f"{place}/{mechanism}/{name}"] = Categorical(list(values), label=name)
    return declared
