"""Mechanisms since the survey that convolve: split, contextual, multi-scale, by learned maps, by strips."""

from __future__ import annotations

import itertools
import math
from typing import Any

import numpy as np
from torch import nn

from tests.search_spaces.attention import naive
from tests.search_spaces.attention.equations.recent import strip as means_along
from tests.search_spaces.attention.naive import Array, batch_norm, conv, linear, relu, sigmoid, softmax, weight


def _strips(module: nn.Module, x: Array, name: str) -> Array:
    """The sum of short convolutions along the axes, spread over the map."""
    y: Array = np.zeros_like(x)
    for axis in range(2, x.ndim):
        means = means_along(x, axis)
        line = conv(means.reshape(*x.shape[:2], -1), module, f"{name}.convolutions.{axis - 2}.0", padding=1)
        y += batch_norm(line, module, f"{name}.convolutions.{axis - 2}.1").reshape(means.shape)
    return y


def strip(module: nn.Module, x: Array, form: str = "gate", pool: int = 8, **_: Any) -> Array:
    if form == "gate":
        return x * sigmoid(linear(relu(_strips(module, x, "layer.context")), module, "layer.project"))

    def convolved(y: Array, name: str) -> Array:
        return batch_norm(conv(y, module, f"layer.{name}.0", padding=1), module, f"layer.{name}.1")

    first, second = (relu(convolved(x, f"reduce.{index}.0")) for index in (0, 1))
    square = convolved(first, "spread.0")
    for index, side in enumerate((pool, pool // 2)):
        pooled = naive.adaptive_mean(first, (side,) * (x.ndim - 2))
        square = square + naive.aligned(convolved(pooled, f"spread.{index + 1}"), x.shape[2:])
    sides = (square, _strips(module, second, "layer.context"))
    mixed = [relu(convolved(relu(side), f"mix.{index}.1")) for index, side in enumerate(sides)]
    return relu(x + convolved(np.concatenate(mixed, 1), "join"))


def split(
    module: nn.Module, x: Array, radix: int = 2, groups: int = 1, kernel: int = 3, dilation: int = 1, **_: Any
) -> Array:
    shares = math.gcd(radix * groups, x.shape[1])
    convolved = conv(x, module, "conv", padding=dilation * (kernel // 2), dilation=dilation, groups=shares)
    splits = np.split(relu(batch_norm(convolved, module, "norm.0")), radix, 1)
    squeezed = relu(batch_norm(_grouped(naive.mean(sum(splits)), module, "squeeze.0", groups), module, "squeeze.1"))
    scores = _grouped(squeezed, module, "score", groups)
    y: Array = np.zeros_like(splits[0])
    width = y.shape[1] // groups
    for b, c in np.ndindex(len(x), y.shape[1]):
        group, place = divmod(c, width)
        own = np.array([scores[b, (group * radix + r) * width + place] for r in range(radix)])
        weights = softmax(own) if radix > 1 else sigmoid(own)
        y[b, c] = sum(w * one[b, c] for w, one in zip(weights, splits, strict=True))
    return y


def _grouped(x: Array, module: nn.Module, name: str, groups: int) -> Array:
    """A 1x1 convolution of ``(batch, channels)`` in groups."""
    rows = np.split(weight(module, f"{name}.weight").squeeze(), groups)
    parts = [np.einsum("oc,bc->bo", row, part) for row, part in zip(rows, np.split(x, groups, 1), strict=True)]
    return np.concatenate(parts, 1) + weight(module, f"{name}.bias")


def cot(module: nn.Module, x: Array, kernel: int = 3, **_: Any) -> Array:
    channels, reach = x.shape[1], kernel // 2
    maps = max(channels // 8, 1)
    context = relu(
        batch_norm(conv(x, module, "context.0", padding=reach, groups=math.gcd(channels, 4)), module, "context.1")
    )
    hidden = relu(batch_norm(linear(np.concatenate([x, context], 1), module, "weigh.0"), module, "weigh.1"))
    weights = naive.group_norm(linear(hidden, module, "weigh.3"), module, "weigh.4", maps)
    value = batch_norm(linear(x, module, "value.0"), module, "value.1")
    around: Array = np.zeros_like(value)
    for p in naive.positions(x):
        for t, offset in enumerate(itertools.product(range(-reach, reach + 1), repeat=x.ndim - 2)):
            place = tuple(i + o for i, o in zip(p, offset, strict=True))
            if all(0 <= i < n for i, n in zip(place, x.shape[2:], strict=True)):
                for c in range(channels):
                    own = weights[(slice(None), (c % maps) * kernel ** (x.ndim - 2) + t, *p)]
                    around[(slice(None), c, *p)] += own * value[(slice(None), c, *place)]
    around = batch_norm(around, module, "norm.0")
    around = around * sigmoid(around)
    scores = relu(batch_norm(linear(naive.mean(around + context), module, "select.0"), module, "select.1"))
    scores = linear(scores, module, "select.3")
    y = np.empty_like(x)
    for b, c in np.ndindex(*x.shape[:2]):
        shares = softmax(scores[b, 2 * c : 2 * c + 2])
        y[b, c] = shares[0] * around[b, c] + shares[1] * context[b, c]
    return y


def mscam(module: nn.Module, x: Array, **_: Any) -> Array:
    dims = x.ndim - 2
    scores = sum(
        linear(relu(linear(pool(x), module, "channel_gate.perceptron.0")), module, "channel_gate.perceptron.2")
        for pool in (naive.mean, naive.maximum)
    )
    x = x * sigmoid(scores).reshape(*scores.shape, *[1] * dims)
    maps = np.stack([x.max(1), x.mean(1)], 1)
    x = x * sigmoid(conv(maps, module, "spatial_gate.conv", padding=3))

    def capped(y: Array) -> Array:
        return np.clip(y, 0, 6)

    hidden = capped(batch_norm(linear(x, module, "convolve.expand.0"), module, "convolve.expand.1"))
    found: Array = np.zeros_like(hidden)
    for index in range(3):
        name = f"convolve.scales.{index}"
        convolved = conv(hidden, module, f"{name}.0", padding=index, groups=hidden.shape[1])
        found += capped(batch_norm(convolved, module, f"{name}.1"))
    return x + batch_norm(linear(found, module, "convolve.join.0"), module, "convolve.join.1")


def channel_norm(x: Array, module: nn.Module, name: str) -> Array:
    return naive.layer_norm(x.reshape(*x.shape[:2], -1), module, name, 1e-6).reshape(x.shape)


def hadamard(module: nn.Module, x: Array, **_: Any) -> Array:
    dims, size = x.ndim - 2, x.shape[2:]
    share = x.shape[1] // (dims + 2)

    def refined(y: Array, name: str) -> Array:
        return linear(naive.gelu(conv(y, module, f"{name}.0", padding=1, groups=y.shape[1])), module, f"{name}.2")

    normal, results = channel_norm(x, module, "norm1"), []
    for index in range(dims + 1):
        learned = weight(module, f"maps.{index}.learned")
        shape = size if index == 0 else (size[index - 1],)
        gate = refined(naive.aligned(learned, shape), f"maps.{index}.refine")
        if index:
            gate = gate.reshape(1, share, *(n if axis == index - 1 else 1 for axis, n in enumerate(size)))
        results.append(normal[:, index * share : (index + 1) * share] * gate)
    last = naive.gelu(linear(normal[:, (dims + 1) * share :], module, "last.0"))
    results.append(conv(last, module, "last.2", padding=1, groups=last.shape[1]))
    return refined(channel_norm(np.concatenate(results, 1), module, "norm2"), "join")


EQUATIONS: dict[str, Any] = {
    "strip": (strip, [{}, {"form": "mixed", "pool": 4}]),
    "split": (split, [{}, {"radix": 1}, {"groups": 2, "dilation": 2, "bias": True}, {"radix": 4, "in_channels": 6}]),
    "cot": (cot, [{}, {"kernel": 5, "reduction": 1}]),
    "mscam": (mscam, [{"expansion": 1}]),
    "hadamard": (hadamard, [{}, {"in_channels": 11, "side": 5}]),
}
