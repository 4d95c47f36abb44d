from __future__ import annotations

import itertools

import numpy as np
import pytest
import torch
from torch import nn

from search_spaces.errors import InputError
from search_spaces.stages.aggregation import STEPS, Aggregation, AggregationStage
from tests.search_spaces.attention import naive
from tests.search_spaces.attention.naive import Array, attention

SIZE = {2: (3, 4), 3: (3, 2, 1)}
every_step = pytest.mark.parametrize(("step", "dims"), list(itertools.product(STEPS, SIZE)))


def doubled(x: Array, module: nn.Module, name: str) -> Array:
    """Each position spreads its values over three by three; what reaches beyond twice the size is dropped."""
    kernel = naive.weight(module, f"{name}.weight")
    y: Array = np.zeros((x.shape[0], kernel.shape[1], *(2 * n for n in x.shape[2:])))
    for p in naive.positions(x):
        for tap in np.ndindex(*kernel.shape[2:]):
            target = tuple(2 * i + t for i, t in zip(p, tap, strict=True))
            if all(i < n for i, n in zip(target, y.shape[2:], strict=True)):
                y[(..., *target)] += np.einsum("co,bc->bo", kernel[(..., *tap)], x[(..., *p)])
    return y


def halved(x: Array, module: nn.Module, name: str) -> Array:
    """Every second value of a convolution that keeps the size: the odd positions of even axes, else the even ones."""
    ones = [1] * (x.ndim - 2)
    y = naive.convolution(x, naive.weight(module, f"{name}.weight"), ones, ones)
    return y[(..., *(slice(1 - n % 2, None, 2) for n in x.shape[2:]))]


def resampled(x: Array, module: nn.Module, name: str, step: str) -> Array:
    y = {"same": naive.linear, "down": halved, "up": doubled}[step](x, module, name)
    bias = module.state_dict().get(f"{name}.bias")
    if bias is not None and step != "same":
        y = y + naive.weight(module, f"{name}.bias").reshape(1, -1, *[1] * (x.ndim - 2))
    return y


def aggregated(x: Array, module: nn.Module, prefix: str, step: str, heads: int) -> Array:
    query = resampled(x, module, f"{prefix}query.layer", step)
    key, value = (naive.linear(x, module, f"{prefix}{name}") for name in ("key", "value"))
    return naive.linear(attention(query, key, value, heads), module, f"{prefix}project")


def like(x: torch.Tensor, step: str) -> torch.Tensor | None:
    return x.new_empty(1, 1, *(2 * n for n in x.shape[2:])) if step == "up" else None


@every_step
def test_an_aggregation_block_is_its_equation(step: str, dims: int) -> None:
    torch.manual_seed(0)
    module = Aggregation(3, 5, dims=dims, step=step, heads=2, width=4, value_width=6).double()
    x = torch.randn(2, 3, *SIZE[dims], dtype=torch.float64)
    expected = aggregated(x.numpy(), module, "", step, 2)
    np.testing.assert_allclose(module(x, like(x, step)).detach().numpy(), expected, atol=1e-12)


@every_step
def test_an_aggregation_stage_adds_the_shorter_way(step: str, dims: int) -> None:
    torch.manual_seed(0)
    module = AggregationStage(4, 4, dims=dims, step=step, heads=2).double().eval()
    assert isinstance(module.norm.running_mean, torch.Tensor)
    nn.init.uniform_(module.norm.running_mean)
    x = 8 * torch.randn(2, 4, *SIZE[dims], dtype=torch.float64)
    t = np.clip(naive.batch_norm(x.numpy(), module, "norm"), 0, 6)
    assert (t == 6).any()
    shorter = x.numpy() if step == "same" else resampled(t, module, "shortcut.layer", step)
    expected = shorter + aggregated(t, module, "aggregation.", step, 2)
    np.testing.assert_allclose(module(x, like(x, step)).detach().numpy(), expected, atol=1e-11)


def test_halving_rounds_up_and_doubling_takes_the_size_asked_for() -> None:
    for size in ((1, 1), (5, 8), (7, 2)):
        down = Aggregation(2, 2, dims=2, step="down")(torch.randn(1, 2, *size))
        assert down.shape[2:] == tuple(-(-n // 2) for n in size)
        up = Aggregation(2, 2, dims=2, step="up")(down, torch.empty(1, 1, *size))
        assert up.shape[2:] == size


def test_heads_that_do_not_divide_the_width_and_unknown_steps_are_refused() -> None:
    with pytest.raises(InputError, match="aggregation heads: expected widths that 2 divides; got 3 and 3"):
        Aggregation(4, 3, dims=2, heads=2)
    with pytest.raises(InputError, match="aggregation step"):
        Aggregation(4, 4, dims=2, step="sideways")
