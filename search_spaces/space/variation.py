"""Changes of architectures that stay inside a space: a random one, a child of two, and all that are one step away."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from search_spaces.architecture.architecture import Architecture
from search_spaces.architecture.placement import Options
from search_spaces.space.decisions import Decisions
from search_spaces.space.drawing import draw_series
from search_spaces.space.draws import pick, pick_other
from search_spaces.space.frame import Contents, Group, Series

ATTEMPTS = 50


def mutate(space: Decisions, architecture: Architecture, rng: np.random.Generator) -> Architecture:
    """One random change: of a host option, or of one slot (fill, empty, replace, move, lengthen or shorten a series).

    The kind of change is drawn first, so that a space of many slots does not leave the host's options alone.
    Returns the same architecture when the change drawn has nothing to act on, or where the rules refuse every change
    that is tried.
    """
    contents = space.contents(architecture)
    for _ in range(ATTEMPTS):
        changed = _changed(space, architecture, dict(contents), rng)
        if space.allows(changed):
            return changed
    return architecture


def _changed(
    space: Decisions, architecture: Architecture, contents: Contents, rng: np.random.Generator
) -> Architecture:
    options = dict(architecture.options)
    groups = space.frame(architecture.options).groups
    filled, empty = tuple(contents), tuple(label for label in groups if label not in contents)
    kind = pick(rng, ("option", "fill", "empty", "replace", "move", *(["series"] if space.series > 1 else [])))
    if kind == "option":
        name = pick(rng, tuple(options))
        options[name] = pick_other(rng, space.options[name], options[name])
    elif kind == "fill" and empty and len(filled) < space.max_filled:
        label = pick(rng, empty)
        contents[label] = draw_series(rng, groups[label])
    elif kind == "empty" and filled:
        del contents[pick(rng, filled)]
    elif kind == "replace" and filled:
        label = pick(rng, filled)
        contents[label] = draw_series(rng, groups[label])
    elif kind == "move" and filled and empty:
        series = contents.pop(pick(rng, filled))
        target = groups[pick(rng, empty)]
        contents[target.label] = series if target.offers_series(series) else draw_series(rng, target)
    elif kind == "series" and filled:
        label = pick(rng, filled)
        contents[label] = _longer_or_shorter(space, contents[label], label, architecture, rng)
    return space.assemble(tuple(options.items()), contents)


def _longer_or_shorter(
    space: Decisions, series: Series, label: str, architecture: Architecture, rng: np.random.Generator
) -> Series:
    group = space.frame(architecture.options).groups[label]
    if len(series) > 1 and (len(series) == group.series or rng.random() < 0.5):
        dropped = int(rng.integers(len(series)))
        return series[:dropped] + series[dropped + 1 :]
    if len(series) < group.series:
        place = int(rng.integers(len(series) + 1))
        return series[:place] + draw_series(rng, group)[:1] + series[place:]
    return series


def crossover(space: Decisions, first: Architecture, second: Architecture, rng: np.random.Generator) -> Architecture:
    """Each host option and each slot from either parent; slots that the child does not have are dropped.

    Where the rules refuse every child that is tried, the first parent comes back.
    """
    parents = space.contents(first), space.contents(second)
    for _ in range(ATTEMPTS):
        options = tuple((name, pick(rng, (value, dict(second.options)[name]))) for name, value in first.options)
        contents: Contents = {}
        for label in space.frame(options).groups:
            series = parents[int(rng.integers(2))].get(label)
            if series:
                contents[label] = series
        while len(contents) > space.max_filled:
            del contents[pick(rng, tuple(contents))]
        child = space.assemble(options, contents)
        if space.allows(child):
            return child
    return first


def neighbours(space: Decisions, architecture: Architecture) -> Iterator[Architecture]:
    """Every architecture one change away: an option, a mechanism put in or taken out, or one of its hyper-parameters.

    Each is yielded once, and neighbours are so both ways. A mechanism that comes in counts as one change with whatever
    hyper-parameters. A change of an option that would take filled slots away is more than one, and so is one after
    which the way back leads elsewhere: where narrower layers make equal what was not.
    """
    seen = {architecture}
    found = space.all_contents(architecture)
    contents = {label: series[0] for label, series in found.items()}

    def new(candidate: Architecture) -> bool:
        if candidate in seen or not space.allows(candidate):
            return False
        seen.add(candidate)
        return True

    for options in _other_options(space, architecture):
        candidate = space.assemble(options, contents)
        kept = len(candidate.attention) == len(architecture.attention)
        if kept and new(candidate) and space.assemble(architecture.options, space.contents(candidate)) == architecture:
            yield candidate
    for label, group in space.frame(architecture.options).groups.items():
        for series in found.get(label, [()]):
            for changed in _one_step(group, series):
                candidate = space.assemble(architecture.options, {**contents, label: changed})
                if new(candidate):
                    yield candidate


def _other_options(space: Decisions, architecture: Architecture) -> Iterator[Options]:
    for name, values in space.options.items():
        for value in values:
            options = tuple((key, value if key == name else kept) for key, kept in architecture.options)
            if options != architecture.options:
                yield options


def _one_step(group: Group, series: Series) -> Iterator[Series]:
    """One mechanism more, less, or another in its place, or one hyper-parameter changed."""
    every = [placement for mechanism in group.offers for placement in group.placements(mechanism)]
    for place in range(len(series) + 1) if len(series) < group.series else ():
        for placement in every:
            yield (*series[:place], placement, *series[place:])
    for place, held in enumerate(series):
        before, after = series[:place], series[place + 1 :]
        yield before + after
        for placement in every:
            differing = sum(a != b for a, b in zip(placement.options, held.options, strict=False))
            if placement.mechanism != held.mechanism or differing == 1:
                yield (*before, placement, *after)
