"""Dice, false positives and Hausdorff distance against values worked out by hand and MONAI's, and their summary."""

import math
import warnings

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from monai.metrics import compute_hausdorff_distance
from scipy.ndimage import binary_erosion
from scipy.spatial.distance import cdist

from evaluators.labelling import IGNORED, Labelling
from evaluators.scoring import (
    CaseScores,
    class_means,
    diagonal,
    dice_scores,
    distance_metrics,
    hausdorff_scores,
    joint_counts,
    mean_score,
    overlap_metrics,
    overlap_scores,
)

BRATS = Labelling(("whole", "core", "enhancing"), ((1, 2, 3), (1, 3), (3,)), (0, 1, 2, 4), (2, 1, 3))

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
        if there:
            assert scores[name] == pytest.approx(2 * len(found & there) / (len(found) + len(there)), abs=1e-6)
        else:
            assert scores[name] is None


@given(labels(classes=2))
def test_dice_of_a_label_with_itself_is_one(pair: tuple[np.ndarray, np.ndarray]):
    first, _ = pair
    assert set(dice_scores(first, first, ("a", "b")).values()) <= {1.0, None}


@given(labels(classes=3), st.permutations(range(4)))
def test_which_classes_have_a_dice_is_decided_by_the_reference_alone(
    pair: tuple[np.ndarray, np.ndarray], order: list[int]
):
    prediction, reference = pair
    names = ("a", "b", "c")
    other = np.array(order, np.uint8)[prediction]
    first, second = (dice_scores(label, reference, names) for label in (prediction, other))
    assert [value is None for value in first.values()] == [value is None for value in second.values()]


def test_a_class_that_is_missed_has_a_dice_of_zero_and_one_that_is_not_there_none():
    empty, organ = np.zeros((4, 4), np.uint8), block((4, 4), slice(0, 2))

    assert dice_scores(empty, empty, ("organ",)) == {"organ": None}
    assert dice_scores(organ, empty, ("organ",)) == {"organ": None}
    assert dice_scores(empty, organ, ("organ",)) == {"organ": 0.0}
    assert dice_scores(organ, organ, ("organ", "vessel")) == {"organ": 1.0, "vessel": None}


@given(labels(classes=3))
def test_a_region_is_scored_as_the_set_of_its_indices(pair: tuple[np.ndarray, np.ndarray]):
    prediction, reference = pair
    scores, false = overlap_scores(prediction, reference, BRATS)
    for name, members in zip(BRATS.classes, BRATS.members, strict=True):
        as_one = [np.isin(label, members).astype(np.uint8) for label in pair]
        single, single_false = overlap_scores(*as_one, Labelling.exclusive([name]))
        assert scores[name] == single[name]
        assert false[name] == single_false[name]


@given(labels(classes=3), st.data())
def test_ignored_voxels_are_in_no_score(pair: tuple[np.ndarray, np.ndarray], data: st.DataObject):
    prediction, reference = pair
    ignored = data.draw(arrays(bool, reference.shape))
    assume(not ignored.all())
    partly = np.where(ignored, np.uint8(IGNORED), reference)
    rest = [label[~ignored] for label in pair]
    for labelling in (BRATS, Labelling.exclusive(["a", "b", "c"])):
        assert overlap_scores(prediction, partly, labelling) == overlap_scores(*rest, labelling)


def test_a_case_that_is_ignored_as_a_whole_has_no_score_at_all():
    everything, nothing = block((4, 4)), np.full((4, 4), IGNORED, np.uint8)
    assert overlap_scores(everything, nothing, Labelling.exclusive(["a"])) == ({"a": None}, {"a": None})
    assert hausdorff_scores(everything, nothing, ("a",), (1, 1)) == {"a": None}


# -- false positives --------------------------------------------------------------------------------------


def test_false_positives_are_the_voxels_of_a_class_that_is_not_there():
    reference = block((4, 4), slice(0, 2))
    prediction = block((4, 4), slice(1, 3), index=2)
    labelling = Labelling.exclusive(["organ", "lesion", "vessel"])
    scores, false = overlap_scores(prediction, reference, labelling)
    assert scores == {"organ": 0.0, "lesion": None, "vessel": None}
    assert false == {"organ": None, "lesion": 8.0, "vessel": 0.0}


@given(labels(classes=3))
def test_every_pair_of_case_and_class_has_either_a_dice_or_false_positives(pair: tuple[np.ndarray, np.ndarray]):
    for labelling in (BRATS, Labelling.exclusive(["a", "b", "c"])):
        scores, false = overlap_scores(*pair, labelling)
        assert all((scores[name] is None) != (false[name] is None) for name in labelling.classes)


