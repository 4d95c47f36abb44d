"""The parts of the equations as plain loops over positions, in numpy float64.

Arrays are ``(batch, channels, *spatial)``. Slow and literal on purpose: nothing here shares code or layout tricks
with the mechanisms.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Sequence
from typing import Any, TypeAlias

import numpy as np
from torch import nn

Array: TypeAlias = Any  # an ndarray; numpy's own hints refuse an index with a star in it


def weight(module: nn.Module, name: str) -> Array:
    """A parameter or buffer by its dotted name, as an array."""
    return module.state_dict()[name].double().numpy()


def positions(x: Array) -> Iterator[tuple[int, ...]]:
    """All spatial indices of ``x``."""
    return np.ndindex(*x.shape[2:])


def sigmoid(x: Array) -> Array:
    return 1 / (1 + np.exp(-x))


def relu(x: Array) -> Array:
    return np.maximum(x, 0)


def softmax(scores: Array) -> Array:
    exponentials = np.exp(scores - scores.max())
    return exponentials / exponentials.sum()


def mean(x: Array) -> Array:
    """Mean over the positions, ``(batch, channels)``."""
    total = np.zeros(x.shape[:2])
    for p in positions(x):
        total += x[(..., *p)]
    return total / math.prod(x.shape[2:])


def maximum(x: Array) -> Array:
    """Maximum over the positions, ``(batch, channels)``."""
    result = np.full(x.shape[:2], -np.inf)
    for p in positions(x):
        result = np.maximum(result, x[(..., *p)])
    return result


def linear(x: Array, module: nn.Module, name: str) -> Array:
    """A layer applied to the channels, axis 1, of ``x``: a 1x1 convolution or a perceptron's layer."""
    state = module.state_dict()
    matrix = weight(module, f"{name}.weight").reshape(state[f"{name}.weight"].shape[:2])
    y = np.einsum("oc,bc...->bo...", matrix, x)
    if f"{name}.bias" in state:
        y += weight(module, f"{name}.bias").reshape(1, -1, *[1] * (x.ndim - 2))
    return y


def batch_norm(x: Array, module: nn.Module, name: str) -> Array:
    """Batch normalisation by its running statistics."""
    y = np.empty_like(x)
    for c in range(x.shape[1]):
        variance = weight(module, f"{name}.running_var")[c] + 1e-5
        standard = (x[:, c] - weight(module, f"{name}.running_mean")[c]) / math.sqrt(variance)
        y[:, c] = standard * weight(module, f"{name}.weight")[c] + weight(module, f"{name}.bias")[c]
    return y


def group_norm(x: Array, module: nn.Module, name: str, groups: int) -> Array:
    """Normalisation of each image's groups of channels."""
    y = np.empty_like(x)
    for b in range(len(x)):
        for rows in np.split(np.arange(x.shape[1]), groups):
            y[b, rows] = (x[b, rows] - x[b, rows].mean()) / math.sqrt(x[b, rows].var() + 1e-5)
    affine = (weight(module, f"{name}.{kind}").reshape(-1, *[1] * (x.ndim - 2)) for kind in ("weight", "bias"))
    scale, shift = affine
    return y * scale + shift


def conv(
    x: Array, module: nn.Module, name: str, stride: int = 1, padding: int = 0, dilation: int = 1, groups: int = 1
) -> Array:
    """A convolution layer, with its bias where it has one; ``padding`` counts for kernels that are longer than one."""
    state, dims = module.state_dict(), x.ndim - 2
    kernel = weight(module, f"{name}.weight")
    padding = padding if kernel.shape[-1] > 1 else 0
    share = kernel.shape[0] // groups
    parts = [
        convolution(part, kernel[g * share : (g + 1) * share], [stride] * dims, [padding] * dims, dilation)
        for g, part in enumerate(np.split(x, groups, 1))
    ]
    y = np.concatenate(parts, 1)
    return y + weight(module, f"{name}.bias").reshape(1, -1, *[1] * dims) if f"{name}.bias" in state else y


