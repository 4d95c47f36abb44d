"""Normalising attention scores without storing their matrix: all that is needed of them are two moments.

Of scores s_ij = q_i . k_j the mean is (sum_i q_i) . (sum_j k_j) / L^2, and the mean square <Q Q', K K'> / L^2; of
s_ij = x_i . r_ij they come from the sums over j of r_ij and of r_ij r_ij'.
"""

from __future__ import annotations

import contextlib
from typing import Any

import torch
from torch import Tensor, nn

Moments = tuple[Tensor, Tensor]  # mean and mean square


def score_scales(norm: nn.Module, query: Tensor, key: Tensor, to_query: Tensor, to_key: Tensor) -> Tensor:
    """What ``norm`` would multiply scores by, ``(lines or 1, 3 * heads)``.

    The scores are the products of queries with keys, of queries with one table, and of keys with another. A batch
    normalisation in training also takes note of them, as its own forward call would.

    Args:
        norm: over the three terms times heads, as channels; a batch or group normalisation, or none.
        query, key: ``(lines, heads, channels, length)``.
        to_query, to_key: ``(channels, length, length)``: for each position of a query (of a key) and each other one.
    """
    known: Any = norm  # its attributes are read below
    if isinstance(norm, nn.GroupNorm):
        grouped = (part.unflatten(1, (known.num_groups, -1)) for part in _moments(query, key, to_query, to_key))
        mean, square = (part.mean(2, keepdim=True) for part in grouped)
        variance = _variance(mean, square).expand(-1, -1, norm.num_channels // norm.num_groups).flatten(1)
    elif not isinstance(norm, nn.modules.batchnorm._BatchNorm):
        return query.new_ones(1, 3 * query.shape[1])
    elif norm.training and (count := len(query) * query.shape[3] ** 2) > 1:
        mean, square = (part.mean(0, keepdim=True) for part in _moments(query, key, to_query, to_key))
        variance = _variance(mean, square)
        _take_note(norm, mean, variance * (count / (count - 1)))
    else:
        variance = known.running_var.unsqueeze(0)
    return known.weight * (variance + known.eps).rsqrt()


def _moments(query: Tensor, key: Tensor, to_query: Tensor, to_key: Tensor) -> Moments:
    """Of the scores of each line, ``(lines, 3 * heads)``; in single precision at least, for their difference."""
    query, key, to_query, to_key = (
        part.to(torch.promote_types(part.dtype, torch.float32)) for part in (query, key, to_query, to_key)
    )
    plain = contextlib.nullcontext() if query.is_meta else torch.autocast(query.device.type, enabled=False)
    with plain:
        terms = _of_products(query, key), _of_table(query, to_query), _of_table(key, to_key)
        mean, square = (torch.cat(parts, dim=1) / query.shape[3] ** 2 for parts in zip(*terms, strict=True))
    return mean, square


def _of_products(query: Tensor, key: Tensor) -> Moments:
    mean = (query.sum(3) * key.sum(3)).sum(2)
    return mean, ((query @ query.transpose(2, 3)) * (key @ key.transpose(2, 3))).sum((2, 3))


def _of_table(x: Tensor, table: Tensor) -> Moments:
    squares = torch.einsum("cij,dij->icd", table, table)
    return (x * table.sum(2)).sum((2, 3)), (torch.einsum("bhci,icd->bhdi", x, squares) * x).sum((2, 3))


def _variance(mean: Tensor, square: Tensor) -> Tensor:
    return (square - mean.square()).clamp(min=0)


@torch.no_grad()
def _take_note(norm: Any, mean: Tensor, variance: Tensor) -> None:
    norm.num_batches_tracked += 1
    norm.running_mean.lerp_(mean[0].to(norm.running_mean.dtype), norm.momentum)
    norm.running_var.lerp_(variance[0].to(norm.running_var.dtype), norm.momentum)
