"""One orientation inside, and the way back to the file's own."""

import itertools

import nibabel
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from nibabel.orientations import aff2axcodes, axcodes2ornt, ornt_transform

from evaluators.images.placement import Placement, as_stored, towards, upright, with_axes

CODES = ["".join(code) for axes in itertools.permutations(["RL", "AP", "SI"]) for code in itertools.product(*axes)]
SIZE = (4, 5, 6)


def stored_as(code: str) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """An upright volume, the same volume stored as ``code``, and the affine of that."""
    affine = np.array([[0.5, 0, 0, -3], [0, 1, 0, 4], [0, 0, 2, 5], [0, 0, 0, 1]])
    array = np.arange(np.prod(SIZE)).reshape(SIZE)
    turned = nibabel.Nifti1Image(array.astype(np.int32), affine).as_reoriented(
        ornt_transform(axcodes2ornt("RAS"), axcodes2ornt(code))
    )
    return array, np.asarray(turned.dataobj), turned.affine


@pytest.mark.parametrize("code", CODES)
def test_every_orientation_is_turned_upright_and_back(code: str):
    array, stored, affine = stored_as(code)
    assert "".join(aff2axcodes(affine)) == code
    placement = upright(stored.shape, affine)

    assert np.array_equal(placement.apply(stored[None])[0], array)
    assert np.array_equal(placement.restore(array), stored)
    assert placement.of_axes(nibabel.affines.voxel_sizes(affine)) == (0.5, 1.0, 2.0)


@given(st.permutations(range(3)), st.tuples(*[st.booleans()] * 3), st.sampled_from([(3, 4, 1), (1, 4, 5), (3, 1, 1)]))
def test_dropped_axes_come_back(axes: list[int], flipped: tuple[bool, ...], size: tuple[int, ...]):
    array = np.arange(np.prod(size)).reshape(size)
    flat = with_axes(Placement(size, tuple(axes), flipped), 2)
    assert flat is not None

    turned = flat.apply(array[None])

    assert turned.ndim == 3
    assert np.array_equal(flat.restore(turned[0]), array)


def test_an_added_axis_is_taken_away():
    deep = towards((3, 4), "RA", "RAS")
    array = np.arange(12).reshape(3, 4)
    assert deep.apply(array[None]).shape == (1, 3, 4, 1)
    assert np.array_equal(deep.restore(deep.apply(array[None])[0]), array)
    assert deep.of_axes((0.5, 2.0)) == (0.5, 2.0, 1.0)


def test_a_volume_is_no_picture_and_a_line_is_no_volume():
    assert with_axes(as_stored((3, 4, 5)), 2) is None
    assert with_axes(as_stored((3,)), 3) is None


@given(st.sampled_from(CODES), st.sampled_from(CODES), st.sampled_from(CODES))
def test_one_turn_after_another_is_the_turn_to_the_last(first: str, second: str, third: str):
    once = towards(SIZE, first, second)
    assert once.then(towards(once.of_axes(SIZE), second, third)) == towards(SIZE, first, third)


@pytest.mark.parametrize(("want", "size"), [("SPL", (1, 4, 5)), ("RAS", (5, 4, 1)), ("LPS", (5, 4, 1))])
def test_a_picture_lacks_the_axis_upwards_wherever_that_is(want: str, size: tuple[int, ...]):
    array = np.arange(20).reshape(4, 5)
    placement = towards((4, 5), "PL", want)
    turned = placement.apply(array[None])[0]
    assert turned.shape == size
    assert np.array_equal(placement.restore(turned), array)


def test_what_does_not_say_how_it_lies_stays_as_it_is():
    flat = np.diag([1.0, 0, 1, 1])
    for affine in (None, flat):
        assert upright(SIZE, affine) == as_stored(SIZE)
