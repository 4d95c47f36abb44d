"""Vectors of a fixed length that tell architectures apart."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from search_spaces import Architecture, InputError, Placement, load_space
from search_spaces.space.encoding import Encoding

CHOICES = {"mechanisms": ["se", "cbam", "attention_gate"], "series": 2}
SIZES = {"depth": [2, 3], "width": [4, 16], "block": ["plain", "residual"]}
HOSTS = {"unet": {"depth": [2, 3]}, "dual_path": {"depth": 2, "width": [4, 8]}}
SPACES = {
    "one host": load_space({"options": SIZES, **CHOICES}, 2),
    "two hosts": load_space({"hosts": HOSTS, **CHOICES}, 3),
    "tied": load_space({"options": {"depth": [2, 3]}, "tied": ["skip.*", "decoder.*"], **CHOICES}, 2),
}
every_space = pytest.mark.parametrize("space", SPACES.values(), ids=SPACES)
seeds = st.integers(0, 2**32 - 1)


@every_space
@given(a=seeds, b=seeds)
def test_vectors_are_equal_where_the_architectures_are_and_only_there(space, a: int, b: int) -> None:
    encode = Encoding(space)
    one, two = (space.sample(np.random.default_rng(seed)) for seed in (a, b))
    vectors = encode(one), encode(two)
    assert all(vector.shape == (len(encode),) for vector in vectors)
    assert all(((vector >= 0) & (vector <= 1)).all() for vector in vectors)
    assert np.array_equal(*vectors) == (one == two)


def test_features_have_names_and_the_values_that_they_say() -> None:
    encode = Encoding(SPACES["one host"])
    options = {"depth": 3, "width": 16, "block": "residual"}
    placed = {"skip.1": Placement("cbam", (("reduction", 16), ("kernel", 3)))}
    found = dict(zip(encode.features, encode(Architecture.create("unet", 2, options, placed)), strict=True))
    assert found["depth"] == found["width"] == found["block=residual"] == found["skip.1/mechanism=cbam"] == 1
    assert found["block=plain"] == found["skip.1/mechanism=se"] == found["skip.0/mechanism=cbam"] == 0
    assert found["skip.1/cbam/kernel"] == 0.5
    assert found["skip.0/cbam/kernel"] == 0, "it plays no part"


def test_what_is_not_in_the_space_is_refused() -> None:
    with pytest.raises(InputError, match="'width' = 5"):
        Encoding(SPACES["one host"])(Architecture.create("unet", 2, {"depth": 2, "width": 5}))
