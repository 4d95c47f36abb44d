"""Self-similarity, with the weights of all compared pairs in memory."""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from straightforward.dense import dense_attention, map_of, packed_attention, tokens_of

ADAPTIVE_MEAN = {2: F.adaptive_avg_pool2d, 3: F.adaptive_avg_pool3d}


def non_local(module: Any, x: Tensor) -> Tensor:
    theta, phi, g = (tokens_of(part(x)) for part in (module.theta, module.phi, module.g))
    weights = torch.softmax(theta @ phi.transpose(1, 2), dim=-1)
    return x + module.norm(module.project(map_of(weights @ g, x.shape[2:])))


def mhsa(module: Any, x: Tensor) -> Tensor:
    block, tokens = module.block, tokens_of(x)
    tokens = tokens + packed_attention(block.attention, block.norm1(tokens))
    return map_of(tokens + block.perceptron(block.norm2(tokens)), x.shape[2:])


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


def danet(module: Any, x: Tensor) -> Tensor:
    part = module.attention
    query, key, value = (tokens_of(layer(x)) for layer in (part.query, part.key, part.value))
    weights = torch.softmax(query @ key.transpose(1, 2), dim=-1)
    return part.gamma * map_of(weights @ value, x.shape[2:]) + x


def efficient(module: Any, x: Tensor) -> Tensor:
    """As the authors' code, one head after the other."""
    query, key, value = (
        part(x).flatten(2).chunk(module.heads, dim=1) for part in (module.query, module.key, module.value)
    )
    found = []
    for q, k, v in zip(query, key, value, strict=True):
        context = torch.softmax(k, dim=2) @ v.transpose(1, 2)
        found.append(context.transpose(1, 2) @ torch.softmax(q, dim=1))
    return x + module.project(torch.cat(found, dim=1).reshape(len(x), -1, *x.shape[2:]))


FORMS = {
    "non_local": non_local,
    "mhsa": mhsa,
    "axial": axial,
    "criss_cross": criss_cross,
    "pyramid_non_local": pyramid_non_local,
    "fusion_non_local": fusion_non_local,
    "ema": ema,
    "danet": danet,
    "efficient": efficient,
}
