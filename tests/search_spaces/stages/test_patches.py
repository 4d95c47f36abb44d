"""Patches in and out: which position of a patch is where among the channels."""

from __future__ import annotations

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from search_spaces.stages.patches import PatchEmbedding, PatchExpanding, PatchMerging


def bare_merging(channels: int, dims: int) -> PatchMerging:
    """Without its norm and its layer: the positions of each patch, joined."""
    module = PatchMerging(channels, 1, dims=dims)
    module.norm = module.reduce = nn.Identity()  # type: ignore[assignment]
    return module


def bare_expanding(channels: int, dims: int) -> PatchExpanding:
    """Without its layer, and with a norm that does nothing: the channels taken apart."""
    module = PatchExpanding(channels, channels // 2**dims, dims=dims)
    module.expand = nn.Identity()  # type: ignore[assignment]
    module.norm.forward = lambda x: x  # type: ignore[method-assign]
    return module


def test_expanding_puts_channels_where_a_pixel_shuffle_does() -> None:
    x = torch.randn(2, 4, 3, 5)
    assert torch.equal(bare_expanding(4, 2)(x), F.pixel_shuffle(x, 2))


@pytest.mark.parametrize("dims", [2, 3])
def test_merging_undoes_expanding(dims: int) -> None:
    x = torch.randn(2, 3 * 2**dims, *(4, 3, 2)[:dims])
    assert torch.equal(bare_merging(3, dims)(bare_expanding(3 * 2**dims, dims)(x)), x)


def test_merging_rounds_odd_sizes_up_with_zeros() -> None:
    x = torch.ones(1, 1, 3, 2)
    assert bare_merging(1, 2)(x).flatten(2).tolist() == [[[1, 1], [1, 1], [1, 0], [1, 0]]]


def test_embedding_rounds_sizes_up_with_zeros() -> None:
    module = PatchEmbedding(1, 2, dims=2, patch=4, norm=False)
    x = torch.randn(1, 1, 5, 8)
    y = module(x)
    assert y.shape == (1, 2, 2, 2)
    torch.testing.assert_close(module(F.pad(x, [0, 0, 0, 3])), y)
