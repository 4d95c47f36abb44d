"""Branches of convolutions, stacked and weighed, and attention over decoder scales."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from search_spaces.layers import CONVOLVE
from straightforward.conventional import cbam
from straightforward.resizing import resized


def attended(module: Any, x: Tensor) -> Tensor:
    """All branches' results in one tensor, weighed by a softmax over the branches at each position."""
    results = torch.stack([branch(x) for branch in module.branches], dim=1)
    weights = torch.softmax(module.score(torch.relu(module.squeeze(x))), dim=1)
    return (weights.unsqueeze(2) * results).sum(1)


def inception(module: Any, x: Tensor) -> Tensor:
    return attended(module.attention, x)


def asymmetric(module: Any, x: Tensor) -> Tensor:
    return attended(module.fuse, x)


def aspp(module: Any, x: Tensor) -> Tensor:
    if module.attention is not None:
        return attended(module.attention, x)
    return module.join(torch.cat([branch(x) for branch in module.branches], dim=1))


def res2net(module: Any, x: Tensor) -> Tensor:
    """As the authors' code: the results are put together one by one."""
    split = torch.relu(module.split_norm(module.split(x)))
    parts = torch.split(split, split.shape[1] // (len(module.parts) + 1), dim=1)
    joined = found = module.parts[0](parts[0])
    for part, convolve in zip(parts[1:-1], module.parts[1:], strict=True):
        found = convolve(found + part)
        joined = torch.cat([joined, found], dim=1)
    return torch.relu(module.join_norm(module.join(torch.cat([joined, parts[-1]], dim=1))) + module.shortcut(x))


def odconv(module: Any, x: Tensor) -> Tensor:
    """Each image is convolved on its own, by the kernel put together for it."""
    pooled = module.squeeze(x.mean(module.axes, keepdim=True))
    channel, filters = torch.sigmoid(module.channel(pooled)), torch.sigmoid(module.filter(pooled))
    places = torch.sigmoid(module.place(pooled)).reshape(len(x), 1, 1, 1, *module.weight.shape[3:])
    shares = torch.softmax(module.kernel(pooled), dim=1).reshape(len(x), -1, *[1] * (x.dim()))
    kernels = (shares * places * module.weight.unsqueeze(0)).sum(1)
    images = [
        CONVOLVE[x.dim() - 2](image.unsqueeze(0), kernel, padding=module.padding)
        for image, kernel in zip(x * channel, kernels, strict=True)
    ]
    return filters * torch.cat(images)


def scale(module: Any, features: list[Tensor]) -> Tensor:
    gate, size = module.gate, features[0].shape[2:]
    levels = [resized(reduce(x), size) for reduce, x in zip(module.reduce, features, strict=True)]
    x = torch.cat(levels, dim=1)
    pooled = gate.perceptron(x.flatten(2).mean(2)) + gate.perceptron(x.flatten(2).max(2)[0])
    weights = torch.sigmoid(pooled.reshape(len(x), gate.scales, gate.width).mean(2))
    gated = torch.cat(
        [level * weights[:, n].reshape(-1, 1, *[1] * len(size)).expand_as(level) for n, level in enumerate(levels)],
        dim=1,
    )
    scores = torch.sigmoid(gate.score(gate.spread(gated)))
    placed = torch.cat(
        [part * scores[:, n : n + 1].expand_as(part) for n, part in enumerate(gated.chunk(gate.scales, dim=1))], dim=1
    )
    return gate.join(torch.relu(placed + gated + x))


def mscam(module: Any, x: Tensor) -> Tensor:
    part = module.convolve
    weighed = cbam(module, x)
    hidden = part.expand(weighed)
    return weighed + part.join(torch.stack([scale(hidden) for scale in part.scales]).sum(0))


FORMS = {
    "inception": inception,
    "asymmetric": asymmetric,
    "aspp": aspp,
    "res2net": res2net,
    "odconv": odconv,
    "scale": scale,
    "mscam": mscam,
}
