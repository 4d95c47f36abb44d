"""What may sit in each slot of some networks, and what a model makes of it: one line for each choice."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from nas.surrogate.features import Row, features_of_mechanism, features_of_placement, row_of, setting_of
from nas.surrogate.observations import columns_of, matrix_of
from nas.surrogate.posterior import LEVEL_FEATURE, Posterior
from search_spaces.architecture.architecture import Architecture
from search_spaces.architecture.placement import Placement
from search_spaces.attention.mechanism import Value
from search_spaces.space.draws import pick_at
from search_spaces.space.frame import Group, Series
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
    of_hosts = [_row_of_host(host) for host in parts]
    offers = [(key, name) for key, group in groups.items() for name in group.offers]
    of_offers = [_row_of_mechanism(groups[key], name) for key, name in offers]
    columns = columns_of([*of_hosts, *of_offers, _settings(groups.values())])
    weights, covariance = posterior.weights(list(columns))

    design = matrix_of(of_offers, columns)
    variances = np.asarray(design.multiply(design @ covariance).sum(axis=1)).ravel()
    promises = design @ weights + optimism * np.sqrt(np.maximum(variances, 0))
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

    rows = of_hosts + [_row(groups[key], series) for key in groups for series in found[key]]
    lines = iter(range(len(of_hosts), len(rows)))
    design = matrix_of(rows, columns)
    means = design @ weights
    means[: len(of_hosts)] += posterior.offset
    return Choices(
        {host: line for line, host in enumerate(parts)},
        {key: {series: next(lines) for series in found[key]} for key in groups},
        means,
        design @ (design @ covariance).T,
    )


def host_of(space: SearchSpace, network: Architecture) -> Architecture:
    """The network without what is open to choice."""
    return space.part_of(network).assemble(network.options, {})


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


def _row_of_host(host: Architecture) -> Row:
    row = row_of(host)
    return Row((*row.features, LEVEL_FEATURE), (*row.values, 1.0))


def _row_of_mechanism(group: Group, mechanism: str) -> Row:
    features = [one for slot in group.slots for one in features_of_mechanism(slot.name, mechanism)]
    return Row(tuple(features), (1.0,) * len(features))


def _row(group: Group, series: Series) -> Row:
    placed = [(slot, placement) for slot, found in group.place(series) for placement in found]
    features = [feature for slot, placement in placed for feature in features_of_placement(slot, placement)]
    return Row(tuple(features), (1.0,) * len(features))


def _settings(groups: Iterable[Group]) -> Row:
    """All values of all hyper-parameters on offer."""
    offered = dict.fromkeys(
        (mechanism, name, tuple(values))
        for group in groups
        for mechanism, choices in group.offers.items()
        for name, values in choices.items()
    )
    features = [setting_of(mechanism, name, value) for mechanism, name, values in offered for value in values]
    return Row(tuple(features), (1.0,) * len(features))
