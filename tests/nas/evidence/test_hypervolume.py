from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nas.evidence.hypervolume import Box, Steps

BOX = Box(1000, 100_000)
points = st.lists(st.tuples(st.floats(0, 1), st.floats(0, 1)), max_size=12)


@pytest.mark.parametrize(("params", "place"), [(1000, 0), (10, 0), (10_000, 0.5), (100_000, 1), (10**7, 2)])
def test_parameters_count_by_their_logarithm_from_the_lower_end_on(params, place):
    assert BOX.place(params) == pytest.approx(place)


def test_the_area_is_that_under_the_steps():
    assert Steps([]).area() == 0
    assert Steps([(0.25, 0.4), (0.5, 0.8), (0.75, 0.6), (1.5, 1.0)]).area() == pytest.approx(0.25 * 0.4 + 0.5 * 0.8)


@given(points, points.filter(bool))
def test_a_gain_is_what_the_area_grows_by(front, others):
    steps = Steps(front)
    gains = steps.gains(np.array([place for place, _ in others]), np.array([score for _, score in others]))
    grown = [steps.with_point(*other).area() - steps.area() for other in others]
    assert gains == pytest.approx(grown, abs=1e-12)
    assert [Steps([*front, other]).area() - steps.area() for other in others] == pytest.approx(grown, abs=1e-12)
