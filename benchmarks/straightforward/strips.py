"""Means over all axes but one, pooled along each axis and put back, with the layers of the papers' code."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

MEAN: dict[int, Any] = {2: F.adaptive_avg_pool2d, 3: F.adaptive_avg_pool3d}


def strips(x: Tensor) -> list[Tensor]:
    """``(batch, channels, length)`` for each spatial axis."""
    dims, size = x.dim() - 2, x.shape[2:]
    kept = [tuple(size[axis] if other == axis else 1 for other in range(dims)) for axis in range(dims)]
    return [MEAN[dims](x, one).flatten(2) for one in kept]


def along(strip: Tensor, axis: int, x: Tensor) -> Tensor:
    """A strip as a map of the size of ``x``, the same for all positions that it is the mean of."""
    kept = [n if other == axis else 1 for other, n in enumerate(x.shape[2:])]
    return strip.reshape(*strip.shape[:2], *kept).expand(-1, -1, *x.shape[2:])


def coordinate(module: Any, x: Tensor) -> Tensor:
    joint = module.activation(module.norm(module.squeeze(torch.cat(strips(x), dim=2))))
    parts = torch.split(joint, list(x.shape[2:]), dim=2)
    for axis, (part, excite) in enumerate(zip(parts, module.excite, strict=True)):
        x = x * along(torch.sigmoid(excite(part)), axis, x)
    return x


def ela(module: Any, x: Tensor) -> Tensor:
    gates = [torch.sigmoid(module.norm(module.conv(strip))) for strip in strips(x)]
    for axis, gate in enumerate(gates):
        x = x * along(gate, axis, x)
    return x


def efficient_multiscale(module: Any, x: Tensor) -> Tensor:
    """As the authors' code: both branches are pooled, and each pooled one is multiplied with the other's map."""
    groups = x.reshape(-1, module.width, *x.shape[2:])
    joint = module.strip(torch.cat(strips(groups), dim=2))
    first = groups
    for axis, part in enumerate(torch.split(joint, list(x.shape[2:]), dim=2)):
        first = first * along(torch.sigmoid(part), axis, x)
    first, second = module.norm(first), module.spread(groups)
    by_first, by_second = (
        torch.softmax(MEAN[x.dim() - 2](branch, 1).flatten(2).transpose(1, 2), dim=2) for branch in (first, second)
    )
    scores = by_first @ second.flatten(2) + by_second @ first.flatten(2)
    return (groups * torch.sigmoid(scores.reshape(-1, 1, *x.shape[2:]))).reshape(x.shape)


def strip(module: Any, x: Tensor) -> Tensor:
    convolutions = module.layer.context.convolutions
    spread = [
        along(convolve(one), axis, x) for axis, (convolve, one) in enumerate(zip(convolutions, strips(x), strict=True))
    ]
    return x * torch.sigmoid(module.layer.project(torch.relu(sum(spread[1:], spread[0]))))


FORMS = {"coordinate": coordinate, "ela": ela, "efficient_multiscale": efficient_multiscale, "strip": strip}
