"""Dice and Hausdorff distance against values worked out by hand, and their summary."""

import math
import warnings

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.ndimage import binary_erosion
from scipy.spatial.distance import cdist

from evaluators.scoring import CaseScores, class_means, dice_scores, hausdorff_scores, mean_score

shapes = st.sampled_from([(1, 1), (6, 7), (1, 5, 4), (3, 4, 5)])


def labels(classes: int) -> st.SearchStrategy[tuple[np.ndarray, np.ndarray]]:
    values = st.integers(0, classes)
    return shapes.flatmap(lambda shape: st.tuples(*[arrays(np.uint8, shape, elements=values)] * 2))


def block(size: tuple[int, ...], *slices: slice, index: int = 1) -> np.ndarray:
    label = np.zeros(size, np.uint8)
    label[slices] = index
    return label


# -- Dice -------------------------------------------------------------------------------------------------


def test_dice_of_blocks_that_overlap_by_half():
    reference = block((6, 8), slice(1, 3), slice(0, 4))  # 8 pixels
    prediction = block((6, 8), slice(1, 3), slice(2, 6))  # 8 pixels, 4 of them shared
    assert dice_scores(prediction, reference, ("organ",)) == {"organ": 0.5}


def test_dice_of_volumes_of_different_size():
    reference = block((4, 4, 4), slice(0, 2), slice(0, 2), slice(0, 2))  # 8 voxels
    prediction = block((4, 4, 4), slice(0, 4), slice(0, 2), slice(0, 2))  # 16 voxels, 8 shared
    assert dice_scores(prediction, reference, ("organ",))["organ"] == pytest.approx(2 / 3)


@given(labels(classes=3))
def test_dice_is_the_set_formula_for_every_class(pair: tuple[np.ndarray, np.ndarray]):
    prediction, reference = pair
    names = ("a", "b", "c")

    scores = dice_scores(prediction, reference, names)

    assert tuple(scores) == names
    for index, name in enumerate(names, start=1):
        found, there = (set(np.flatnonzero(label == index)) for label in (prediction, reference))
        if found or there:
            assert scores[name] == pytest.approx(2 * len(found & there) / (len(found) + len(there)), abs=1e-6)
        else:
            assert scores[name] is None


@given(labels(classes=2))
def test_dice_is_symmetric_and_one_for_itself(pair: tuple[np.ndarray, np.ndarray]):
    first, second = pair
    assert dice_scores(first, second, ("a", "b")) == dice_scores(second, first, ("a", "b"))
    assert set(dice_scores(first, first, ("a", "b")).values()) <= {1.0, None}


def test_a_class_absent_from_both_has_no_dice_and_from_one_has_zero():
    empty, organ = np.zeros((4, 4), np.uint8), block((4, 4), slice(0, 2))

    assert dice_scores(empty, empty, ("organ",)) == {"organ": None}
    assert dice_scores(organ, empty, ("organ",)) == {"organ": 0.0}
    assert dice_scores(empty, organ, ("organ",)) == {"organ": 0.0}
    assert dice_scores(organ, organ, ("organ", "vessel")) == {"organ": 1.0, "vessel": None}


# -- Hausdorff distance -----------------------------------------------------------------------------------


def test_the_distance_of_two_pixels_is_in_mm():
    reference, prediction = np.zeros((2, 9, 12), np.uint8)
    reference[1, 2], prediction[5, 5] = 1, 1

    assert hausdorff_scores(prediction, reference, ("a",), (1, 1))["a"] == pytest.approx(5)
    assert hausdorff_scores(prediction, reference, ("a",), (0.5, 3))["a"] == pytest.approx(math.hypot(2, 9))


def test_the_distance_of_two_voxels_is_in_mm_along_each_axis():
    reference, prediction = np.zeros((2, 6, 6, 6), np.uint8)
    reference[1, 1, 1], prediction[2, 3, 4] = 1, 1

    expected = math.sqrt((1 * 5) ** 2 + (2 * 0.7) ** 2 + (3 * 1.1) ** 2)
    assert hausdorff_scores(prediction, reference, ("a",), (5, 0.7, 1.1))["a"] == pytest.approx(expected)


def test_a_slab_moved_by_one_slice_is_one_slice_away():
    reference = block((8, 5, 5), slice(1, 4))
    prediction = block((8, 5, 5), slice(2, 5))
    assert hausdorff_scores(prediction, reference, ("a",), (4, 1, 1))["a"] == pytest.approx(4)


def test_a_volume_of_one_slice_has_distances_within_it():
    reference = block((1, 6, 8), slice(0, 1), slice(1, 4), slice(1, 4))
    prediction = block((1, 6, 8), slice(0, 1), slice(1, 4), slice(3, 6))
    assert hausdorff_scores(prediction, reference, ("a",), (5, 1, 2))["a"] == pytest.approx(4)


def test_a_few_stray_pixels_do_not_set_the_distance():
    reference = block((60, 60), slice(10, 40), slice(10, 40))
    prediction = reference.copy()
    prediction[58, 58] = 1
    assert hausdorff_scores(prediction, reference, ("a",), (1, 1)) == {"a": 0.0}


@given(labels(classes=1), st.tuples(*[st.floats(0.3, 5)] * 3))
def test_the_distance_is_the_larger_95th_percentile_of_both_directions(
    pair: tuple[np.ndarray, np.ndarray], spacings: tuple[float, ...]
):
    prediction, reference = pair
    assume(prediction.any() and reference.any())
    spacing = spacings[: prediction.ndim]

    score = hausdorff_scores(prediction, reference, ("a",), spacing)["a"]

    borders = [np.argwhere((x > 0) & ~binary_erosion(x > 0)) * np.array(spacing) for x in (prediction, reference)]
    distances = cdist(*borders)
    expected = max(np.percentile(distances.min(axis), 95) for axis in (0, 1))
    assert score == pytest.approx(expected, rel=1e-4, abs=1e-5)


def test_a_class_absent_from_either_has_no_distance_and_no_warning():
    empty, organ = np.zeros((4, 4), np.uint8), block((4, 4), slice(0, 2))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for prediction, reference in ((empty, empty), (organ, empty), (empty, organ)):
            assert hausdorff_scores(prediction, reference, ("organ",), (1, 1)) == {"organ": None}
        assert hausdorff_scores(organ, organ, ("organ", "vessel"), (1, 1)) == {"organ": 0.0, "vessel": None}


# -- summary ----------------------------------------------------------------------------------------------


def test_the_summary_is_the_mean_over_classes_of_the_mean_over_their_cases():
    cases: CaseScores = {
        "case0": {"organ": 0.8, "vessel": 0.2},
        "case1": {"organ": 0.6, "vessel": None},
        "case2": {"organ": 0.4, "vessel": None},
    }
    assert class_means(cases) == {"organ": pytest.approx(0.6), "vessel": pytest.approx(0.2)}
    assert mean_score(cases) == pytest.approx(0.4)  # 0.5 would be the mean of all four scores


def test_a_class_without_a_score_is_left_out():
    cases: CaseScores = {"case0": {"organ": 0.8, "vessel": None}}
    assert class_means(cases) == {"organ": 0.8}
    assert mean_score(cases) == 0.8


def test_a_zero_counts():
    assert mean_score({"case0": {"organ": 0.0}, "case1": {"organ": 1.0}}) == 0.5


def test_no_score_at_all_is_not_a_number():
    assert math.isnan(mean_score({"case0": {"organ": None}}))
    assert math.isnan(mean_score({}))
