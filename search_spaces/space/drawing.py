"""Random architectures of a space, and those without attention."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from search_spaces.architecture.architecture import Architecture
from search_spaces.architecture.placement import Options, Placement
from search_spaces.attention.mechanism import Value
from search_spaces.errors import InputError
from search_spaces.hosts import HOSTS
from search_spaces.space.decisions import Decisions
from search_spaces.space.draws import pick, pick_at
from search_spaces.space.frame import EMPTY, Contents, Group, Series

PATIENCE = 10_000
MORE = 0.25  # probability that a sparse draw puts one more mechanism in a slot


def plain(decisions: Decisions) -> Architecture:
    """The host without attention, at its default options where offered, else the nearest number or first word."""
    defaults = HOSTS[decisions.host].defaults
    options = {name: _nearest(values, defaults[name]) for name, values in decisions.options.items()}
    return Architecture.create(decisions.host, decisions.dims, options)


def sample(decisions: Decisions, rng: np.random.Generator, sparse: bool = True) -> Architecture:
    """Draw one architecture.

    With ``sparse`` the number of filled slots is geometric (half of the draws have one more than none, a
    quarter one more than that, ...), so that the light end is visited; otherwise every label is uniform.
    Raises ``InputError`` when the rules refuse everything that is drawn.
    """
    for _ in range(PATIENCE):
        architecture = _draw(decisions, rng, sparse)
        if decisions.keeps_rules(architecture):
            return architecture
    raise InputError(f"space: none of {PATIENCE} random architectures keeps its rules")


def _draw(decisions: Decisions, rng: np.random.Generator, sparse: bool) -> Architecture:
    frame = decisions.frame(tuple((name, pick(rng, values)) for name, values in decisions.options.items()))
    groups = list(frame.groups.values())
    limit = min(decisions.max_filled, len(groups))
    contents: Contents
    if sparse:
        filled = min(int(rng.geometric(0.5)) - 1, limit)
        chosen = rng.choice(len(groups), filled, replace=False).tolist() if filled else []
        contents = {groups[index].label: draw_series(rng, groups[index]) for index in sorted(chosen)}
    else:
        shares = zip(groups, rng.random(len(groups)).tolist(), strict=True)
        drawn = [(group, share) for group, share in shares if share * (len(group.offers) + 1) >= 1]
        if len(drawn) > limit:
            drawn = [drawn[index] for index in rng.choice(len(drawn), limit, replace=False)]
        contents = {group.label: _uniform_series(rng, group, share) for group, share in drawn}
    return Architecture(decisions.host, decisions.dims, frame.options, frame.attention(contents))


def sample_with(decisions: Decisions, options: Options, rng: np.random.Generator, empty: float) -> Architecture:
    """Draw one architecture of a host with these options: each decision is left open with chance ``empty``, and else
    is any mechanism with any hyper-parameters.

    Raises ``InputError`` when the rules refuse everything that is drawn.
    """
    frame = decisions.frame(options)
    groups = list(frame.groups.values())
    for _ in range(PATIENCE):
        filled = np.flatnonzero(rng.random(len(groups)) >= empty)
        if len(filled) > decisions.max_filled:
            filled = rng.choice(filled, decisions.max_filled, replace=False)
        contents = {groups[index].label: draw_series(rng, groups[index]) for index in filled.tolist()}
        architecture = Architecture(decisions.host, decisions.dims, options, frame.attention(contents))
        if decisions.keeps_rules(architecture):
            return architecture
    raise InputError(f"space: none of {PATIENCE} random architectures keeps its rules")


def draw_series(rng: np.random.Generator, group: Group) -> Series:
    """Something for the slots of ``group``: one mechanism, rarely several."""
    return _lengthened(rng, group, draw_placement(rng, group), MORE)


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


def _nearest(values: Sequence[Value], wanted: Value) -> Value:
    if wanted in values or isinstance(wanted, str | bool):
        return wanted if wanted in values else values[0]
    return min(values, key=lambda value: abs(float(value) - wanted))