@given(labels(classes=3))
def test_counts_are_of_pairs_of_indices(pair: tuple[np.ndarray, np.ndarray]):
    prediction, reference = pair
    counts = joint_counts(prediction, reference)
    assert counts.sum() == prediction.size
    for there in range(4):
        for found in range(4):
            assert counts[there, found] == ((reference == there) & (prediction == found)).sum()


def test_a_volume_is_counted_in_parts():
    reference = (np.arange(130 * 100 * 90) % 254).astype(np.uint8).reshape(130, 100, 90)
    counts = joint_counts(reference[::-1], reference[::-1])
    assert counts.sum() == counts.trace() == reference.size


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


@given(labels(classes=3), st.tuples(*[st.floats(0.3, 5)] * 3))
def test_distances_are_those_of_monai_on_the_whole_image(
    pair: tuple[np.ndarray, np.ndarray], spacings: tuple[float, ...]
):
    prediction, reference = pair
    spacing = list(spacings[: prediction.ndim])
    for labelling in (BRATS, Labelling.exclusive(["a", "b", "c"])):
        planes = [np.stack([np.isin(label, m) for m in labelling.members])[None].astype(float) for label in pair]
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            expected = compute_hausdorff_distance(*planes, include_background=True, percentile=95, spacing=spacing)[0]
        scores = hausdorff_scores(prediction, reference, labelling, spacing)
        for value, wanted in zip(scores.values(), expected.tolist(), strict=True):
            assert math.isnan(wanted) if value is None else value == pytest.approx(wanted, rel=1e-4, abs=1e-5)


def test_what_lies_in_ignored_voxels_has_no_distance():
    reference = block((10, 10), slice(0, 3), slice(0, 3))
    reference[5:] = IGNORED
    prediction = block((10, 10), slice(0, 3), slice(0, 3))
    prediction[9, 9] = 1
    assert hausdorff_scores(prediction, reference, ("a",), (1, 1)) == {"a": 0.0}
    prediction[:5] = 0
    assert hausdorff_scores(prediction, reference, ("a",), (1, 1)) == {"a": None}


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


def test_false_positives_are_the_share_of_pairs_without_the_class_in_which_it_is_predicted():
    cases: CaseScores = {
        "case0": {"organ": 0.8, "lesion": 0.2},
        "case1": {"organ": 0.6, "lesion": None},
        "case2": {"organ": None, "lesion": None},
    }
    false: CaseScores = {
        "case0": {"organ": None, "lesion": None},
        "case1": {"organ": None, "lesion": 12.0},
        "case2": {"organ": 0.0, "lesion": 0.0},
    }
    assert overlap_metrics(cases, false) == {
        "dice": pytest.approx(0.45),
        "dice/organ": pytest.approx(0.7),
        "dice/lesion": pytest.approx(0.2),
        "false_positives": pytest.approx(1 / 3),
        "false_positives/organ": 0.0,
        "false_positives/lesion": 0.5,
    }


def test_where_every_case_has_every_class_there_are_no_false_positives():
    assert overlap_metrics({"case0": {"organ": 0.8}}, {"case0": {"organ": None}}) == {"dice": 0.8, "dice/organ": 0.8}


def test_a_miss_is_counted_beside_the_mean_distance_and_as_the_diagonal_within_it():
    cases: CaseScores = {"case0": {"a": 0.5, "b": 0.0}, "case1": {"a": 0.5, "b": None}, "case2": {"a": 0.0, "b": 0.0}}
    distances: CaseScores = {
        "case0": {"a": 2.0, "b": None},
        "case1": {"a": 4.0, "b": None},
        "case2": {"a": None, "b": 6.0},
    }
    diagonals = {"case0": 10.0, "case1": 20.0, "case2": 30.0}
    assert distance_metrics(cases, distances, diagonals) == {
        "hd95": pytest.approx((3 + 6) / 2),
        "hd95/a": pytest.approx(3),
        "hd95/b": pytest.approx(6),
        "hd95_count": 3.0,
        "hd95_missed": 2.0,
        "hd95_with_misses": pytest.approx((12 + 8) / 2),
    }


def test_a_network_that_finds_nothing_has_misses_and_no_distance():
    metrics = distance_metrics({"case0": {"a": 0.0}}, {"case0": {"a": None}}, {"case0": 5.0})
    assert metrics == {"hd95_count": 0.0, "hd95_missed": 1.0, "hd95_with_misses": 5.0}


def test_no_distance_within_an_image_is_larger_than_its_diagonal():
    assert diagonal((3, 4), (1, 1)) == 5
    assert diagonal((3, 4, 2), (2, 1, 5)) == pytest.approx(math.hypot(6, 4, 10))