def convolution(x: Array, kernel: Array, stride: Sequence[int], padding: Sequence[int], dilation: int = 1) -> Array:
    """Cross-correlation without bias; ``kernel`` is ``(out, in, *sides)``; outside of ``x`` are zeros."""
    sides = kernel.shape[2:]
    size = [
        (n + 2 * p - dilation * (k - 1) - 1) // s + 1
        for n, p, k, s in zip(x.shape[2:], padding, sides, stride, strict=True)
    ]
    y: Array = np.zeros((x.shape[0], kernel.shape[0], *size))
    for p in positions(y):
        for tap in itertools.product(*(range(k) for k in sides)):
            source = tuple(i * s + dilation * t - pad for i, s, t, pad in zip(p, stride, tap, padding, strict=True))
            if all(0 <= i < n for i, n in zip(source, x.shape[2:], strict=True)):
                y[(..., *p)] += np.einsum("oc,bc->bo", kernel[(..., *tap)], x[(..., *source)])
    return y


def interpolate(x: Array, size: Sequence[int]) -> Array:
    """Linear interpolation between pixel centres, one axis after the other; beyond the outer centres it is constant."""
    for axis, length in enumerate(size, start=2):
        n = x.shape[axis]
        planes = []
        for i in range(length):
            centre = min(max((i + 0.5) * n / length - 0.5, 0), n - 1)
            low = min(int(centre), max(n - 2, 0))
            high = min(low + 1, n - 1)
            planes.append((1 - (centre - low)) * x.take(low, axis) + (centre - low) * x.take(high, axis))
        x = np.stack(planes, axis)
    return x


def aligned(x: Array, size: Sequence[int]) -> Array:
    """Linear interpolation, one axis after the other, in which the first and last positions keep their places."""
    for axis, length in enumerate(size, start=2):
        n = x.shape[axis]
        planes = []
        for i in range(length):
            place = i * (n - 1) / (length - 1) if length > 1 else 0.0
            low = min(int(place), max(n - 2, 0))
            planes.append((1 - (place - low)) * x.take(low, axis) + (place - low) * x.take(min(low + 1, n - 1), axis))
        x = np.stack(planes, axis)
    return x


def max_pool(x: Array, window: Sequence[int]) -> Array:
    """Maximum over disjoint windows; what is left over at the end is dropped."""
    size = [n // w for n, w in zip(x.shape[2:], window, strict=True)]
    y: Array = np.empty((*x.shape[:2], *size))
    for p in positions(y):
        cells = tuple(slice(i * w, (i + 1) * w) for i, w in zip(p, window, strict=True))
        y[(..., *p)] = x[(..., *cells)].reshape(*x.shape[:2], -1).max(-1)
    return y


def adaptive_mean(x: Array, size: Sequence[int]) -> Array:
    """Means over cells that share the map out as evenly as whole positions allow; they may overlap by one."""
    y: Array = np.empty((*x.shape[:2], *size))
    for p in positions(y):
        cell = tuple(slice(i * n // m, -(-(i + 1) * n // m)) for i, n, m in zip(p, x.shape[2:], size, strict=True))
        y[(..., *p)] = x[(..., *cell)].reshape(*x.shape[:2], -1).mean(2)
    return y


def layer_norm(x: Array, module: nn.Module, name: str, eps: float) -> Array:
    """Normalisation over the channels of ``(batch, channels, tokens)``."""
    standard = (x - x.mean(1, keepdims=True)) / np.sqrt(x.var(1, keepdims=True) + eps)
    return standard * weight(module, f"{name}.weight")[:, None] + weight(module, f"{name}.bias")[:, None]


def gelu(x: Array) -> Array:
    return x * (1 + np.vectorize(math.erf)(x / math.sqrt(2))) / 2


def attention(query: Array, key: Array, value: Array, heads: int, bias: Array | None = None) -> Array:
    """Scaled attention of ``(batch, channels, *positions)``; the result has the places of ``query``.

    ``bias``: ``(heads, queries, keys)``, added to the scores.
    """
    places = query.shape[2:]
    query, key, value = (part.reshape(*part.shape[:2], -1) for part in (query, key, value))
    width, out = query.shape[1] // heads, value.shape[1] // heads
    y: Array = np.zeros((len(query), value.shape[1], query.shape[2]))
    for b, h, i in np.ndindex(len(query), heads, query.shape[2]):
        rows, values = slice(h * width, (h + 1) * width), slice(h * out, (h + 1) * out)
        scores = np.array([query[b, rows, i] @ key[b, rows, j] for j in range(key.shape[2])]) / math.sqrt(width)
        weights = softmax(scores if bias is None else scores + bias[h, i])
        for w, j in zip(weights, range(key.shape[2]), strict=True):
            y[b, values, i] += w * value[b, values, j]
    return y.reshape(len(y), -1, *places)
