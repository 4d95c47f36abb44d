"""Segmentations whose segments have names, and may lie over each other."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from evaluators.images.stored import Stored
from search_spaces.errors import InputError


@dataclass(frozen=True)
class Segment:
    """One segment: its voxels are those with ``value`` in ``layer``."""

    name: str
    value: int
    layer: int = 0


def one_label_map(stored: Stored, segments: Sequence[Segment], path: Path) -> Stored:
    """``stored``, whose channels are layers, as one label map that knows the names of its values.

    Without a segment it is background. Segments keep their values where no two have the same one, else they are
    numbered in their order.

    Raises:
        InputError: segments that overlap, by name.
    """
    values = [segment.value for segment in segments]
    if len(set(values)) < len(values) or 0 in values:
        values = list(range(1, 1 + len(segments)))
    label = np.zeros((1, *stored.size), np.uint8 if max(values, default=0) < 256 else np.int32)
    for segment, value in zip(segments, values, strict=True):
        own = stored.array[segment.layer] == segment.value
        under = np.unique(label[0][own])
        if under.any():
            below = [other.name for other, number in zip(segments, values, strict=True) if number in under]
            raise InputError(f"{path}: {overlap([*below, segment.name])}")
        label[0][own] = value
    names = {value: segment.name for segment, value in zip(segments, values, strict=True)}
    return replace(stored, array=label, names=names, partial=True)


def overlap(names: Sequence[str]) -> str:
    """What is wrong where the segments ``names`` share voxels."""
    *first, last = (f"'{name}'" for name in names)
    return f"the segments {', '.join(first)} and {last} overlap; expected one segment a voxel"
