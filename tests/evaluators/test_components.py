"""Only the largest part of a class."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from evaluators.components import gains_of_largest, keep_largest
from evaluators.labelling import Labelling

ORGAN = Labelling.exclusive(["organ", "other"])


def square(*corners: tuple[int, int, int], index: int = 1) -> np.ndarray:
    """Squares of (row, column, edge) in a picture of 24 x 24."""
    label = np.zeros((24, 24), np.uint8)
    for row, column, edge in corners:
        label[row : row + edge, column : column + edge] = index
    return label


def test_the_rest_becomes_background_and_other_classes_stay():
    label = square((2, 2, 8), (18, 18, 2)) + square((12, 2, 3), (20, 2, 1), index=2)
    kept = keep_largest(label, [1])
    assert np.array_equal(kept, square((2, 2, 8)) + square((12, 2, 3), (20, 2, 1), index=2))
    assert np.array_equal(keep_largest(label, [1, 2]), square((2, 2, 8)) + square((12, 2, 3), index=2))
    assert label[18, 18] == 1  # what was given is left as it was


def test_parts_that_touch_at_a_corner_are_one():
    label = square((2, 2, 4), (6, 6, 2))
    assert np.array_equal(keep_largest(label, [1]), label)


def test_what_is_not_there_changes_nothing():
    assert not keep_largest(np.zeros((5, 6, 7), np.uint8), [1, 2]).any()


@given(st.integers(0, 200), st.sampled_from([(9, 11), (6, 5, 7)]))
def test_what_is_left_is_one_part_and_none_is_larger(seed: int, size: tuple[int, ...]):
    from scipy.ndimage import generate_binary_structure
    from scipy.ndimage import label as parts_of

    label = (np.random.default_rng(seed).random(size) < 0.2).astype(np.uint8)
    kept = keep_largest(label, [1])
    corners = generate_binary_structure(len(size), len(size))
    assert parts_of(kept, corners)[1] == (1 if label.any() else 0)
    assert kept.sum() == max(np.bincount(parts_of(label, corners)[0].ravel())[1:], default=0)


def test_a_class_that_is_there_once_and_is_predicted_with_specks_gains():
    true = square((2, 2, 8))
    pairs = [(square((2, 2, 8), (18, 18, edge)), true) for edge in (2, 3, 2, 3)]
    gains = gains_of_largest(pairs, ORGAN)
    assert list(gains) == ["organ"]
    assert gains["organ"] == pytest.approx(np.mean([1 - 2 * 64 / (128 + edge**2) for edge in (2, 3, 2, 3)]))


def test_a_class_that_is_there_several_times_is_left_alone():
    true = square((2, 2, 8), (16, 16, 5))
    assert gains_of_largest([(true, true)] * 4, ORGAN) == {}


def test_what_one_case_of_many_gains_is_not_believed():
    true = square((2, 2, 8))
    pairs = [(square((2, 2, 8), (18, 18, 3)), true), *[(true, true)] * 9]
    assert gains_of_largest(pairs, ORGAN) == {}
    assert gains_of_largest(pairs[:1], ORGAN) == {}  # nor one case alone


def test_classes_that_share_voxels_are_left_alone():
    regions = Labelling(("whole", "core"), ((1, 2), (2,)), (0, 1, 2), (1, 2))
    true = square((2, 2, 8))
    assert gains_of_largest([(square((2, 2, 8), (18, 18, 3)), true)] * 4, regions) == {}
