"""Frequencies, categories, hard masks, reverse attention and interaction of parts."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from straightforward.dense import dense_attention, map_of, tokens_of
from straightforward.resizing import resized

MEAN = {2: F.adaptive_avg_pool2d, 3: F.adaptive_avg_pool3d}


def fca(module: Any, x: Tensor) -> Tensor:
    pooled = MEAN[x.dim() - 2](x, module.grid)
    spectrum = (pooled * module.basis.to(pooled)).flatten(2).sum(2)
    gate = torch.sigmoid(module.excite(torch.relu(module.squeeze(spectrum))))
    return x * gate.reshape(*gate.shape, *[1] * (x.dim() - 2)).expand_as(x)


def ocr(module: Any, x: Tensor, prediction: Tensor) -> Tensor:
    logits = resized(prediction, x.shape[2:]).flatten(2)
    regions = (torch.softmax(logits, dim=2) @ tokens_of(x)).transpose(1, 2)
    query, key, value = (tokens_of(y) for y in (module.query(x), module.key(regions), module.value(regions)))
    context = module.expand(map_of(dense_attention(query, key, value), x.shape[2:]))
    return module.join(torch.cat([context, x], dim=1))


def hard_mask(module: Any, x: Tensor) -> Tensor:
    soft = torch.sigmoid(module.score(x))
    hard = (soft > module.share).float().to(x.dtype)
    return x * ((hard - soft).detach() + soft).expand_as(x)


def reverse(module: Any, x: Tensor, prediction: Tensor) -> Tensor:
    return _left(prediction, x.shape[2:]).expand_as(x) * x


def axial_reverse(module: Any, x: Tensor, prediction: Tensor) -> Tensor:
    """As the authors' code, with each axis being itself."""
    y = module.axial.spread(module.axial.point(x))
    for part in module.axial.axes:
        query, key, value = (layer(y).movedim(part.axis, 1).flatten(2) for layer in (part.query, part.key, part.value))
        weights = torch.sigmoid(torch.bmm(query, key.permute(0, 2, 1)))
        shape = y.movedim(part.axis, 1).shape
        y = part.gamma * torch.bmm(weights, value).reshape(shape).movedim(1, part.axis) + y
    return y * _left(prediction, x.shape[2:]).expand_as(y)


def iau(module: Any, x: Tensor) -> Tensor:
    """Pairs of parts are repeated out and compared, as in the authors' code."""
    slices = x.shape[2] if x.dim() == 5 else 1
    rows = x.reshape(len(x), x.shape[1] * slices, -1)
    weights = torch.softmax(torch.bmm(rows, rows.transpose(1, 2)) / rows.shape[2], dim=2)
    z = x + module.channel_norm(module.channel(torch.bmm(weights, rows).reshape(x.shape)))
    masks = module.masks(z)
    count = masks.shape[1]
    values = z.reshape(len(x), z.shape[1], slices, -1).permute(0, 2, 3, 1)
    shares = masks.reshape(len(x), count, slices, -1).permute(0, 2, 1, 3)
    nodes = module.embed(torch.matmul(shares, values)).flatten(1, 2)  # (batch, slices * parts, half)
    whole = module.embed(z.flatten(2).mean(2))
    total = nodes.shape[1]
    left = nodes.unsqueeze(2).repeat(1, 1, total, 1)
    right = nodes.unsqueeze(1).repeat(1, total, 1, 1)
    context = whole[:, None, None].repeat(1, total, total, 1)
    scores = module.relation(torch.cat([(left - right).abs(), context], dim=3).permute(0, 3, 1, 2)).squeeze(1)
    places = torch.arange(total, device=x.device)
    same_slice = places[:, None] // count == places[None, :] // count
    same_part = places[:, None] % count == places[None, :] % count
    scores = scores - 1e8 * (same_slice == same_part).to(scores.dtype)
    received = torch.bmm(torch.softmax(scores, dim=2), nodes)
    updated = module.update(torch.cat([nodes, received], dim=2).transpose(1, 2))
    exchanged = updated.reshape(len(x), -1, slices, count).mean(3)
    joined = torch.cat([exchanged, whole.unsqueeze(2).expand_as(exchanged)], dim=1)
    joined = joined.reshape(len(x), -1, *([1, 1] if x.dim() == 4 else [slices, 1, 1]))
    return z + module.context_norm(module.context(joined)).expand_as(z)


def interaction(module: Any, x: Tensor) -> Tensor:
    """Priors and weights of all pairs at once, as in the authors' code."""
    tokens = tokens_of(x)
    axes = [torch.arange(n, device=x.device) / a for n, a in zip(x.shape[2:], module.spread, strict=True)]
    places = torch.stack(torch.meshgrid(*axes, indexing="ij"), dim=-1).flatten(0, -2)
    prior = torch.softmax(-(places[:, None] - places).square().sum(2) / 2, dim=1)
    alike = torch.softmax(torch.bmm(tokens, tokens.transpose(1, 2)) / x.shape[1] ** 0.5, dim=2)
    found = torch.bmm(torch.softmax(prior.to(alike) * alike, dim=2), tokens)
    z = x + module.place_norm(map_of(found, x.shape[2:]))
    rows = z.flatten(2)
    weights = torch.softmax(torch.bmm(rows, rows.transpose(1, 2)) / rows.shape[2], dim=2)
    return z + module.channel_norm(torch.bmm(weights, rows).reshape(x.shape))


def hadamard(module: Any, x: Tensor) -> Tensor:
    """Every learned map is repeated out to the part that it weighs, and the part's own axes give its size."""
    parts, weighed = module.norm1(x).split(module.shares, dim=1), []
    for part, one in zip(parts[:-1], module.maps, strict=True):
        if one.axis is None:
            weights = one.refine(resized(one.learned, part.shape[2:], align_corners=True))
        else:
            size = part.shape[2 + one.axis]
            line = one.refine(F.interpolate(one.learned, size, mode="linear", align_corners=True))
            weights = line.reshape(1, -1, *(size if axis == one.axis else 1 for axis in range(x.dim() - 2)))
        weighed.append(part * weights.expand_as(part))
    return module.join(module.norm2(torch.cat([*weighed, module.last(parts[-1])], dim=1)))


def _left(prediction: Tensor, size: torch.Size) -> Tensor:
    """One minus the foreground's probability."""
    return 1 - torch.softmax(resized(prediction, size), dim=1)[:, 1:].sum(1, keepdim=True)


FORMS = {
    "fca": fca,
    "ocr": ocr,
    "hard_mask": hard_mask,
    "reverse": reverse,
    "axial_reverse": axial_reverse,
    "iau": iau,
    "interaction": interaction,
    "hadamard": hadamard,
}
