"""The distance between architectures is a metric."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from search_spaces import Architecture, Placement, load_space
from search_spaces.architecture.distance import distance

SPACE = load_space(
    {
        "hosts": {"unet": {"depth": [2, 3], "width": [4, 16]}, "dual_path": {"depth": 2, "width": [4, 8]}},
        "mechanisms": ["se", "cbam", "attention_gate"],
        "series": 2,
    },
    2,
)
WIDE = {"depth": 2, "width": 32}
seeds = st.integers(0, 2**32 - 1)


def draw(seed: int) -> Architecture:
    return SPACE.sample(np.random.default_rng(seed))


@given(a=seeds, b=seeds, c=seeds)
def test_it_is_a_metric(a: int, b: int, c: int) -> None:
    one, two, three = draw(a), draw(b), draw(c)
    assert distance(one, one) == 0
    assert distance(one, two) == distance(two, one)
    assert (distance(one, two) == 0) == (one == two)
    assert distance(one, three) <= distance(one, two) + distance(two, three) + 1e-12


@pytest.mark.parametrize(
    ("changed", "expected"),
    [
        ({}, 0.0),
        ({"options": {**WIDE, "block": "residual"}}, 1.0),
        ({"attention": {}}, 1.0),
        ({"attention": {"skip.0": Placement("eca")}}, 1.0),
        ({"attention": {"skip.0": Placement("cbam", (("reduction", 4), ("kernel", 3)))}}, 0.5),
        ({"attention": {"skip.0": [Placement("cbam", (("reduction", 2), ("kernel", 3))), Placement("se")]}}, 1.0),
    ],
)
def test_each_change_counts_as_the_documentation_says(changed: dict, expected: float) -> None:
    base = {"options": WIDE, "attention": {"skip.0": Placement("cbam", (("reduction", 2), ("kernel", 3)))}}
    a, b = (Architecture.create("unet", 2, **form) for form in (base, {**base, **changed}))
    assert distance(a, b) == expected
