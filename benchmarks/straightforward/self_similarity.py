"""Self-similarity, with the weights of all compared pairs in memory."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from search_spaces.attention.window import offset_index, region_scores
from straightforward.dense import dense_attention, heads_of, map_of, tokens_of

ADAPTIVE_MEAN = {2: F.adaptive_avg_pool2d, 3: F.adaptive_avg_pool3d}


def non_local(module: Any, x: Tensor) -> Tensor:
    theta, phi, g = (tokens_of(part(x)) for part in (module.theta, module.phi, module.g))
    weights = torch.softmax(theta @ phi.transpose(1, 2), dim=-1)
    return x + module.norm(module.project(map_of(weights @ g, x.shape[2:])))


def mhsa(module: Any, x: Tensor) -> Tensor:
    block, tokens = module.block, tokens_of(x)
    tokens = tokens + packed_attention(block.attention, block.norm1(tokens))
    return map_of(tokens + block.perceptron(block.norm2(tokens)), x.shape[2:])


def packed_attention(module: Any, tokens: Tensor, bias: Tensor | None = None) -> Tensor:
    """Multi-head attention of ``(batch, positions, channels)`` by one projection to queries, keys and values."""
    query, key, value = (heads_of(part, module.heads) for part in module.qkv(tokens).chunk(3, dim=-1))
    found = dense_attention(query, key, value, bias)
    return module.project(found.transpose(1, 2).reshape(tokens.shape))


def axial(module: Any, x: Tensor) -> Tensor:
    hidden = module.reduce(x)
    for along in module.attend:
        hidden = _along(along, hidden)
    return x + module.norm(module.expand(torch.relu(hidden)))


def _along(module: Any, x: Tensor) -> Tensor:
    """As the authors' code: all lines of an axis at once, three scores for each pair of a line."""
    lines = x.movedim((module.axis, 1), (-1, -2))
    flat = lines.reshape(-1, *lines.shape[-2:])
    count, heads, length = len(flat), module.heads, flat.shape[-1]
    half, _, width = module.parts
    projected = module.norm(module.project(flat)) if module.span else module.project(flat)
    query, key, value = projected.reshape(count, heads, 2 * width, length).split([half, half, width], dim=2)
    if not module.span:
        weights = torch.softmax(torch.einsum("bhci,bhcj->bhij", query, key) / math.sqrt(half), dim=3)
        result = torch.einsum("bhij,bhcj->bhci", weights, value).reshape(count, heads * width, length)
        return result.reshape(*lines.shape[:-2], -1, length).movedim((-1, -2), (module.axis, 1))
    places = torch.arange(length, device=x.device)
    offsets = (places[:, None] - places[None, :]).clamp(1 - module.span, module.span - 1) + module.span - 1
    table = module.relative.index_select(1, offsets.flatten()).reshape(-1, length, length)
    to_query, to_key, to_value = table.split([half, half, width], dim=0)
    pairs = torch.einsum("bhci,bhcj->bhij", query, key)
    by_query = torch.einsum("bhci,cij->bhij", query, to_query)
    by_key = torch.einsum("bhci,cij->bhij", key, to_key).transpose(2, 3)
    stacked = module.norm_scores(torch.cat([pairs, by_query, by_key], dim=1))
    weights = torch.softmax(stacked.reshape(count, 3, heads, length, length).sum(1), dim=3)
    found = torch.einsum("bhij,bhcj->bhci", weights, value)
    placed = torch.einsum("bhij,cij->bhci", weights, to_value)
    joined = torch.stack([found, placed], dim=3).reshape(count, 2 * heads * width, length)
    result = module.norm_result(joined).reshape(count, heads * width, 2, length).sum(2)
    return result.reshape(*lines.shape[:-2], -1, length).movedim((-1, -2), (module.axis, 1))


