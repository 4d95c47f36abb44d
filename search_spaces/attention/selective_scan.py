"""The selective scan of a state space whose steps follow from the input. Gu, Dao: Mamba, 2023,
https://arxiv.org/abs/2312.00752

h_t = exp(delta_t A) h_(t-1) + delta_t B_t u_t,  y_t = C_t h_t

A step is an affine map of the state, and maps of neighbours are joined pair by pair: twice the work of one step after
the other, in as many turns as the logarithm of the length. The states take many times the memory of the sequence, so
they are made of a stretch at a time and never kept: the way back makes those of a stretch again, from its first.

Sequences are ``(length, batch, groups, width)``; states have one axis more, before the last.
"""

from __future__ import annotations

import contextlib
import math
from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from search_spaces.exporting import exporting, fill, rounded_up

STRETCH = {"cpu": 2**18}  # values of the states of a stretch, as the processor's cache holds them
LARGEST = 2**26  # elsewhere
BLOCK, LEVELS = 64, 4  # an export scans blocks, then blocks of blocks ...: lengths of up to BLOCK ** LEVELS


def selective_scan(u: Tensor, delta: Tensor, rates: Tensor, inward: Tensor, outward: Tensor) -> Tensor:
    """``y``, in the shape of ``u``; in single precision at least.

    Args:
        u: what goes in, ``(length, batch, groups, width)``.
        delta: lengths of the steps, positive, as ``u``.
        rates: A, negative, ``(groups, states, width)``.
        inward: B, ``(length, batch, groups, states)``.
        outward: C, as ``inward``.
    """
    parts = (u, delta, rates, inward, outward)  # laid out in order, as then are all that is made of them
    given = [part.to(torch.promote_types(part.dtype, torch.float32)).contiguous() for part in parts]
    with contextlib.nullcontext() if u.is_meta else torch.autocast(u.device.type, enabled=False):
        if exporting():
            return _exported(*given)
        if torch.is_grad_enabled() and any(part.requires_grad for part in given):
            return _SelectiveScan.apply(*given)
        return _scanned(*given)[0]


class _SelectiveScan(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, *given: Tensor) -> Tensor:
        y, first = _scanned(*given)
        ctx.save_for_backward(*given, first)
        return y

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> Any:
        *given, first = ctx.saved_tensors
        return _returned(gradients[0], first, *given)


def _scanned(u: Tensor, delta: Tensor, rates: Tensor, inward: Tensor, outward: Tensor) -> tuple[Tensor, Tensor]:
    """The result, and the state before each stretch."""
    _, batch, groups, width = u.shape
    stretches = list(_stretches(u, rates))
    first = u.new_zeros(len(stretches), batch, groups, rates.shape[1], width)
    if u.is_meta:  # shapes and costs: of all that is done to states the reading counts, a product of matrices
        states = u.new_empty(*u.shape[:3], rates.shape[1], width)
        return (outward.unsqueeze(-2) @ states).squeeze(-2), first
    y = torch.empty_like(u)
    for index, part in enumerate(stretches):
        decay, states = _steps(u[part], delta[part], rates, inward[part])
        states[0].addcmul_(decay[0], first[index])
        scan_(decay, states)
        if index + 1 < len(stretches):
            first[index + 1] = states[-1]
        y[part] = _read(outward[part], states)
    return y, first


def _returned(
    gradient: Tensor, first: Tensor, u: Tensor, delta: Tensor, rates: Tensor, inward: Tensor, outward: Tensor
) -> tuple[Tensor, ...]:
    """Gradients of all that ``selective_scan`` is given."""
    found = [torch.empty_like(u), torch.empty_like(u), torch.zeros_like(rates)]
    found += [torch.empty_like(inward), torch.empty_like(outward)]
    after = torch.zeros_like(first[0])
    stretches = list(_stretches(u, rates))
    for index in reversed(range(len(stretches))):
        part = stretches[index]
        step, entered = delta[part], u[part]
        decay, states = _steps(entered, step, rates, inward[part])
        states[0].addcmul_(decay[0], first[index])
        scan_(decay, states)
        found[4][part] = (states * gradient[part].unsqueeze(-2)).sum(-1)
        back = outward[part].unsqueeze(-1) * gradient[part].unsqueeze(-2)  # of the states, each with all later ones
        back[-1] += after
        scan_back_(decay[1:], back)
        found[3][part] = (back * (step * entered).unsqueeze(-2)).sum(-1)
        by_entered = _read(inward[part], back)
        back *= decay
        after = back[0].clone()
        back[1:] *= states[:-1]
        back[0] *= first[index]  # now of the exponents
        found[2] += (back * step.unsqueeze(-2)).sum((0, 1))
        back *= rates
        found[1][part] = back.sum(-2).addcmul_(by_entered, entered)
        found[0][part] = by_entered.mul_(step)
    return tuple(found)


