"""Surface Dice against values worked out by hand and MONAI's, and its summary."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from monai.metrics import compute_surface_dice

from evaluators.labelling import IGNORED, Labelling
from evaluators.surface_dice import surface_dice_scores, surface_metrics, voxel_tolerance
from tests.evaluators.test_scoring import BRATS, block, labels

ORGAN = Labelling.exclusive(["organ"])


def organ(prediction: np.ndarray, reference: np.ndarray, spacing: tuple[float, ...], tolerance: float) -> float | None:
    return surface_dice_scores(prediction, reference, ORGAN, spacing, tolerance)["organ"]


@settings(max_examples=12)
@given(labels(classes=3), st.tuples(*[st.sampled_from([0.37, 1.0, 2.3])] * 3), st.sampled_from([0.0, 0.77, 1.618, 3.1]))
def test_it_is_that_of_monai_on_the_whole_image(
    pair: tuple[np.ndarray, np.ndarray], spacings: tuple[float, ...], tolerance: float
) -> None:
    prediction, reference = pair
    spacing = spacings[: prediction.ndim]
    planes = [
        torch.from_numpy(np.stack([np.isin(label, m) for m in BRATS.members])[None].astype(np.float32))
        for label in pair
    ]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        expected = compute_surface_dice(
            *planes, [tolerance] * 3, include_background=True, spacing=list(spacing), use_subvoxels=True
        )[0]
    scores = surface_dice_scores(prediction, reference, BRATS, spacing, tolerance)
    for score, wanted, shown in zip(scores.values(), expected.tolist(), planes[1][0], strict=True):
        assert score == (pytest.approx(wanted, abs=1e-5) if shown.any() else None)


@pytest.mark.parametrize("spacing", [(1.0, 1.0, 4.0), (0.7, 0.7, 4.0)])
def test_a_surface_that_is_off_by_exactly_the_tolerance_is_right(spacing: tuple[float, ...]) -> None:
    reference = block((12, 12, 12), slice(3, 8), slice(3, 8), slice(3, 8))
    for axis, length in enumerate(spacing):
        moved = np.roll(reference, 1, axis)
        assert organ(moved, reference, spacing, length) == 1
        assert organ(moved, reference, spacing, 0.9 * length) < 1  # type: ignore[operator]


def test_a_wrong_half_of_an_outline_counts_with_its_length() -> None:
    """A bar of 20 x 2 mm predicted 10 mm long: of its own outline the new end is wrong, of the true one a half."""
    reference, prediction = np.zeros((2, 30, 10), np.uint8)
    reference[5:25, 4:6] = prediction[5:15, 4:6] = 1
    score = organ(prediction, reference, (1, 1), 0.5)
    assert score == pytest.approx(1 - (22 + 2) / (44 + 24), abs=0.05)


def test_what_is_missed_has_none_of_its_surface_and_what_is_not_there_no_score() -> None:
    empty, disc = np.zeros((8, 8), np.uint8), block((8, 8), slice(2, 6), slice(2, 6))
    assert organ(empty, disc, (1, 1), 2) == 0
    assert organ(disc, empty, (1, 1), 2) is None
    assert organ(disc, disc, (1, 1), 0) == 1


def test_what_lies_in_ignored_voxels_has_no_surface() -> None:
    reference = block((10, 10), slice(0, 3), slice(0, 3))
    reference[5:] = IGNORED
    prediction = block((10, 10), slice(0, 3), slice(0, 3))
    prediction[9, 9] = 1
    assert organ(prediction, reference, (1, 1), 0) == 1


def test_the_tolerance_is_the_longest_edge_of_the_median_voxel() -> None:
    assert voxel_tolerance([(1.0, 1.0)]) == 1
    assert voxel_tolerance([(0.7, 0.7, 5.0), (0.8, 0.8, 2.5), (0.9, 0.9, 3.0)]) == 3


def test_the_summary_holds_each_class_and_the_tolerance_and_misses_as_nothing() -> None:
    cases = {"case0": {"a": 0.8, "b": 0.0}, "case1": {"a": 0.6, "b": None}}
    assert surface_metrics(cases, 2.5) == {
        "surface_dice": pytest.approx(0.35),
        "surface_dice/a": pytest.approx(0.7),
        "surface_dice/b": 0.0,
        "surface_dice_tolerance": 2.5,
    }
    assert surface_metrics({"case0": {"a": None}}, 1.0) == {"surface_dice_tolerance": 1.0}
