"""Sizes worked out without torch are torch's."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from search_spaces.pricing.sizes import broadcast

SIZES = st.sets(st.lists(st.sampled_from([0, 1, 2, 3]), max_size=4).map(tuple), min_size=1, max_size=3)


@given(SIZES)
def test_sizes_are_broadcast_as_torch_does(sizes: set[tuple[int, ...]]) -> None:
    try:
        expected = tuple(torch.broadcast_shapes(*sizes))
    except RuntimeError:
        with pytest.raises(ValueError, match="expected sizes that can be broadcast"):
            broadcast(sizes)
    else:
        assert tuple(broadcast(sizes)) == expected
