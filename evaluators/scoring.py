"""Dice and 95th-percentile Hausdorff distance, a number per case and class, and their summary."""

from __future__ import annotations

import math
import warnings
from collections.abc import Mapping, Sequence

import numpy as np
import torch
from torch.nn import functional

CaseScores = dict[str, dict[str, float | None]]  # case -> class -> score; None where it is not defined


def dice_scores(prediction: np.ndarray, reference: np.ndarray, classes: Sequence[str]) -> dict[str, float | None]:
    """Dice of each foreground class of one case.

    ``prediction`` and ``reference``: class indices ``(*spatial)``. A class absent from both has no score: counting
    it as 1 would reward a network for healthy cases it cannot get wrong. Absent from one only, it is 0.
    """
    from monai.metrics import compute_dice

    values = compute_dice(
        _planes(prediction, len(classes)),
        _planes(reference, len(classes)),
        include_background=False,
        ignore_empty=False,
    )[0]
    present = [(prediction == index).any() or (reference == index).any() for index in range(1, len(classes) + 1)]
    return {name: float(value) if seen else None for name, value, seen in zip(classes, values, present, strict=True)}


def hausdorff_scores(
    prediction: np.ndarray, reference: np.ndarray, classes: Sequence[str], spacing: Sequence[float]
) -> dict[str, float | None]:
    """95th-percentile Hausdorff distance of each foreground class of one case, in the unit of ``spacing`` (mm).

    None where the class is absent from either: a distance to nothing is not a number.
    """
    from monai.metrics import compute_hausdorff_distance

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # monai warns of each absent class, and of its own use of what it deprecated
        values = compute_hausdorff_distance(
            _planes(prediction, len(classes)),
            _planes(reference, len(classes)),
            include_background=False,
            percentile=95,
            spacing=[float(length) for length in spacing],  # monai refuses a mixture of int and float
        )[0]
    return {name: float(value) if math.isfinite(value) else None for name, value in zip(classes, values, strict=True)}


def mean_score(cases: Mapping[str, Mapping[str, float | None]]) -> float:
    """Mean over classes of the mean over cases where the class has a score; nan when there is none at all."""
    by_class = class_means(cases)
    return float(np.mean(list(by_class.values()))) if by_class else math.nan


def class_means(cases: Mapping[str, Mapping[str, float | None]]) -> dict[str, float]:
    """Mean over cases of each class that has a score."""
    collected: dict[str, list[float]] = {}
    for scores in cases.values():
        for name, value in scores.items():
            if value is not None:
                collected.setdefault(name, []).append(value)
    return {name: float(np.mean(values)) for name, values in collected.items()}


def _planes(labels: np.ndarray, classes: int) -> torch.Tensor:
    """Class indices to one-hot ``(1, 1 + classes, *spatial)``."""
    one_hot = functional.one_hot(torch.from_numpy(labels.astype(np.int64)), 1 + classes)
    return one_hot.movedim(-1, 0)[None].float()