def criss_cross(module: Any, x: Tensor) -> Tensor:
    """As the authors' torch code: scores along each axis, the position itself only on the last."""
    axes = range(2, x.dim())
    for _ in range(module.recurrence):
        query, key, value = module.query(x), module.key(x), module.value(x)
        scores = []
        for axis in axes:
            energy = _lines(query, axis) @ _lines(key, axis).transpose(-2, -1)
            if axis != axes[-1]:
                energy = energy + torch.diag(energy.new_full((energy.shape[-1],), float("-inf")))
            scores.append(energy.movedim(-2, axis - 1))
        weights = torch.softmax(torch.cat(scores, dim=-1), dim=-1).split(list(x.shape[2:]), dim=-1)
        y = torch.zeros_like(value)
        for axis, weight in zip(axes, weights, strict=True):
            y = y + (weight.movedim(axis - 1, -2) @ _lines(value, axis)).movedim((-2, -1), (axis, 1))
        x = module.gamma * y + x
    return x


def _lines(x: Tensor, axis: int) -> Tensor:
    return x.movedim((axis, 1), (-2, -1))


def pyramid_non_local(module: Any, x: Tensor) -> Tensor:
    query = module.attention.key(x)
    context = _pyramid(module.attention, query, query, module.attention.value(x))
    return module.join(torch.cat([context, x], dim=1))


def fusion_non_local(module: Any, x: Tensor, gate: Tensor) -> Tensor:
    part = module.attention
    return module.join(torch.cat([_pyramid(part, part.query(x), part.key(gate), part.value(gate)), x], dim=1))


def _pyramid(module: Any, query: Tensor, key: Tensor, value: Tensor) -> Tensor:
    def anchors(x: Tensor) -> Tensor:
        pool = ADAPTIVE_MEAN[x.dim() - 2]
        return tokens_of(torch.cat([pool(x, size).flatten(2) for size in module.sizes], dim=2))

    found = dense_attention(tokens_of(query), anchors(key), anchors(value))
    return module.project(map_of(found, query.shape[2:]))


def local(module: Any, x: Tensor) -> Tensor:
    """Keys and values unfolded: a copy of both for each offset of the window."""
    dims, reach, taps = x.dim() - 2, module.kernel // 2, module.kernel ** (x.dim() - 2)
    width = x.shape[1] // module.heads

    def unfolded(y: Tensor) -> Tensor:  # (batch, heads, width, taps, positions)
        y = F.pad(y, [reach] * (2 * dims))
        for axis in range(2, 2 + dims):
            y = y.unfold(axis, module.kernel, 1)
        return y.flatten(2 + dims).movedim(-1, 2).reshape(len(x), -1, width, taps, x[0, 0].numel())

    query = module.query(x).reshape(len(x), module.heads, width, 1, -1)
    key, value = unfolded(module.key(x)), unfolded(module.value(x))
    tables = [
        table.reshape(len(table), *(module.kernel if other == axis else 1 for other in range(dims)))
        for axis, table in enumerate(module.relative)
    ]
    relative = torch.cat([table.expand(-1, *[module.kernel] * dims) for table in tables]).reshape(width, taps, 1)
    outside = unfolded(torch.ones_like(x))[:, :, 0] == 0
    scores = (query * (key + relative)).sum(2).masked_fill(outside, float("-inf"))
    y = (torch.softmax(scores, dim=2).unsqueeze(2) * value).sum(3)
    return x + y.reshape(x.shape)


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


def ema(module: Any, x: Tensor) -> Tensor:
    """As the authors' code, with the gradient through the fitting and the bases' step in the forward pass."""
    z = module.embed(x).flatten(2)
    bases = module.bases.clone().unsqueeze(0).repeat(len(x), 1, 1)
    for _ in range(module.stages):
        shares = torch.softmax(torch.bmm(z.permute(0, 2, 1), bases), dim=2)
        normal = shares / (1e-6 + shares.sum(dim=1, keepdim=True))
        bases = torch.bmm(z, normal)
        bases = bases / (1e-6 + bases.norm(dim=1, keepdim=True))
    rebuilt = torch.relu(bases.matmul(shares.permute(0, 2, 1)).reshape(x.shape))
    if module.training:
        with torch.no_grad():
            module.bases.mul_(module.momentum).add_(bases.mean(0) * (1 - module.momentum))
    return torch.relu(module.norm(module.project(rebuilt)) + x)


FORMS = {
    "non_local": non_local,
    "mhsa": mhsa,
    "axial": axial,
    "criss_cross": criss_cross,
    "pyramid_non_local": pyramid_non_local,
    "fusion_non_local": fusion_non_local,
    "local": local,
    "window": window,
    "interlaced": interlaced,
    "ema": ema,
}
