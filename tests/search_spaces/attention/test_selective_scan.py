"""The selective scan in stretches, and as it is exported, is the recurrence one step after the other."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from search_spaces.attention import selective_scan

BATCH, GROUPS, WIDTH, STATES = 2, 2, 3, 4


def given(length: int) -> list[Tensor]:
    generator = torch.Generator().manual_seed(length)

    def drawn(*shape: int) -> Tensor:
        return torch.randn(*shape, generator=generator, dtype=torch.float64)

    sequence = (length, BATCH, GROUPS)
    parts = [drawn(*sequence, WIDTH), drawn(*sequence, WIDTH).exp(), -drawn(GROUPS, STATES, WIDTH).exp()]
    return [part.requires_grad_() for part in (*parts, drawn(*sequence, STATES), drawn(*sequence, STATES))]


def one_after_the_other(u: Tensor, delta: Tensor, rates: Tensor, inward: Tensor, outward: Tensor) -> Tensor:
    state, found = torch.zeros(BATCH, GROUPS, STATES, WIDTH, dtype=u.dtype), []
    for t in range(len(u)):
        added = inward[t].unsqueeze(-1) * (delta[t] * u[t]).unsqueeze(-2)
        state = (delta[t].unsqueeze(-2) * rates).exp() * state + added
        found.append((outward[t].unsqueeze(-1) * state).sum(-2))
    return torch.stack(found)


@pytest.mark.parametrize("length", [1, 2, 5, 8, 23])
@pytest.mark.parametrize("positions", [1, 4, 7, 100])
def test_results_and_gradients_are_those_of_single_steps(
    length: int, positions: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    parts = given(length)
    monkeypatch.setitem(selective_scan.STRETCH, "cpu", positions * BATCH * GROUPS * STATES * WIDTH)
    y, expected = selective_scan.selective_scan(*parts), one_after_the_other(*parts)
    torch.testing.assert_close(y, expected, rtol=1e-10, atol=1e-10)
    cotangent = torch.randn(y.shape, generator=torch.Generator().manual_seed(0), dtype=y.dtype)
    pairs = zip(torch.autograd.grad(y, parts, cotangent), torch.autograd.grad(expected, parts, cotangent), strict=True)
    for gradient, wanted in pairs:
        torch.testing.assert_close(gradient, wanted, rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize("length", [1, 64, 65, 200])
def test_what_is_exported_computes_the_same(length: int, monkeypatch: pytest.MonkeyPatch) -> None:
    parts = given(length)
    expected = one_after_the_other(*parts)
    monkeypatch.setattr(torch.compiler, "is_exporting", lambda: True)
    torch.testing.assert_close(selective_scan.selective_scan(*parts), expected, rtol=1e-10, atol=1e-10)


def test_long_steps_neither_overflow_nor_end_the_gradient() -> None:
    parts = [part.detach().requires_grad_() for part in (p * (50 if i == 1 else 1) for i, p in enumerate(given(40)))]
    y = selective_scan.selective_scan(*parts)
    y.sum().backward()
    assert y.isfinite().all()
    assert all(part.grad is not None and part.grad.isfinite().all() for part in parts)