def _stretches(u: Tensor, rates: Tensor) -> Iterator[slice]:
    most = STRETCH.get(u.device.type, LARGEST)
    length = max(most // (u.shape[1] * rates.numel()), 1)
    return (slice(start, start + length) for start in range(0, u.shape[0], length))


def _steps(u: Tensor, delta: Tensor, rates: Tensor, inward: Tensor) -> tuple[Tensor, Tensor]:
    """What each step keeps of the state before it, and what it adds."""
    return (delta.unsqueeze(-2) * rates).exp_(), inward.unsqueeze(-1) * (delta * u).unsqueeze(-2)


def _read(weights: Tensor, states: Tensor) -> Tensor:
    """``(..., states)`` and ``(..., states, width)`` to ``(..., width)``; products of so small matrices are slower."""
    return (weights.unsqueeze(-1) * states).sum(-2)


def scan_(decay: Tensor, states: Tensor) -> None:
    """``states[t] += decay[t] * states[t - 1]``, from the first to the last, in place."""
    if states.shape[0] < 2:
        return
    whole = states.shape[0] // 2 * 2
    second, keeps = states[1::2], decay[1::2]
    second.addcmul_(keeps, states[:whole:2])
    scan_(keeps * decay[:whole:2], second)
    rest = states[2::2]
    rest.addcmul_(decay[2::2], second[: rest.shape[0]])


def scan_back_(decay: Tensor, states: Tensor) -> None:
    """``states[t] += decay[t] * states[t + 1]``, from the last but one to the first, in place."""
    length = states.shape[0]
    if length < 2:
        return
    odd = length % 2
    first, keeps = states[odd:-1:2], decay[odd : length - 1 : 2]
    first.addcmul_(keeps, states[odd + 1 :: 2])
    scan_back_(keeps[:-1] * decay[odd + 1 : length - 1 : 2], first)
    rest = states[1 - odd : -2 : 2]
    rest.addcmul_(decay[1 - odd : length - 2 : 2], first[first.shape[0] - rest.shape[0] :])


def _exported(u: Tensor, delta: Tensor, rates: Tensor, inward: Tensor, outward: Tensor) -> Tensor:
    """The same for every length, in a number of turns that does not depend on it; the length comes last."""
    decay = (delta.unsqueeze(-2) * rates).exp()
    added = inward.unsqueeze(-1) * (delta * u).unsqueeze(-2)
    decay, added = (part.flatten(1).transpose(0, 1).unsqueeze(0) for part in (decay, added))
    states = _block_scan(decay, added, LEVELS).squeeze(0).transpose(0, 1)
    return _read(outward, states.reshape(*u.shape[:3], *rates.shape[1:]))


def _block_scan(decay: Tensor, states: Tensor, levels: int) -> Tensor:
    """``(1, lines, length)``: scans inside of blocks, then of their last states, which all of the next take in."""
    length = states.shape[2]
    count = rounded_up(length, BLOCK)
    decay, states = (
        fill(part, [count * BLOCK - length]).reshape(1, part.shape[1], count, BLOCK) for part in (decay, states)
    )
    for turn in range(int(math.log2(BLOCK))):
        before, reach = BLOCK - 2**turn, (2**turn, 0)
        states = states + decay * F.pad(states[..., :before], reach)
        decay = decay * F.pad(decay[..., :before], reach, value=1.0)
    if levels > 1:
        last = _block_scan(decay[..., -1], states[..., -1], levels - 1)
        states = states + decay * F.pad(last, (1, -1)).unsqueeze(3)
    return fill(states.flatten(2), [length - count * BLOCK])
