"""Interaction-aggregation some rows at a time."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from search_spaces.attention import interaction
from search_spaces.attention.interaction import InteractionAggregation


def result_and_gradient(module: nn.Module) -> tuple[Tensor, Tensor]:
    x = torch.randn(2, 4, 5, 6, dtype=torch.float64, generator=torch.Generator().manual_seed(0)).requires_grad_()
    y = module(x)
    y.square().sum().backward()
    assert x.grad is not None
    return y.detach(), x.grad


def test_some_rows_at_a_time_give_what_all_at_once_give(monkeypatch: pytest.MonkeyPatch) -> None:
    module = InteractionAggregation(4, dims=2).double().eval()
    for parameter in module.parameters():
        nn.init.ones_(parameter)
    whole = result_and_gradient(module)
    monkeypatch.setattr(interaction, "ROWS", 7)
    torch.testing.assert_close(result_and_gradient(module), whole)
