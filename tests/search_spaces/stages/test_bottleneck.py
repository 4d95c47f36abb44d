"""The stem of TransUNet: kernels that are standardised, and stages that round sizes up."""

from __future__ import annotations

import torch

from search_spaces.stages.bottleneck import Bottleneck, StandardisedConv, root


def test_a_standardised_kernel_knows_neither_scale_nor_offset() -> None:
    module = StandardisedConv(3, 4, dims=3, kernel=3).double()
    x = torch.randn(2, 3, 4, 5, 6, dtype=torch.float64)
    y = module(x)
    with torch.no_grad():
        module.conv.weight.mul_(100).add_(7)
    torch.testing.assert_close(module(x), y, rtol=1e-2, atol=1e-2)  # the 1e-5 beside the variance shows a little


def test_a_standardised_kernel_gives_nothing_on_a_constant() -> None:
    y = StandardisedConv(3, 4, dims=2, kernel=3)(torch.full((1, 3, 5, 5), 2.0))
    torch.testing.assert_close(y[:, :, 1:-1, 1:-1], torch.zeros(1, 4, 3, 3), rtol=0, atol=1e-4)


def test_halving_rounds_up() -> None:
    x = torch.randn(1, 2, 7, 4)
    y = root(2, 8, dims=2)(x)
    assert y.shape == (1, 8, 4, 2)
    assert Bottleneck(8, 16, dims=2, stride=2)(y).shape == (1, 16, 2, 1)
