"""Lengths in forms for exports are what plain arithmetic gives."""

from __future__ import annotations

import math

import pytest
import torch
from torch import nn

from search_spaces.attention.pooling import mean_by_weights
from search_spaces.exporting import at_least, exporting, fill, lack, rounded_up, smaller
from search_spaces.layers import crop


def test_lengths_are_rounded_up_and_filled_up() -> None:
    for length in range(1, 20):
        for by in range(1, 9):
            assert rounded_up(length, by) == math.ceil(length / by)
            assert lack(length, by) in range(by)
            assert (length + lack(length, by)) % by == 0
            assert smaller(length, by) == min(length, by)


def test_axes_shorter_than_a_side_are_filled_at_the_far_end() -> None:
    x = torch.ones(1, 2, 1, 5)
    assert at_least(x, (1, 5)) is x
    filled = at_least(x, (3, 2), -1.0)
    assert filled.shape == (1, 2, 3, 5)
    assert torch.equal(filled[:, :, :1], x)
    assert (filled[:, :, 1:] == -1).all()


@pytest.mark.parametrize("size", [(5, 7), (4, 8), (1, 1)])
def test_a_crop_is_the_same_in_an_export(size: tuple[int, int], monkeypatch: pytest.MonkeyPatch) -> None:
    x, like = torch.randn(2, 3, 6, 8), torch.empty(2, 1, *size)
    cut = crop(x, like)
    assert torch.equal(cut, x[:, :, : size[0], : size[1]])
    monkeypatch.setattr(torch.compiler, "is_exporting", lambda: True)
    assert torch.equal(crop(x, like), cut)
    assert torch.equal(fill(x, (0, 0)), x)


@pytest.mark.parametrize("size", [(1, 1), (3, 6), (7, 7), (8, 20)])
def test_means_by_weights_are_those_of_adaptive_pooling(size: tuple[int, int]) -> None:
    for given in [(1, 1), (5, 7), (12, 20), (7, 8)]:
        x = torch.randn(2, 3, *given, dtype=torch.float64)
        torch.testing.assert_close(mean_by_weights(x, size), nn.functional.adaptive_avg_pool2d(x, size))


@pytest.mark.filterwarnings("ignore:`torch.jit:DeprecationWarning")
def test_a_network_is_told_when_it_is_written_down() -> None:
    class Asking(nn.Module):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return x + 1 if exporting() else x

    x = torch.zeros(2, 2)
    assert torch.equal(Asking()(x), x)
    assert torch.equal(torch.export.export(Asking(), (x,)).module()(x), x + 1)
    assert torch.equal(torch.jit.trace(Asking(), x, check_trace=False)(x), x + 1)
