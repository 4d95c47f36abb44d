"""Channels and positions weighed side by side, with the layers of the papers' code."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

MEAN = {2: F.adaptive_avg_pool2d, 3: F.adaptive_avg_pool3d}


def triplet(module: Any, x: Tensor) -> Tensor:
    """The map is copied with each axis in the place of the channels, as in the authors' code."""
    results = []
    for axis, gate in zip(module.axes, module.gates, strict=True):
        turned = x.transpose(1, axis).contiguous()
        pooled = torch.cat([torch.max(turned, 1)[0].unsqueeze(1), torch.mean(turned, 1).unsqueeze(1)], dim=1)
        results.append((turned * torch.sigmoid(gate.norm(gate.conv(pooled)))).transpose(1, axis).contiguous())
    return sum(results[1:], results[0]) / len(results)


def shuffle(module: Any, x: Tensor) -> Tensor:
    groups = x.reshape(-1, sum(module.halves), *x.shape[2:])
    first, second = groups.split(module.halves, dim=1)
    pooled = MEAN[x.dim() - 2](first, 1)
    first = first * torch.sigmoid(module.mean_scale * pooled + module.mean_shift)
    second = second * torch.sigmoid(module.place_scale * module.norm(second) + module.place_shift)
    joined = torch.cat([first, second], dim=1).reshape(x.shape)
    return F.channel_shuffle(joined, 2) if module.even else joined


def polarized(module: Any, x: Tensor) -> Tensor:
    """All positions are projected, then summed or compared."""
    dims, channels, places = x.dim() - 2, module.channels, module.places
    shares = torch.softmax(channels.query(x).flatten(2), dim=2)
    summed = channels.value(x).flatten(2) @ shares.transpose(1, 2)
    by_channel = torch.sigmoid(channels.expand(summed.reshape(*summed.shape[:2], *[1] * dims)))
    query = torch.softmax(MEAN[dims](places.query(x), 1).flatten(1), dim=1)
    answers = query.unsqueeze(1) @ places.value(x).flatten(2)
    by_position = torch.sigmoid(answers.reshape(len(x), 1, *x.shape[2:]))
    return x * by_channel + x * by_position


FORMS = {"triplet": triplet, "shuffle": shuffle, "polarized": polarized}
