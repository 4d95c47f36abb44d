"""What may sit in each slot of some networks, and what a model makes of it: one line for each choice."""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from nas.strategies.candidates import host_of
from nas.surrogate.features import Row, features_of_mechanism, features_of_placement, row_of
from nas.surrogate.posterior import Posterior
from search_spaces.architecture.architecture import Architecture
from search_spaces.architecture.placement import Placement
from search_spaces.attention.mechanism import Value
from search_spaces.space.draws import pick_at
from search_spaces.space.frame import Attention, Group, Series
from search_spaces.space.space import Space
from search_spaces.space.union import SearchSpace

CONSIDERED = 12  # mechanisms of each slot: those that promise most

Key = tuple[str, str, tuple[str, ...]]  # of a group of slots: host, label, names of the slots


@dataclass(frozen=True)
class Choices:
    """Lines for hosts without attention, then for what each group of slots may hold, first of all nothing.

    Attributes:
        hosts: the line of each.
        series: the line of each series, by group.
        means: ``(lines,)``, what is expected that each adds to the score; the level is with the hosts.
        covariance: ``(lines, lines)``, how unsure that is.
    """

    hosts: Mapping[Architecture, int]
    series: Mapping[Key, Mapping[Series, int]]
    means: np.ndarray
    covariance: np.ndarray


def choices_of(
    posterior: Posterior,
    space: SearchSpace,
    networks: Sequence[Architecture],
    optimism: float,
    rng: np.random.Generator,
    settings: Mapping[str, float],
) -> Choices:
    """For the hosts of ``networks``: in each group of slots what they hold, and what promises most there.

    A mechanism promises what is expected of it and ``optimism`` standard deviations. Its hyper-parameters are those
    that ``settings``, a number from 0 up to 1, stands for: the same in all slots, so that few prices are asked for.
    """
    parts = {host_of(space, network): space.part_of(network) for network in networks}
    groups = {key: group for host, part in parts.items() for key, group in groups_of(part, host).items()}
    offers = [(key, name) for key, group in groups.items() for name in group.offers]
    expected, deviations = posterior.added([_row_of_mechanism(slots, name) for (_, _, slots), name in offers])
    promises = expected + optimism * deviations
    order = np.lexsort((rng.random(len(offers)), -promises.round(9)))  # ties at random
    found: dict[Key, dict[Series, None]] = {key: {(): None} for key in groups}
    for place in order.tolist():
        key, name = offers[place]
        if len(found[key]) <= CONSIDERED:
            found[key][(_placement(groups[key], name, settings[name]),)] = None
    for network in networks:
        part = space.part_of(network)
        keys = {key[1]: key for key in groups_of(part, network)}
        for label, series in part.contents(network).items():
            found[keys[label]][series] = None

    rows = [row_of(host) for host in parts]
    rows += [_row(groups[key].place(series)) for key in groups for series in found[key]]
    lines = iter(range(len(parts), len(rows)))
    whole = (np.arange(len(rows)) < len(parts)).astype(float)
    return Choices(
        {host: line for line, host in enumerate(parts)},
        {key: {series: next(lines) for series in found[key]} for key in groups},
        *posterior.jointly_added(rows, whole),
    )


def groups_of(part: Space, network: Architecture) -> dict[Key, Group]:
    """The groups of slots that are open in a network."""
    groups = part.frame(network.options).groups
    return {(part.host, label, tuple(slot.name for slot in one.slots)): one for label, one in groups.items()}


def _placement(group: Group, mechanism: str, share: float) -> Placement:
    options: list[tuple[str, Value]] = []
    for name, values in group.offers[mechanism].items():
        value, share = pick_at(share, values)
        options.append((name, value))
    return Placement(mechanism, tuple(options))


@functools.lru_cache(maxsize=65536)
def _row_of_mechanism(slots: tuple[str, ...], mechanism: str) -> Row:
    features = [one for slot in slots for one in features_of_mechanism(slot, mechanism)]
    return Row(tuple(features), (1.0,) * len(features))


@functools.lru_cache(maxsize=65536)
def _row(placed: Attention) -> Row:
    series = [(slot, placement) for slot, found in placed for placement in found]
    features = [feature for slot, placement in series for feature in features_of_placement(slot, placement)]
    return Row(tuple(features), (1.0,) * len(features))
