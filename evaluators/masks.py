"""The voxels of each class in a prediction and its reference, looked at within the smallest box that holds both."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

import numpy as np

from evaluators.labelling import IGNORED, Labelling

HIGHEST_INDEX = 254


def class_masks(
    prediction: np.ndarray, reference: np.ndarray, labelling: Labelling
) -> Iterator[tuple[str, np.ndarray, np.ndarray]]:
    """For each class its name, and bool ``(*box)`` where it is predicted and where the reference shows it.

    ``prediction`` and ``reference``: uint8 indices ``(*spatial)``; what the reference ignores is in neither mask. The
    box of a class that is in neither is empty.
    """
    from scipy.ndimage import find_objects

    found, there = (find_objects(label, max_label=HIGHEST_INDEX) for label in (prediction, reference))
    for name, members in zip(labelling.classes, labelling.members, strict=True):
        boxes = [part[index - 1] for part in (found, there) for index in members if part[index - 1]]
        box = _around(boxes) if boxes else (slice(0),) * reference.ndim
        counted = reference[box] != IGNORED
        yield name, _mask(prediction[box], members) & counted, _mask(reference[box], members)


def _around(boxes: Sequence[tuple[slice, ...]]) -> tuple[slice, ...]:
    """The smallest box that holds all of them."""
    return tuple(slice(min(s.start for s in axis), max(s.stop for s in axis)) for axis in zip(*boxes, strict=True))


def _mask(label: np.ndarray, indices: Iterable[int]) -> np.ndarray:
    mask = np.zeros(label.shape, bool)
    for index in indices:
        mask |= label == index
    return mask
