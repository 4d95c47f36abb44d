"""Architectures as vectors, for models that predict a score from them."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np

from search_spaces.architecture.architecture import Architecture
from search_spaces.attention.mechanism import Value
from search_spaces.space.frame import EMPTY, Sample
from search_spaces.space.union import SearchSpace, Union


class Encoding:
    """Vectors of a fixed length for the architectures of a space; equal for equal architectures, and only for them.

    A number is placed by its logarithm between the smallest and the largest on offer; a word, and which mechanism sits
    in a slot, take a feature for each value. What plays no part is 0.

    Args:
        space: what is encoded.

    Attributes:
        features: a name for each place in the vector: ``depth``, ``block=residual``, ``skip.1/mechanism=se``,
            ``skip.1/se/reduction``; with several hosts, each after its host's name.
    """

    def __init__(self, space: SearchSpace) -> None:
        self.space = space
        parts = space.parts if isinstance(space, Union) else {space.host: space}
        self._labels = {host: part.labels for host, part in parts.items()}
        self.features = [
            self._name(host, feature)
            for host, labels in self._labels.items()
            for label, values in labels.items()
            for feature in _features(label, values)
        ]
        if len(parts) > 1:
            self.features += [f"host={host}" for host in parts]

    def __len__(self) -> int:
        return len(self.features)

    def __call__(self, architecture: Architecture) -> np.ndarray:
        """``(len(self),)``, float32, each feature from 0 to 1. Raises ``InputError`` for what is not in the space."""
        part = self.space.part_of(architecture) if isinstance(self.space, Union) else self.space
        contents = part.contents(architecture)
        sample = part.sample_from(architecture.options, contents)
        found: dict[str, float] = {f"host={architecture.host}": 1.0}
        for label, values in self._labels[architecture.host].items():
            if _plays(label, sample, part.options):
                for feature, value in zip(_features(label, values), _encoded(values, sample[label]), strict=True):
                    found[self._name(architecture.host, feature)] = value
        return np.array([found.get(name, 0.0) for name in self.features], dtype=np.float32)

    def _name(self, host: str, feature: str) -> str:
        return f"{host}/{feature}" if len(self._labels) > 1 else feature


def _plays(label: str, sample: Sample, options: Mapping[str, Sequence[Value]]) -> bool:
    """Whether a label says something of the architecture: a hyper-parameter does where its mechanism is placed."""
    if label in options:
        return True
    place, _, name = label.rpartition("/")
    if name == "mechanism":
        return sample[label] != EMPTY
    slot, _, mechanism = place.rpartition("/")
    return sample[f"{slot}/mechanism"] == mechanism


def _features(label: str, values: Sequence[Value]) -> list[str]:
    if _numeric(values):
        return [label]
    return [f"{label}={value}" for value in values if value != EMPTY]


def _encoded(values: Sequence[Value], value: Value) -> list[float]:
    if not _numeric(values):
        return [float(value == each) for each in values if each != EMPTY]
    low, high, here = (math.log(float(each)) for each in (min(values), max(values), value))
    # From a half: a value that plays no part is 0, and must not look like the smallest.
    return [0.5 + 0.5 * (here - low) / (high - low) if high > low else 1.0]


def _numeric(values: Sequence[Value]) -> bool:
    return all(isinstance(value, int | float) and not isinstance(value, bool) and value > 0 for value in values)
