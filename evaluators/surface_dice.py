"""Surface Dice at a tolerance: which share of both surfaces lies close to the other.

    (area of prediction's surface within t of the reference's + the other way round) / (area of both)

After Nikolov et al., 2018, https://arxiv.org/abs/1809.04430, there also called normalised surface distance. A surface
passes between voxels, one element in every 2 x 2 (x 2) block of them that is neither full nor empty, and counts with
its length (mm) or area (mm2).
"""

from __future__ import annotations

import functools
import itertools
from collections.abc import Sequence

import numpy as np

from evaluators.labelling import Labelling
from evaluators.masks import class_masks
from evaluators.scoring import CaseScores, Scores, class_means, mean_score

ROUNDING = 1e-6  # as a share of the tolerance, and mm: a distance of exactly the tolerance is within it


def surface_dice_scores(
    prediction: np.ndarray,
    reference: np.ndarray,
    labelling: Labelling,
    spacing: Sequence[float],
    tolerance: float,
) -> Scores:
    """Surface Dice of each class that the reference shows; 0 where it is missed, None where the reference has it not.

    Args:
        prediction: uint8 indices ``(*spatial)``.
        reference: likewise; what it ignores is in no surface.
        labelling: what indices mean.
        spacing: voxel size, mm.
        tolerance: most distance between surfaces that counts as none, mm.
    """
    return {
        name: _surface_dice(found, there, tuple(map(float, spacing)), tolerance) if there.any() else None
        for name, found, there in class_masks(prediction, reference, labelling)
    }


def surface_metrics(cases: CaseScores, tolerance: float) -> dict[str, float]:
    """``surface_dice``, ``surface_dice/CLASS`` and ``surface_dice_tolerance`` (mm); misses are in the means as 0."""
    by_class = {f"surface_dice/{name}": value for name, value in class_means(cases).items()}
    mean = {"surface_dice": mean_score(cases)} if by_class else {}
    return mean | by_class | {"surface_dice_tolerance": tolerance}


def voxel_tolerance(spacings: Sequence[Sequence[float]]) -> float:
    """The longest edge of the median voxel, mm: what a surface can be off by and be as right as the grid can show.

    ``spacings``: voxel size of each case; a pixel whose size is not known is 1 mm long.
    """
    return float(np.median(np.array(spacings, float), axis=0).max())


def _surface_dice(found: np.ndarray, there: np.ndarray, spacing: tuple[float, ...], tolerance: float) -> float:
    from scipy.spatial import KDTree

    if not found.any():
        return 0.0
    surfaces = [_surface(mask, spacing) for mask in (found, there)]
    reach = tolerance * (1 + ROUNDING) + ROUNDING
    close = total = 0.0
    for (points, areas), (others, _) in itertools.permutations(surfaces):
        distances = KDTree(others).query(points, distance_upper_bound=reach)[0]
        close += float(areas[np.isfinite(distances)].sum())
        total += float(areas.sum())
    return close / total


def _surface(mask: np.ndarray, spacing: tuple[float, ...]) -> tuple[np.ndarray, np.ndarray]:
    """Places ``(elements, dims)`` of the surface's elements, mm, and their lengths or areas ``(elements,)``."""
    sizes, weights = _element_sizes(spacing)
    padded = np.pad(mask, 1).astype(np.uint8)
    code = np.zeros([length - 1 for length in padded.shape], np.uint8)
    for corner, weight in np.ndenumerate(weights):
        code += weight * padded[tuple(slice(at, at + length) for at, length in zip(corner, code.shape, strict=True))]
    places = np.argwhere((code > 0) & (code < len(sizes) - 1))
    return places * np.array(spacing), sizes[code[tuple(places.T)]]


@functools.lru_cache(maxsize=64)
def _element_sizes(spacing: tuple[float, ...]) -> tuple[np.ndarray, np.ndarray]:
    """Length or area of the surface in a block by the code of its full voxels, and each voxel's part of the code."""
    from monai.metrics.utils import get_code_to_measure_table

    sizes, weights = get_code_to_measure_table(spacing)
    return sizes.numpy().astype(float), weights[0, 0].numpy().astype(np.uint8)
