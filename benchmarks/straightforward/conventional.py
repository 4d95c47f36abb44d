"""Channel, spatial and dual attention, with the layers of the papers' code."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from straightforward.resizing import resized

MEAN = {2: F.adaptive_avg_pool2d, 3: F.adaptive_avg_pool3d}
MAXIMUM = {2: F.adaptive_max_pool2d, 3: F.adaptive_max_pool3d}
POOL = {2: F.avg_pool2d, 3: F.avg_pool3d}


def se(module: Any, x: Tensor) -> Tensor:
    pooled = MEAN[x.dim() - 2](x, 1)
    gate = torch.sigmoid(module.excite(torch.relu(module.squeeze(pooled))))
    return x * gate.expand_as(x)


def eca(module: Any, x: Tensor) -> Tensor:
    pooled = MEAN[x.dim() - 2](x, 1)
    scores = module.conv(pooled.flatten(2).transpose(1, 2)).transpose(1, 2)
    return x * torch.sigmoid(scores).reshape(pooled.shape).expand_as(x)


def scse(module: Any, x: Tensor) -> Tensor:
    by_channel = se(module.channel, x)
    by_position = x * torch.sigmoid(module.spatial(x))
    return torch.max(by_channel, by_position)


def cbam(module: Any, x: Tensor) -> Tensor:
    dims, perceptron = x.dim() - 2, module.channel_gate.perceptron
    scores = perceptron(MEAN[dims](x, 1).flatten(1)) + perceptron(MAXIMUM[dims](x, 1).flatten(1))
    x = x * torch.sigmoid(scores).reshape(*scores.shape, *[1] * dims).expand_as(x)
    pooled = torch.cat([torch.max(x, 1)[0].unsqueeze(1), torch.mean(x, 1).unsqueeze(1)], dim=1)
    return x * torch.sigmoid(module.spatial_gate.norm(module.spatial_gate.conv(pooled)))


def bam(module: Any, x: Tensor) -> Tensor:
    channel = module.channel(MEAN[x.dim() - 2](x, 1)).expand_as(x)
    spatial = module.spatial(x).expand_as(x)
    return (1 + torch.sigmoid(channel + spatial)) * x


def gather_excite(module: Any, x: Tensor) -> Tensor:
    extent = module.extent
    gathered = POOL[x.dim() - 2](x, 2 * extent - 1, extent, extent - 1, count_include_pad=False)
    return x * F.interpolate(torch.sigmoid(gathered), x.shape[2:])


def psa(module: Any, x: Tensor) -> Tensor:
    """The weights of all pairs are scattered out of the predicted masks, as the authors' kernel does."""
    moved = []
    for reduce, attention, direction in zip(module.reduce, module.attention, module.directions, strict=True):
        features = reduce(x)
        size = [min(length, module.most) for length in features.shape[2:]]
        if list(features.shape[2:]) != size:
            features = resized(features, torch.Size(size), align_corners=True)
        predicted, count = attention(features).flatten(2), features[0, 0].numel()
        places = torch.cartesian_prod(*(torch.arange(length, device=x.device) for length in size))
        offsets = torch.cartesian_prod(*(torch.arange(side, device=x.device) - side // 2 for side in module.masks))
        targets = places[None] + offsets[:, None]  # (offset, owner, axis)
        inside = ((targets >= 0) & (targets < torch.tensor(size, device=x.device))).all(-1)
        other = torch.zeros_like(inside, dtype=torch.long)
        for axis, length in enumerate(size):
            other = other * length + targets[..., axis].clamp(0, length - 1)
        pairs = predicted.new_zeros(len(x), count, count)
        pairs = pairs.scatter_add(1, other.expand(len(x), -1, -1), predicted * inside)  # (batch, other, owner)
        if direction == "distribute":
            pairs = pairs.transpose(1, 2)
        moved.append(torch.bmm(features.flatten(2), torch.softmax(pairs, dim=1)).reshape(len(x), -1, *size))
    y = module.project(torch.cat(moved, dim=1))
    if y.shape[2:] != x.shape[2:]:
        y = resized(y, x.shape[2:], align_corners=True)
    return module.restore(torch.cat([x, y], dim=1))


def gsop(module: Any, x: Tensor) -> Tensor:
    """The covariance as E[v v'] - E[v] E[v]'."""
    branch = module.branches[0]
    v = torch.relu(branch.norm(branch.reduce(torch.relu(x)))).flatten(2)
    mean = v.mean(2, keepdim=True)
    covariance = torch.bmm(v, v.transpose(1, 2)) / v.shape[2] - torch.bmm(mean, mean.transpose(1, 2))
    features = branch.rows(covariance)
    gate = torch.sigmoid(branch.expand(features.reshape(*features.shape, *[1] * (x.dim() - 2))))
    return x * gate.expand_as(x)


def sk(module: Any, x: Tensor) -> Tensor:
    results = torch.cat([branch(x).unsqueeze(1) for branch in module.branches], dim=1)
    pooled = MEAN[x.dim() - 2](results.sum(1), 1)
    scores = module.select(module.squeeze(pooled)).reshape(len(x), len(module.branches), -1, *[1] * (x.dim() - 2))
    return (results * torch.softmax(scores, dim=1)).sum(1)


def ca_channel(module: Any, x: Tensor) -> Tensor:
    f = module.norm2(module.conv2(torch.relu(module.norm1(module.conv1(x)))))
    pooled = [pool[x.dim() - 2](f, 1).flatten(1) for pool in (MEAN, MAXIMUM)]
    weights = torch.sigmoid(module.perceptron(pooled[0])) + torch.sigmoid(module.perceptron(pooled[1]))
    gated = f * weights.reshape(*weights.shape, *[1] * (x.dim() - 2)).expand_as(f)
    return torch.relu(module.norm3(module.conv3(torch.relu(gated + module.shortcut(x)))))


def split(module: Any, x: Tensor) -> Tensor:
    splits = module.norm(module.conv(x)).chunk(module.radix, dim=1)
    scores = module.score(module.squeeze(MEAN[x.dim() - 2](sum(splits), 1)))
    weights = torch.softmax(scores.reshape(len(x), module.groups, module.radix, -1).transpose(1, 2), dim=1)
    shares = weights.reshape(scores.shape).chunk(module.radix, dim=1)
    return sum(share * part for share, part in zip(shares, splits, strict=True))


def simam(module: Any, x: Tensor) -> Tensor:
    squares = (x - x.mean(module.axes, keepdim=True)).pow(2)
    variance = squares.sum(module.axes, keepdim=True) / (x[0, 0].numel() - 1)
    return x * torch.sigmoid(squares / (4 * (variance + module.regularisation)) + 0.5)


def large_kernels(module: Any, x: Tensor) -> Tensor:
    attention = x
    for layer in module.layer.spread:
        attention = layer(attention)
    return x * attention


FORMS = {
    "se": se,
    "eca": eca,
    "scse": scse,
    "cbam": cbam,
    "bam": bam,
    "gather_excite": gather_excite,
    "psa": psa,
    "gsop": gsop,
    "sk": sk,
    "ca_channel": ca_channel,
    "split": split,
    "simam": simam,
    "lka": large_kernels,
    "lska": large_kernels,
}
