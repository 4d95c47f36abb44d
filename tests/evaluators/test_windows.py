"""Windows over an image: where MONAI has them, and put together as soon as they can be."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from monai.data.utils import compute_importance_map, dense_patch_slices
from torch import Tensor

from evaluators.windows import Windows, brought_to

sizes_and_patches = st.integers(1, 3).flatmap(
    lambda dims: st.tuples(*[st.tuples(*[st.integers(1, 40)] * dims), st.tuples(*[st.integers(1, 17)] * dims)])
)


@given(sizes_and_patches)
def test_windows_are_where_monai_has_them(given_: tuple[tuple[int, ...], tuple[int, ...]]):
    size, patch = given_
    windows = Windows.over(size, patch)
    steps = [n if w == n else max(w // 2, 1) for w, n in zip(windows.window, size, strict=True)]
    expected = dense_patch_slices(size, windows.window, steps)

    places = list(windows)

    assert len(windows) == len(places)
    assert sorted(tuple((s.start, s.stop) for s in place) for place in places) == sorted(
        tuple((int(s.start), int(s.stop)) for s in place) for place in expected
    )


@given(sizes_and_patches)
def test_windows_come_in_order_along_the_axis_where_one_is_the_least_part(
    given_: tuple[tuple[int, ...], tuple[int, ...]],
):
    size, patch = given_
    windows = Windows.over(size, patch)
    shares = [part / length for part, length in zip(windows.window, size, strict=True)]
    assert shares[windows.axis] == min(shares)
    assert all(a[windows.axis].start <= b[windows.axis].start for a, b in pairwise(windows))


@pytest.mark.parametrize("window", [(8, 8), (7, 16), (1, 9, 5), (16, 16, 16), (4, 40, 3)])
def test_weights_are_those_of_monai(window: tuple[int, ...]):
    weights = Windows(window, window, 0).weights()
    assert torch.allclose(weights, compute_importance_map(window, mode="gaussian"), rtol=1e-5, atol=0)


@given(sizes_and_patches, st.integers(1, 3))
def test_windows_that_say_what_the_image_holds_are_put_together_to_the_image(
    given_: tuple[tuple[int, ...], tuple[int, ...]], outputs: int
):
    size, patch = given_
    image = torch.from_numpy(np.random.default_rng(0).normal(size=(outputs, *size)).astype(np.float32))
    for axis in range(len(size)):
        windows = Windows.over(size, patch, axis)
        parts = (image[(slice(None), *place)] for place in windows)
        blocks = [block.clone() for block in windows.put_together(parts)]
        assert torch.allclose(torch.cat(blocks, 1).movedim(1, axis + 1), image, atol=1e-5)


@pytest.mark.parametrize("count", [1, 2, 3, 5])
def test_a_patch_of_one_voxel_is_a_slice_however_few_there_are(count: int):
    windows = Windows.over((count, 6, 7), (1, 6, 7), 0)
    assert [place[0].stop - place[0].start for place in windows] == [1] * count


def test_a_plane_comes_as_soon_as_no_window_is_left_for_it():
    windows = Windows.over((40, 6), (8, 6))
    asked = 0

    def parts() -> Tensor:
        nonlocal asked
        for _ in windows:
            asked += 1
            yield torch.zeros(1, 8, 6)

    seen = [(asked, block.shape[1]) for block in windows.put_together(parts())]
    assert seen == [(asked, 4) for asked in range(2, 10)] + [(9, 8)]


matrices = st.tuples(st.integers(1, 12), st.integers(1, 12), st.integers(0, 3)).map(
    lambda drawn: band_matrix(*drawn),
)


def band_matrix(old: int, new: int, width: int) -> Tensor:
    """Each new plane from the old ones about its place."""
    middle = (torch.arange(new) + 0.5) * old / new - 0.5
    distance = (middle[:, None] - torch.arange(old)).abs()
    return torch.where(distance <= width + 0.5, 1 / (1 + distance), torch.zeros(()))


@given(matrices, st.data())
def test_blocks_of_planes_are_brought_to_others_however_they_are_cut(matrix: Tensor, data: st.DataObject):
    new, old = matrix.shape
    planes = torch.from_numpy(np.random.default_rng(0).normal(size=(2, old, 3)).astype(np.float32))
    cuts = sorted(data.draw(st.sets(st.integers(1, old - 1)))) if old > 1 else []
    blocks = [planes[:, start:stop] for start, stop in pairwise([0, *cuts, old])]

    brought = torch.cat(list(brought_to(blocks, matrix)), 1)

    assert brought.shape == (2, new, 3)
    assert torch.allclose(brought, torch.einsum("no,cop->cnp", matrix, planes), atol=1e-5)
