"""Dice, false positives and 95th-percentile Hausdorff distance, a number per case and class, and their summary.

Which pairs of case and class have a number is decided by the reference alone: Dice and distance where it shows the
class, false positives where it does not. So the means of two networks are over the same pairs.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np

from evaluators.labelling import IGNORED, Labelling
from evaluators.masks import class_masks

Scores = dict[str, float | None]  # class -> score; None where it is not defined
CaseScores = dict[str, Scores]  # by case

INDICES = 256
PART = 2**17  # voxels that are counted at once: counting takes 14 bytes for each


def overlap_scores(prediction: np.ndarray, reference: np.ndarray, labelling: Labelling) -> tuple[Scores, Scores]:
    """Dice of each class that the reference shows, and the voxels predicted of each class that it does not show.

    ``prediction`` and ``reference``: uint8 indices ``(*spatial)``; what the reference ignores is in neither number. A
    class that the reference shows and the prediction does not has a Dice of 0; where the reference does not show it,
    it has none, whatever is predicted: there 0 or 1 would hang on a single voxel.
    """
    counts = joint_counts(prediction, reference)
    counts[IGNORED] = 0
    members = labelling.membership.astype(float)
    there, found = ((members @ counts.sum(axis)).tolist() for axis in (1, 0))
    shared = (members @ counts * members).sum(1).tolist()
    empty = not counts.any()
    dice = [2 * s / (t + f) if t else None for s, t, f in zip(shared, there, found, strict=True)]
    false = [None if t or empty else f for t, f in zip(there, found, strict=True)]
    return dict(zip(labelling.classes, dice, strict=True)), dict(zip(labelling.classes, false, strict=True))


def dice_scores(prediction: np.ndarray, reference: np.ndarray, classes: Labelling | Sequence[str]) -> Scores:
    """Dice of each class that the reference shows, see ``overlap_scores``; names alone are classes 1, 2, ..."""
    return overlap_scores(prediction, reference, _labelling(classes))[0]


def joint_counts(prediction: np.ndarray, reference: np.ndarray) -> np.ndarray:
    """``(256, 256)``: how many voxels have each index in the reference (row) and in the prediction (column)."""
    counts = np.zeros(INDICES**2, np.int64)
    flat = prediction.reshape(-1), reference.reshape(-1)
    for start in range(0, flat[0].size, PART):
        found, there = (label[start : start + PART].astype(np.uint16) for label in flat)
        counts += np.bincount(there * INDICES + found, minlength=INDICES**2)
    return counts.reshape(INDICES, INDICES)


def hausdorff_scores(
    prediction: np.ndarray, reference: np.ndarray, classes: Labelling | Sequence[str], spacing: Sequence[float]
) -> Scores:
    """95th-percentile Hausdorff distance of each class of one case, in the unit of ``spacing`` (mm).

    The larger of both directions' percentiles of the distances between border voxels, as MONAI has it. None where the
    class is absent from either: a distance to nothing is not a number. Each class is looked at within its own box.
    """
    return {
        name: _hausdorff(found, there, spacing) if found.any() and there.any() else None
        for name, found, there in class_masks(prediction, reference, _labelling(classes))
    }


def mean_score(cases: Mapping[str, Mapping[str, float | None]]) -> float:
    """Mean over classes of the mean over cases where the class has a score; nan when there is none at all."""
    by_class = class_means(cases)
    return float(np.mean(list(by_class.values()))) if by_class else math.nan


def class_means(cases: Mapping[str, Mapping[str, float | None]]) -> dict[str, float]:
    """Mean over cases of each class that has a score."""
    return {name: float(np.mean(values)) for name, values in _by_class(cases).items()}


def overlap_metrics(cases: CaseScores, false_positives: CaseScores) -> dict[str, float]:
    """``dice``, ``dice/CLASS``, and of the pairs without the class the share in which it is predicted all the same.

    That share is ``false_positives`` and ``false_positives/CLASS``, where there is such a pair.
    """
    predicted = {name: [bool(v) for v in values] for name, values in _by_class(false_positives).items()}
    metrics = {"dice": mean_score(cases)}
    metrics |= {f"dice/{name}": value for name, value in class_means(cases).items()}
    if predicted:
        metrics["false_positives"] = float(np.mean(np.concatenate(list(predicted.values()))))
        metrics |= {f"false_positives/{name}": float(np.mean(values)) for name, values in predicted.items()}
    return metrics


def distance_metrics(cases: CaseScores, distances: CaseScores, diagonals: Mapping[str, float]) -> dict[str, float]:
    """``hd95`` and ``hd95/CLASS``, means where there is a distance, and what they leave out.

    A mean over what was found alone rewards a network that misses what it would have found badly. So beside it stand
    ``hd95_count`` and ``hd95_missed``, the pairs of the reference with a distance and without, and
    ``hd95_with_misses``, the mean in which each miss counts as the diagonal of its image (``diagonals``, mm by case):
    no distance within the image is larger.
    """
    everywhere: CaseScores = {}
    missed = 0
    for case, scores in distances.items():
        pairs = {name: scores[name] for name, dice in cases[case].items() if dice is not None}
        missed += sum(value is None for value in pairs.values())
        everywhere[case] = {name: diagonals[case] if value is None else value for name, value in pairs.items()}
    count = sum(map(len, everywhere.values())) - missed
    metrics = {"hd95": mean_score(distances)} if count else {}
    metrics |= {f"hd95/{name}": value for name, value in class_means(distances).items()}
    metrics |= {"hd95_count": float(count), "hd95_missed": float(missed)}
    return metrics | ({"hd95_with_misses": mean_score(everywhere)} if count or missed else {})


def diagonal(size: Sequence[int], spacing: Sequence[float]) -> float:
    """Of an image, mm."""
    return math.hypot(*(length * step for length, step in zip(size, spacing, strict=True)))


def _by_class(cases: Mapping[str, Mapping[str, float | None]]) -> dict[str, list[float]]:
    collected: dict[str, list[float]] = {}
    for scores in cases.values():
        for name, value in scores.items():
            if value is not None:
                collected.setdefault(name, []).append(value)
    return collected


def _labelling(classes: Labelling | Sequence[str]) -> Labelling:
    return classes if isinstance(classes, Labelling) else Labelling.exclusive(classes)


def _hausdorff(first: np.ndarray, second: np.ndarray, spacing: Sequence[float]) -> float:
    from scipy.ndimage import binary_erosion
    from scipy.spatial import KDTree

    borders = [np.argwhere(mask & ~binary_erosion(mask)) * np.asarray(spacing, float) for mask in (first, second)]
    ways = (borders, borders[::-1])
    return max(float(np.percentile(KDTree(there).query(here)[0], 95)) for here, there in ways)
