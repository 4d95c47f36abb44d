"""Self-similarity inside of parts of the map, which are cut out: windows, groups, regions that others attend to."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from search_spaces.attention.window import offset_index, region_scores
from straightforward.dense import dense_attention, heads_of, map_of, packed_attention, tokens_of

POOL = {2: F.avg_pool2d, 3: F.avg_pool3d}


def window(module: Any, x: Tensor) -> Tensor:
    y = x.movedim(1, -1)
    for block in module.blocks:
        y = y + _windows(block, block.norm1(y))
        y = y + block.perceptron(block.norm2(y))
    return y.movedim(-1, 1)


def _windows(block: Any, x: Tensor) -> Tensor:
    """As the authors' code: roll, cut into windows, attend with bias and mask, put together, roll back."""
    size, dims, heads = x.shape[1:-1], x.dim() - 2, block.attention.heads
    sides = [min(side, length) for side, length in zip(block.window, size, strict=True)]
    shift = [0 if length <= side else by for side, length, by in zip(block.window, size, block.shift, strict=True)]
    margins = [(0, -length % side) for length, side in zip(size, sides, strict=True)]
    x = F.pad(x, [0, 0, *itertools.chain.from_iterable(reversed(margins))])
    padded, axes = x.shape[1:-1], list(range(1, 1 + dims))
    x = torch.roll(x, [-by for by in shift], axes)
    tokens = _cut(x, sides)
    index = offset_index(tuple(sides), block.window).to(x.device)
    bias = block.offset_bias[index.flatten()].reshape(*index.shape, heads).permute(2, 0, 1)
    if any(shift):
        mask = region_scores(tuple(padded), tuple(sides), tuple(shift)).to(x)
        bias = (bias + mask.unsqueeze(1)).repeat(len(tokens) // len(mask), 1, 1, 1)
    y = torch.roll(_put_together(packed_attention(block.attention, tokens, bias), sides, padded), shift, axes)
    return y[(slice(None), *(slice(length) for length in size))]


def _cut(x: Tensor, sides: Sequence[int]) -> Tensor:
    """``(batch, *spatial, channels)`` to ``(batch * windows, positions, channels)``."""
    dims = len(sides)
    pairs = [n for length, side in zip(x.shape[1:-1], sides, strict=True) for n in (length // side, side)]
    split = x.reshape(len(x), *pairs, x.shape[-1])
    ordered = split.permute(0, *range(1, 1 + 2 * dims, 2), *range(2, 2 + 2 * dims, 2), 1 + 2 * dims)
    positions = 1
    for side in sides:
        positions *= side
    return ordered.reshape(-1, positions, x.shape[-1])


def _put_together(tokens: Tensor, sides: Sequence[int], size: Sequence[int]) -> Tensor:
    dims = len(sides)
    split = tokens.reshape(
        -1, *(length // side for length, side in zip(size, sides, strict=True)), *sides, tokens.shape[-1]
    )
    pairs = [axis for index in range(dims) for axis in (1 + index, 1 + dims + index)]
    return split.permute(0, *pairs, 1 + 2 * dims).reshape(-1, *size, tokens.shape[-1])


def interlaced(module: Any, x: Tensor) -> Tensor:
    """As the authors' code: groups are cut out of the map and each goes through projections and attention."""
    (stage,) = module.stages
    missing = [-length % side for length, side in zip(x.shape[2:], stage.sides, strict=True)]
    y = F.pad(x, [margin for lack in reversed(missing) for margin in (lack // 2, lack - lack // 2)])
    for part in (stage.long_range, stage.short_range):
        y = _grouped(part, y)
    y = y[(..., *(slice(lack // 2, lack // 2 + length) for lack, length in zip(missing, x.shape[2:], strict=True)))]
    return module.join(torch.cat([x, y], dim=1))


def _grouped(module: Any, x: Tensor) -> Tensor:
    dims, sides = len(module.block), module.block
    counts = [length // side for length, side in zip(x.shape[2:], sides, strict=True)]
    pairs = [n for pair in zip(counts, sides, strict=True) for n in pair]
    split = x.reshape(*x.shape[:2], *pairs)
    blocks, places = [2 + 2 * axis for axis in range(dims)], [3 + 2 * axis for axis in range(dims)]
    outer, inner = (places, blocks) if module.far else (blocks, places)
    groups = split.permute(0, *outer, 1, *inner)
    flat = groups.reshape(-1, x.shape[1], *(split.shape[axis] for axis in inner))
    query, key, value = (tokens_of(part(flat)) for part in (module.query, module.key, module.value))
    found = module.project(map_of(dense_attention(query, key, value), flat.shape[2:]))
    order = [0, *outer, 1, *inner]
    return found.reshape(groups.shape).permute([order.index(axis) for axis in range(len(order))]).reshape(x.shape)


def bi_level(module: Any, x: Tensor) -> Tensor:
    """As the authors' code: regions are ranked by pooled queries and keys, and those chosen are copied out by index."""
    query, key, value = module.qkv(x).chunk(3, dim=1)
    size, pool = x.shape[2:], POOL[x.dim() - 2]
    sides = [max(length // count, 1) for length, count in zip(size, module.regions, strict=True)]
    asked, answers = (
        tokens_of(pool(part.detach(), sides, ceil_mode=True, count_include_pad=False)) for part in (query, key)
    )
    ranked = asked @ answers.transpose(1, 2)
    chosen = ranked.topk(min(module.chosen, ranked.shape[2]), dim=2).indices  # (batch, regions, chosen)
    margins = [(0, -length % side) for length, side in zip(size, sides, strict=True)]
    padding = list(itertools.chain.from_iterable(reversed(margins)))
    padded = [F.pad(part, padding).movedim(1, -1) for part in (query, key, value)]
    cut = [_cut(part, sides).reshape(*ranked.shape[:2], -1, x.shape[1]) for part in padded]
    image = torch.arange(len(x), device=x.device).reshape(-1, 1, 1)
    taken = [cut[0], *(part[image, chosen].flatten(2, 3) for part in cut[1:])]
    queries, keys, values = (heads_of(part.flatten(0, 1), module.heads) for part in taken)
    weights = torch.softmax(queries @ keys.transpose(2, 3) / math.sqrt(x.shape[1]), dim=3)
    found = _put_together((weights @ values).transpose(1, 2).flatten(2), sides, padded[0].shape[1:-1])
    found = found[(slice(None), *(slice(length) for length in size))].movedim(-1, 1)
    return x + module.project(found + module.spread(value))


FORMS = {
    "window": window,
    "interlaced": interlaced,
    "bi_level": bi_level,
}
