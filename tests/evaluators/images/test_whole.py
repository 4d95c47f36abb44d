import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from evaluators.images.whole import whole_numbers


@pytest.mark.parametrize("off", [2e-7, -2e-10, 9e-4])
def test_float_noise_is_rounded(off):
    label, notes = whole_numbers(np.array([0, 1 + off, 3 - off]))
    assert label.tolist() == [0, 1, 3]
    assert notes == ()


@given(st.lists(st.integers(0, 60), min_size=1, max_size=20), st.floats(0.005, 0.45))
def test_whole_numbers_under_any_scale_come_back(values, step):
    stored = np.rint(np.array(values) / step)
    label, _ = whole_numbers(stored * step, step)
    if len(set(stored)) == len(set(values)):
        assert label.tolist() == values


@pytest.mark.parametrize(
    ("values", "step"),
    [
        ([0, 0.5, 1], 0.0),  # interpolated
        ([0, 0.25, 0.5, 0.75, 1], 0.25),  # probabilities under a scale
        ([0, 1 / 255, 1], 1 / 255),
        ([0, 1.0000002, 2.5], 0.0),  # all or none
        ([0, np.nan, 1], 0.0),
    ],
)
def test_what_is_no_whole_number_stays(values, step):
    label, notes = whole_numbers(np.array(values), step)
    assert np.array_equal(label, values, equal_nan=True)
    assert notes == ()


def test_integers_are_left_alone():
    label = np.array([0, 3], np.int16)
    assert whole_numbers(label)[0] is label
