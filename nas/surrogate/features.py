"""What architectures have in common, as sparse features: a host that is much like another, a mechanism at a place.

A model that learns a weight for each feature learns from a trial of one architecture about all that share something
with it. Weights of one group of features have the same prior.
"""

from __future__ import annotations

import functools
import itertools
import math
import re
from collections import defaultdict
from collections.abc import Hashable
from dataclasses import dataclass

import numpy as np

from search_spaces.architecture.architecture import Architecture
from search_spaces.architecture.cost import host_params
from search_spaces.architecture.placement import Options, Placement
from search_spaces.attention.mechanism import Value

# Of the host: its size (a straight line over log-parameters, and bumps), each option, and all options together.
# Of attention: how many mechanisms there are, which, at which kind of place, in which slot, with which settings.
ATTENTION = ("count", "mechanism", "kind", "slot", "setting")
GROUPS = ("size", "bump", "option", "host", *ATTENTION)
BUMPS = tuple(-3 + 0.75 * step for step in range(13))  # centres, in units of ``_height``
BUMP_WIDTH = 0.75

Feature = tuple[str, Hashable]  # its group, and which of the group


@dataclass(frozen=True)
class Row:
    """The features of one architecture that are not 0; where one stands twice, its values add up."""

    features: tuple[Feature, ...]
    values: tuple[float, ...]

    @functools.cached_property
    def numbers(self) -> np.ndarray:
        """The features as whole numbers, which stand for them in this process."""
        return np.array([_NUMBERS[feature] for feature in self.features], int)

    @functools.cached_property
    def amounts(self) -> np.ndarray:
        """The values as an array."""
        return np.array(self.values, float)


_NUMBERS: defaultdict[Feature, int] = defaultdict(itertools.count().__next__)


def number_of(feature: Feature) -> int:
    """What stands for a feature in ``Row.numbers``; numbers begin with 0 and leave none out."""
    return _NUMBERS[feature]


@functools.lru_cache(maxsize=65536)
def row_of(architecture: Architecture) -> Row:
    """The features of ``architecture``."""
    host = _host_row(architecture.host, architecture.dims, architecture.options)
    placed: tuple[Feature, ...] = ()
    for slot, series in architecture.attention:
        for placement in series:
            placed += features_of_placement(slot, placement)
    return Row(host.features + placed, host.values + (1.0,) * len(placed))


@functools.cache
def features_of_placement(slot: str, placement: Placement) -> tuple[Feature, ...]:
    """The features that one mechanism adds in ``slot``, each with the value 1."""
    settings = tuple(setting_of(placement.mechanism, *option) for option in placement.options)
    return (*features_of_mechanism(slot, placement.mechanism), *settings)


def setting_of(mechanism: str, name: str, value: Value) -> Feature:
    """The feature of one value of a hyper-parameter."""
    return "setting", (mechanism, name, value)


@functools.cache
def features_of_mechanism(slot: str, mechanism: str) -> tuple[Feature, ...]:
    """As ``features_of_placement``, but for its hyper-parameters."""
    return (
        ("count", None),
        ("mechanism", mechanism),
        ("kind", (mechanism, kind_of(slot))),
        ("slot", (mechanism, slot)),
    )


def kind_of(slot: str) -> str:
    """The kind of place a slot is: its name without the level."""
    return re.sub(r"\.\d+", "", slot)


@functools.cache
def _host_row(host: str, dims: int, options: Options) -> Row:
    height = _height(host_params(host, dims, options, 1, 1))
    bumps = {("bump", centre): math.exp(-0.5 * ((height - centre) / BUMP_WIDTH) ** 2) for centre in BUMPS}
    found: dict[Feature, float] = {
        ("size", None): height,
        **{bump: value for bump, value in bumps.items() if value > 1e-3},
        ("option", ("host", host)): 1.0,
        **{("option", option): 1.0 for option in options},
        ("host", (host, options)): 1.0,
    }
    return Row(tuple(found), tuple(found.values()))


def _height(params: int) -> float:
    """Log-parameters, such that most networks lie between -2 and 2: 10k is -1.5, 100k 0.0, 1M 1.5."""
    return 1.5 * math.log10(params / 1e5)
