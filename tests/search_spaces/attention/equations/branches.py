"""Branches of convolutions, and attention over decoder scales."""

from __future__ import annotations

from typing import Any

import numpy as np
from torch import nn

from tests.search_spaces.attention import naive
from tests.search_spaces.attention.naive import Array, batch_norm, linear, relu, sigmoid, softmax, weight


def _attended(module: nn.Module, x: Array, name: str, results: list[Array]) -> Array:
    """Branch results weighed by a softmax over the branches at each position."""
    scores = linear(relu(linear(x, module, f"{name}.squeeze")), module, f"{name}.score")
    y: Array = np.zeros_like(results[0])
    for b in range(len(x)):
        for p in naive.positions(y):
            for w, result in zip(softmax(scores[(b, slice(None), *p)]), results, strict=True):
                y[(b, slice(None), *p)] += w * result[(b, slice(None), *p)]
    return y


def inception(module: nn.Module, x: Array, largest: int = 5, pool: bool = True, **_: Any) -> Array:
    results = [
        naive.conv(x, module, f"attention.branches.{index}", padding=index) for index in range((largest + 1) // 2)
    ]
    if pool:
        wide: Array = np.empty_like(x)
        for p in naive.positions(x):
            wide[(..., *p)] = x[(..., *(slice(max(i - 1, 0), i + 2) for i in p))].reshape(*x.shape[:2], -1).max(2)
        results.append(linear(wide, module, f"attention.branches.{len(results)}.1"))
    return _attended(module, x, "attention", results)


def asymmetric(
    module: nn.Module, x: Array, kernel: int = 3, groups: int = 1, fusion: str = "attention", **_: Any
) -> Array:
    results, dims = [], x.ndim - 2
    for index in range(1 + dims):
        padding = [kernel // 2 if index in (0, 1 + axis) else 0 for axis in range(dims)]
        kernels = np.split(weight(module, f"fuse.branches.{index}.0.weight"), groups)
        parts = [
            naive.convolution(part, of_part, [1] * dims, padding)
            for part, of_part in zip(np.split(x, groups, 1), kernels, strict=True)
        ]
        results.append(batch_norm(np.concatenate(parts, 1), module, f"fuse.branches.{index}.1"))
    return sum(results) if fusion == "sum" else _attended(module, x, "fuse", results)


def aspp(
    module: nn.Module,
    x: Array,
    widest: int = 4,
    fusion: str = "attention",
    dilations: list[int] | None = None,
    kernels: list[int] | None = None,
    activation: str = "leaky_relu",
    **_: Any,
) -> Array:
    name = "attention.branches" if fusion == "attention" else "branches"
    results = []
    shapes = zip(kernels or [1, 3, 3, 3], dilations or [1, 1, widest // 2, widest], strict=True)
    for index, (kernel, dilation) in enumerate(shapes):
        padding = dilation * (kernel // 2)
        results.append(naive.conv(x, module, f"{name}.{index}", padding=padding, dilation=dilation))
    if fusion == "attention":
        return _attended(module, x, "attention", results)
    joined = batch_norm(linear(np.concatenate(results, 1), module, "join.0"), module, "join.1")
    return np.where(joined > 0, joined, (0.01 if activation == "leaky_relu" else 0) * joined)


def sk(
    module: nn.Module,
    x: Array,
    branches: int = 2,
    groups: int = 1,
    kernels: list[int] | None = None,
    dilations: list[int] | None = None,
    **_: Any,
) -> Array:
    results = []
    shapes = zip(kernels or [3] * branches, dilations or range(1, branches + 1), strict=True)
    for index, (kernel, dilation) in enumerate(shapes):
        padding = dilation * (kernel // 2)
        convolved = naive.conv(x, module, f"branches.{index}.0", padding=padding, dilation=dilation, groups=groups)
        results.append(relu(batch_norm(convolved, module, f"branches.{index}.1")))
    pooled = naive.mean(sum(results))
    scores = linear(relu(batch_norm(linear(pooled, module, "squeeze.0"), module, "squeeze.1")), module, "select")
    y: Array = np.zeros_like(results[0])
    for b in range(len(x)):
        for c in range(y.shape[1]):
            weights = softmax(scores[b, c :: y.shape[1]])
            y[b, c] = sum(w * result[b, c] for w, result in zip(weights, results, strict=True))
    return y


def odconv(
    module: nn.Module,
    x: Array,
    kernels: int = 4,
    kernel: int = 3,
    dilation: int = 1,
    temperature: float = 1.0,
    **_: Any,
) -> Array:
    dims = x.ndim - 2
    hidden = relu(batch_norm(linear(naive.mean(x), module, "squeeze.0"), module, "squeeze.1"))
    channel, filters = (sigmoid(linear(hidden, module, part) / temperature) for part in ("channel", "filter"))
    bank = weight(module, "weight")
    results = []
    for b in range(len(x)):
        shares = softmax(linear(hidden, module, "kernel")[b] / temperature) if kernels > 1 else np.ones(1)
        built = sum(share * one for share, one in zip(shares, bank, strict=True))
        if kernel > 1:
            built = built * sigmoid(linear(hidden, module, "place")[b] / temperature).reshape((kernel,) * dims)
        image = x[b : b + 1] * channel[b].reshape(1, -1, *[1] * dims)
        y = naive.convolution(image, built, [1] * dims, [dilation * (kernel // 2)] * dims, dilation)
        results.append(y * filters[b].reshape(1, -1, *[1] * dims))
    return np.concatenate(results)


def res2net(module: nn.Module, x: Array, scale: int = 4, cascade: bool = True, **_: Any) -> Array:
    parts = np.split(relu(batch_norm(linear(x, module, "split"), module, "split_norm")), scale, 1)
    found: list[Array] = []
    for index, part in enumerate(parts[: max(scale - 1, 1)]):
        convolved = naive.conv(part + found[-1] if found and cascade else part, module, f"parts.{index}.0", padding=1)
        found.append(relu(batch_norm(convolved, module, f"parts.{index}.1")))
    if scale > 1:
        found.append(parts[-1] if cascade else _mean_around(parts[-1]))
    joined = linear(np.concatenate(found, 1), module, "join")
    return relu(batch_norm(joined, module, "join_norm") + x)


def _mean_around(x: Array) -> Array:
    """The mean over three positions an axis, of which those outside count as zeros."""
    y: Array = np.empty_like(x)
    for p in naive.positions(x):
        near = x[(..., *(slice(max(i - 1, 0), i + 2) for i in p))]
        y[(..., *p)] = near.reshape(*x.shape[:2], -1).sum(2) / 3 ** len(p)
    return y


def scale(module: nn.Module, features: list[Array], width: int = 4, **_: Any) -> Array:
    size = features[0].shape[2:]
    levels = [naive.interpolate(linear(f, module, f"reduce.{index}"), size) for index, f in enumerate(features)]
    x = np.concatenate(levels, 1)
    pooled = sum(
        linear(relu(linear(pool(x), module, "gate.perceptron.0")), module, "gate.perceptron.2")
        for pool in (naive.mean, naive.maximum)
    )
    gated = x.copy()
    for level in range(len(levels)):
        rows = slice(level * width, (level + 1) * width)
        gate = sigmoid(pooled[:, rows].mean(1))
        gated[:, rows] *= gate.reshape(-1, 1, *[1] * len(size))
    hidden = relu(batch_norm(naive.conv(gated, module, "gate.spread.0", padding=1), module, "gate.spread.1"))
    scores = sigmoid(relu(linear(hidden, module, "gate.score.0")))
    placed = gated * np.repeat(scores, width, 1)
    joined = naive.conv(relu(placed + gated + x), module, "gate.join.0", padding=1)
    return relu(batch_norm(joined, module, "gate.join.1"))


EQUATIONS: dict[str, Any] = {
    "inception": (inception, [{}, {"largest": 3, "pool": False}]),
    "asymmetric": (asymmetric, [{}, {"kernel": 5}, {"fusion": "sum"}, {"fusion": "sum", "groups": 2}]),
    "aspp": (
        aspp,
        [
            {},
            {"widest": 2, "fusion": "concatenate"},
            {"fusion": "concatenate", "kernels": [3, 5], "dilations": [2, 1], "activation": "relu", "in_channels": 6},
        ],
    ),
    "sk": (sk, [{}, {"branches": 3, "groups": 4}, {"kernels": [3, 5], "dilations": [2, 1], "in_channels": 6}]),
    "odconv": (odconv, [{}, {"kernels": 1}, {"kernel": 1, "temperature": 30.0}, {"dilation": 2}]),
    "res2net": (res2net, [{}, {"scale": 2, "ratio": 0.5}, {"scale": 1}, {"cascade": False}]),
    "scale": (scale, [{}, {"width": 2}]),
}
