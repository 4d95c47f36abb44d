"""Whether probabilities mean what they say: expected calibration error and Brier score of each class.

    ECE = sum over bins of  voxels in bin / voxels * |mean probability - share that is of the class|

Guo et al., 2017, https://arxiv.org/abs/1706.04599, class by class as in Nixon et al., 2019,
https://arxiv.org/abs/1904.01685; the Brier score (Brier, 1950) is the mean squared difference of the probability of a
class and 1 where the reference shows it, 0 where not.

Over a whole image plain background would drown everything. Of each class those voxels count that lie around it in the
reference (its box, a quarter longer at each end), and wherever else it is predicted with more than a half. So a bin up
to a half is of the box, and a bin above it of the whole image.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from torch import Tensor

from evaluators.labelling import IGNORED, Labelling
from evaluators.masks import Box, class_boxes

BINS = 15  # of equal width, as Guo et al. have it
MARGIN = 0.25  # of the length of the box


class Calibration:
    """Sums over voxels, a row a class: all that is kept of probabilities, however many were seen.

    Attributes:
        voxels: how many, ``(classes, BINS)``.
        probabilities: their sums.
        shown: how many of the voxels are of the class.
        squares: sums of squared differences, ``(classes,)``.
    """

    def __init__(self, classes: Sequence[str]) -> None:
        self.classes = tuple(classes)
        self.voxels = np.zeros((len(classes), BINS))
        self.probabilities = np.zeros_like(self.voxels)
        self.shown = np.zeros_like(self.voxels)
        self.squares = np.zeros(len(classes))

    def add(self, other: Calibration) -> None:
        """Take in what another has seen."""
        self.voxels += other.voxels
        self.probabilities += other.probabilities
        self.shown += other.shown
        self.squares += other.squares

    def see(self, number: int, probabilities: np.ndarray, shown: np.ndarray) -> None:
        """Take in voxels of class ``number``: its probabilities, and whether they are of it, both ``(voxels,)``."""
        exact = probabilities.astype(float).clip(0, 1)  # interpolation may leave the range by a rounding
        bins = np.minimum((exact * BINS).astype(int), BINS - 1)
        for sums, weights in ((self.voxels, None), (self.probabilities, exact), (self.shown, shown)):
            sums[number] += np.bincount(bins, weights, BINS)
        self.squares[number] += float(((exact - shown) ** 2).sum())

    def metrics(self) -> dict[str, float]:
        """``ece`` and ``brier``, means over classes, and ``ece/CLASS``, ``brier/CLASS``; of no voxels there is none."""
        counts = self.voxels.sum(1)
        gaps = np.abs(self.probabilities - self.shown).sum(1)
        metrics: dict[str, float] = {}
        for name, sums in (("ece", gaps), ("brier", self.squares)):
            by_class = {
                f"{name}/{label}": float(total / count)
                for label, total, count in zip(self.classes, sums, counts, strict=True)
                if count
            }
            if by_class:
                metrics |= {name: math.fsum(by_class.values()) / len(by_class), **by_class}
        return metrics


class CaseCalibration:
    """Looks at the probabilities of one case as they come, block by block.

    Args:
        reference: uint8 indices ``(*size)``.
        labelling: what they mean.
    """

    def __init__(self, reference: np.ndarray, labelling: Labelling) -> None:
        self.reference = reference
        self.labelling = labelling
        self.sums = Calibration(labelling.classes)
        self._boxes = [box and _widened(box, reference.shape) for box in class_boxes(reference, labelling)]

    def see(self, axis: int, begin: int, block: Tensor) -> None:
        """Probabilities ``(1 + classes, planes, *plane)`` of the planes from ``begin`` along an axis of the image."""
        planes = np.moveaxis(self.reference, axis, 0)[begin : begin + block.shape[1]]
        counted = planes != IGNORED
        for number, (box, probabilities) in enumerate(zip(self._boxes, block[1:].cpu().numpy(), strict=True)):
            seen = probabilities > 0.5
            if box is not None:
                first, others = box[axis], (*box[:axis], *box[axis + 1 :])
                seen[(slice(max(first.start - begin, 0), max(first.stop - begin, 0)), *others)] = True
            seen &= counted
            if seen.any():
                self.sums.see(number, probabilities[seen], self.labelling.membership[number][planes[seen]])


def _widened(box: Box, size: Sequence[int]) -> Box:
    """A box with its margin, as far as an image of ``size`` reaches."""
    margins = [max(1, math.ceil(MARGIN * (along.stop - along.start))) for along in box]
    return tuple(
        slice(max(along.start - margin, 0), min(along.stop + margin, length))
        for along, margin, length in zip(box, margins, size, strict=True)
    )
