"""The voxels of each class in a prediction and its reference, looked at within the smallest box that holds both."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

import numpy as np

from evaluators.labelling import IGNORED, Labelling

Box = tuple[slice, ...]

HIGHEST_INDEX = 254


def class_masks(
    prediction: np.ndarray, reference: np.ndarray, labelling: Labelling
) -> Iterator[tuple[str, np.ndarray, np.ndarray]]:
    """For each class its name, and bool ``(*box)`` where it is predicted and where the reference shows it.

    ``prediction`` and ``reference``: uint8 indices ``(*spatial)``; what the reference ignores is in neither mask. The
    box of a class that is in neither is empty.
    """
    boxes = zip(class_boxes(prediction, labelling), class_boxes(reference, labelling), strict=True)
    for name, members, pair in zip(labelling.classes, labelling.members, boxes, strict=True):
        shown = [box for box in pair if box is not None]
        box = _around(shown) if shown else (slice(0),) * reference.ndim
        counted = reference[box] != IGNORED
        yield name, _mask(prediction[box], members) & counted, _mask(reference[box], members)


def class_boxes(label: np.ndarray, labelling: Labelling) -> list[Box | None]:
    """For each class the smallest box around it in uint8 indices ``(*spatial)``; None where it is not there."""
    from scipy.ndimage import find_objects

    found = find_objects(label, max_label=HIGHEST_INDEX)
    shown = ([found[index - 1] for index in members if found[index - 1]] for members in labelling.members)
    return [_around(boxes) if boxes else None for boxes in shown]


def _around(boxes: Sequence[Box]) -> Box:
    """The smallest box that holds all of them."""
    return tuple(slice(min(s.start for s in axis), max(s.stop for s in axis)) for axis in zip(*boxes, strict=True))


def _mask(label: np.ndarray, indices: Iterable[int]) -> np.ndarray:
    mask = np.zeros(label.shape, bool)
    for index in indices:
        mask |= label == index
    return mask
