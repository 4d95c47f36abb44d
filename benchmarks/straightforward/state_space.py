"""The selective scan one position after the other, with what each step does to the state in memory for all of them."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F


def ss2d(module: Any, x: Tensor) -> Tensor:
    layer = module.layer
    u, z = layer.expand(module.norm(x)).chunk(2, dim=1)
    scanned = _cross_scan(layer.scan, F.silu(layer.spread(u)))
    return x + layer.project(layer.norm(scanned) * F.silu(z))


def _cross_scan(scan: Any, x: Tensor) -> Tensor:
    """All directions are stacked, scanned, turned back and summed, as in the authors' code."""
    axes = range(x.dim() - 1, 1, -1)
    lines = [x.movedim(axis, -1).flatten(2) for axis in axes]
    u = torch.stack([*lines, *(line.flip(2) for line in lines)], dim=1)  # (batch, directions, width, length)
    steps, inward, outward = torch.einsum("bkdl,kcd->bkcl", u, scan.project).split(scan.parts, dim=2)
    delta = F.softplus(torch.einsum("bkrl,kdr->bkdl", steps, scan.step_weight) + scan.step_bias.unsqueeze(2))
    scanned = selective_scan(u, delta, -scan.log_rates.exp(), inward, outward) + scan.passing.unsqueeze(2) * u
    there, back = scanned.chunk(2, dim=1)
    y = torch.zeros_like(x)
    for line, axis in zip((there + back.flip(3)).unbind(1), axes, strict=True):
        y = y + line.reshape(x.movedim(axis, -1).shape).movedim(-1, axis)
    return y


def selective_scan(u: Tensor, delta: Tensor, rates: Tensor, inward: Tensor, outward: Tensor) -> Tensor:
    """As the authors' reference. ``u``, ``delta``: ``(batch, directions, width, length)``, with states for the width
    in ``inward`` and ``outward``; ``rates``: ``(directions, width, states)``."""
    decay = torch.exp(torch.einsum("bkdl,kdn->lbkdn", delta, rates))
    added = torch.einsum("bkdl,bknl->lbkdn", delta * u, inward)
    state, found = torch.zeros_like(added[0]), []
    for kept, new, read in zip(decay, added, outward.movedim(3, 0), strict=True):
        state = kept * state + new
        found.append(torch.einsum("bkdn,bkn->bkd", state, read))
    return torch.stack(found, dim=3)


FORMS = {"ss2d": ss2d}
