"""Only the largest connected part of a class is kept, for classes that validation cases show to gain by it.

A structure that is there once is often predicted with a few specks elsewhere. Whether that is so is seen on validation
cases, class by class, as in nnU-Net (Isensee et al., Nature Methods 2021, https://doi.org/10.1038/s41592-020-01008-z).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np

from evaluators.labelling import Labelling
from evaluators.scoring import dice_scores

LEAST = 1e-3  # mean gain in Dice below which predictions are left alone
METRIC = "largest_component/"  # and the name of a class: the gain that was seen


def keep_largest(label: np.ndarray, indices: Iterable[int]) -> np.ndarray:
    """``label`` ``(*spatial)`` with only the largest part of each index, corners connecting; the rest is background."""
    from scipy.ndimage import find_objects, generate_binary_structure
    from scipy.ndimage import label as parts_of

    result = label.copy()
    boxes = find_objects(label)
    for index in indices:
        box = boxes[index - 1] if index <= len(boxes) else None
        if box is None:
            continue
        there = label[box] == index
        parts, count = parts_of(there, generate_binary_structure(label.ndim, label.ndim))
        if count > 1:
            sizes = np.bincount(parts.ravel())
            sizes[0] = 0
            result[box][there & (parts != sizes.argmax())] = 0
    return result


def gains_of_largest(pairs: Iterable[tuple[np.ndarray, np.ndarray]], labelling: Labelling) -> dict[str, float]:
    """The classes of which the largest part alone is to be kept, each with the mean Dice that it gains.

    Those that gain at least ``LEAST``, and more than two standard errors of it over the cases that show them. Where
    classes share voxels there are none: what a part of one is taken from may belong to another.

    Args:
        pairs: of validation cases, prediction and reference.
        labelling: what their indices mean.
    """
    if labelling.regions:
        return {}
    changes: dict[str, list[float]] = {name: [] for name in labelling.classes}
    for predicted, reference in pairs:
        before = dice_scores(predicted, reference, labelling)
        after = dice_scores(keep_largest(predicted, range(1, 1 + len(labelling.classes))), reference, labelling)
        for name, value in before.items():
            other = after[name]
            if value is not None and other is not None:
                changes[name].append(other - value)
    return {name: gain for name, found in changes.items() if (gain := _sure_gain(found)) is not None}


def _sure_gain(changes: Sequence[float]) -> float | None:
    if len(changes) < 2:
        return None
    mean, error = float(np.mean(changes)), float(np.std(changes, ddof=1)) / len(changes) ** 0.5
    return mean if mean >= LEAST and mean > 2 * error else None
