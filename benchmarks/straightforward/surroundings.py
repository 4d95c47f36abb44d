"""Sums over the surroundings of each position, which are unfolded: a copy of the map for each offset."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F


def unfolded(x: Tensor, sides: Sequence[int]) -> Tensor:
    """``(batch, channels, *spatial)`` to ``(batch, channels, offsets, positions)``, zeros outside."""
    dims, positions = x.dim() - 2, x[0, 0].numel()
    x = F.pad(x, [side // 2 for side in reversed(sides) for _ in range(2)])
    for axis, side in enumerate(sides, start=2):
        x = x.unfold(axis, side, 1)
    return x.flatten(2 + dims).movedim(-1, 2).reshape(*x.shape[:2], -1, positions)


def local(module: Any, x: Tensor) -> Tensor:
    dims, kernel, width = x.dim() - 2, module.kernel, x.shape[1] // module.heads
    query = module.query(x).reshape(len(x), module.heads, width, 1, -1)
    key, value = (
        unfolded(part(x), [kernel] * dims).unflatten(1, (module.heads, width)) for part in (module.key, module.value)
    )
    tables = [
        table.reshape(len(table), *(kernel if other == axis else 1 for other in range(dims)))
        for axis, table in enumerate(module.relative)
    ]
    relative = torch.cat([table.expand(-1, *[kernel] * dims) for table in tables]).reshape(width, -1, 1)
    outside = unfolded(torch.ones_like(x[:1, :1]), [kernel] * dims) == 0
    scores = (query * (key + relative)).sum(2).masked_fill(outside, float("-inf"))
    y = (torch.softmax(scores, dim=2).unsqueeze(2) * value).sum(3)
    return x + y.reshape(x.shape)


def cot(module: Any, x: Tensor) -> Tensor:
    context = module.context(x)
    weights = module.weigh(torch.cat([x, context], dim=1)).flatten(2).unflatten(1, (module.maps, -1))
    values = unfolded(module.value(x), module.sides).unflatten(1, (-1, module.maps))
    around = module.norm((weights.unsqueeze(1) * values).sum(3).reshape(x.shape))
    both = torch.stack([around, context], dim=2)
    scores = module.select(both.sum(2).flatten(2).mean(2).reshape(*x.shape[:2], *[1] * (x.dim() - 2)))
    return (both * torch.softmax(scores.unflatten(1, (-1, 2)), dim=2)).sum(2)


FORMS = {"local": local, "cot": cot}
