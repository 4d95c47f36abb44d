"""Positions of the transformer at the bottleneck."""

from __future__ import annotations

import torch
from torch import nn

from search_spaces.attention.positions import sine_positions
from search_spaces.stages.transformer import GRID, Transformer


def embedded(position: str) -> Transformer:
    """Without its blocks: tokens as they enter them."""
    module = Transformer(3, 8, dims=2, layers=1, heads=2, ratio=2, position=position)
    module.layers = nn.Sequential()
    return module


def test_learned_positions_of_the_grid_s_size_are_added_as_they_are() -> None:
    module = embedded("learned")
    x = torch.randn(2, 3, *GRID[2])
    torch.testing.assert_close(module(x), module.embed(x) + module.positions)


def test_learned_positions_keep_their_corners_at_any_size() -> None:
    module = embedded("learned")
    x = torch.randn(1, 3, 5, 9)
    added = module(x) - module.embed(x)
    assert module.positions is not None
    torch.testing.assert_close(added[..., ::4, ::8], module.positions[..., ::13, ::13])


def test_sines_are_those_of_the_coordinates() -> None:
    module = embedded("sine")
    x = torch.randn(1, 3, 5, 9)
    torch.testing.assert_close(module(x) - module.embed(x), sine_positions(8, (5, 9)).float()[None])


def test_without_positions_a_permutation_of_the_tokens_permutes_the_result() -> None:
    module = Transformer(3, 8, dims=2, layers=2, heads=2, ratio=2, position="none")
    x = torch.randn(1, 3, 4, 6)
    torch.testing.assert_close(module(x.flip(2)), module(x).flip(2))
