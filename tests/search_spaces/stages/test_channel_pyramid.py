"""The channel-wise feature pyramid: its sums, its reach, and its depth-one form."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from search_spaces.layers import BatchNorm
from search_spaces.stages.channel_pyramid import ChannelPyramid


def drawn(channels: int, dims: int) -> ChannelPyramid:
    """In eval mode, with running statistics and slopes unlike one another."""
    torch.manual_seed(0)
    module = ChannelPyramid(channels, dims=dims).double().eval()
    for layer in module.modules():
        if isinstance(layer, BatchNorm):
            nn.init.normal_(layer.running_mean)
            nn.init.uniform_(layer.running_var, 0.5, 2.0)
        if isinstance(layer, nn.PReLU):
            nn.init.uniform_(layer.weight)
    return module


def test_wider_branches_are_added_to_the_sum_of_the_narrower_ones() -> None:
    module, x = drawn(32, 2), torch.randn(1, 32, 7, 9, dtype=torch.float64)
    squeezed = module.squeeze(module.before(x))
    branches = []
    for a, b, c in module.branches:
        first = a(squeezed)
        second = b(first)
        branches.append(torch.cat([first, second, c(second)], dim=1))
    sums = torch.cat([sum(branches[: count + 1]) for count in range(4)], dim=1)
    torch.testing.assert_close(module(x), x + module.join(module.after(sums)))


def test_the_widest_branch_reaches_three_times_its_dilation_beyond_the_squeeze() -> None:
    module, x = drawn(16, 2), torch.randn(1, 16, 1, 121, dtype=torch.float64, requires_grad=True)
    module(x)[0, :, 0, 60].sum().backward()
    (reached,) = torch.nonzero(x.grad.abs().amax((0, 1, 2)), as_tuple=True)
    assert (int(reached.min()), int(reached.max())) == (60 - 3 * 9 - 1, 60 + 3 * 9 + 1)


def test_a_volume_one_slice_deep_is_an_image() -> None:
    flat, deep = drawn(16, 2), drawn(16, 3)
    state = deep.state_dict()
    for key, weight in flat.state_dict().items():
        if weight.dim() == 4:
            centre = state[key].shape[2] // 2
            state[key].zero_()[:, :, centre] = weight
        else:
            state[key].copy_(weight)
    x = torch.randn(2, 16, 5, 8, dtype=torch.float64)
    torch.testing.assert_close(deep(x.unsqueeze(2)).squeeze(2), flat(x))


@pytest.mark.parametrize("channels", [1, 13, 24])
def test_any_number_of_channels_comes_out_as_it_went_in(channels: int) -> None:
    x = torch.randn(1, channels, 3, 4, dtype=torch.float64)
    assert drawn(channels, 2)(x).shape == x.shape
