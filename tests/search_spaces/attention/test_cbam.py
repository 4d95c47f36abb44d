"""Convolutional Block Attention Module: the gradient of its maximum."""

from __future__ import annotations

import pytest
import torch

from search_spaces.attention import MECHANISMS
from search_spaces.errors import InputError
from tests.search_spaces.attention.example import build


def test_the_channel_maximum_passes_its_gradient_to_one_of_equal_values() -> None:
    module = build("cbam", 2, options={"spatial": False, "pools": ("max",)})
    x = torch.ones(1, 8, 3, 3, dtype=torch.float64, requires_grad=True)
    (gradient,) = torch.autograd.grad(module(x).sum(), x)
    _, counts = gradient[0, 0].unique(return_counts=True)
    assert sorted(counts.tolist()) == [1, 8]


@pytest.mark.parametrize("kernel", [0, 4, -3])
def test_an_even_kernel_is_refused(kernel):
    with pytest.raises(InputError, match=f"cbam kernel: expected an odd length, got {kernel}"):
        MECHANISMS["cbam"].module(8, dims=2, kernel=kernel)
