"""Gates since the survey: parameter-free, along strips, by large kernels."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from torch import nn

from tests.search_spaces.attention import naive
from tests.search_spaces.attention.naive import Array, batch_norm, linear, relu, sigmoid, softmax, weight


def simam(module: nn.Module, x: Array, regularisation: float = 1e-4, **_: Any) -> Array:
    squares = (x - naive.mean(x).reshape(*x.shape[:2], *[1] * (x.ndim - 2))) ** 2
    y = np.empty_like(x)
    for b, c in np.ndindex(*x.shape[:2]):
        variance = squares[b, c].sum() / (squares[b, c].size - 1)
        y[b, c] = x[b, c] * sigmoid(squares[b, c] / (4 * (variance + regularisation)) + 0.5)
    return y


def triplet(module: nn.Module, x: Array, kernel: int = 7, channel: bool = True, **_: Any) -> Array:
    dims = x.ndim - 2
    gated = []
    for index, axis in enumerate([*range(2, x.ndim), 1] if channel else range(2, x.ndim)):
        turned = x.swapaxes(1, axis)
        maps = np.stack([turned.max(1), turned.mean(1)], 1)
        taps = weight(module, f"gates.{index}.conv.weight")
        scores = batch_norm(
            naive.convolution(maps, taps, [1] * dims, [kernel // 2] * dims), module, f"gates.{index}.norm"
        )
        gated.append((turned * sigmoid(scores)).swapaxes(1, axis))
    return sum(gated) / len(gated)


def strip(x: Array, axis: int) -> Array:
    """Means over all spatial axes but one, as a map with axes of length 1 for them."""
    return x.mean(tuple(other for other in range(2, x.ndim) if other != axis), keepdims=True)


def efficient_multiscale(module: nn.Module, x: Array, groups: int = 4, **_: Any) -> Array:
    results = []
    for part in np.split(x, math.gcd(groups, x.shape[1]), 1):
        first = part
        for axis in range(2, x.ndim):
            first = first * sigmoid(linear(strip(part, axis), module, "strip"))
        first = naive.group_norm(first, module, "norm", part.shape[1])
        second = naive.conv(part, module, "spread", padding=1)
        y = np.empty_like(part)
        for b in range(len(x)):
            scores = np.zeros(x.shape[2:])
            for one, other in ((first, second), (second, first)):
                for c, share in enumerate(softmax(naive.mean(one)[b])):
                    scores += share * other[b, c]
            y[b] = part[b] * sigmoid(scores)
        results.append(y)
    return np.concatenate(results, 1)


def ela(module: nn.Module, x: Array, kernel: int = 7, group_width: int = 1, norm_groups: int = 16, **_: Any) -> Array:
    y = x
    for axis in range(2, x.ndim):
        means = strip(x, axis)
        line = means.reshape(*x.shape[:2], -1)
        line = naive.conv(line, module, "conv", padding=kernel // 2, groups=x.shape[1] // group_width)
        line = naive.group_norm(line, module, "norm", math.gcd(x.shape[1], norm_groups))
        y = y * sigmoid(line).reshape(means.shape)
    return y


def _large_kernels(module: nn.Module, x: Array, name: str, reach: int, lines: bool) -> Array:
    first, second, dilation = {7: (3, 3, 2), 11: (3, 5, 2), 23: (5, 7, 3)}[reach]
    dims, index, y = x.ndim - 2, 0, x
    for side, spread in ((first, 1), (second, dilation)):
        for axis in reversed(range(dims)) if lines else [None]:
            padding = [spread * (side // 2) if axis in (None, other) else 0 for other in range(dims)]
            taps, bias = weight(module, f"{name}spread.{index}.weight"), weight(module, f"{name}spread.{index}.bias")
            y = np.concatenate(
                [
                    naive.convolution(y[:, c : c + 1], taps[c : c + 1], [1] * dims, padding, spread) + bias[c]
                    for c in range(x.shape[1])
                ],
                1,
            )
            index += 1
    return x * linear(y, module, f"{name}spread.{index}")


def _large_kernel_layer(module: nn.Module, x: Array, reach: int, form: str, lines: bool) -> Array:
    if form == "gate":
        return _large_kernels(module, x, "layer.", reach, lines)
    name = "layer.attention.1" if form == "block" else "layer"
    given = batch_norm(x, module, "layer.attention.0") if form == "block" else x
    inner = naive.gelu(linear(given, module, f"{name}.layers.0"))
    found = given + linear(_large_kernels(module, inner, f"{name}.layers.2.", reach, lines), module, f"{name}.layers.3")
    if form == "attention":
        return found
    scales = weight(module, "layer.scales")
    x = x + scales[0] * found
    hidden = linear(batch_norm(x, module, "layer.perceptron.0"), module, "layer.perceptron.1")
    hidden = naive.gelu(naive.conv(hidden, module, "layer.perceptron.2", padding=1, groups=hidden.shape[1]))
    return x + scales[1] * linear(hidden, module, "layer.perceptron.4")


def lka(module: nn.Module, x: Array, reach: int = 23, form: str = "gate", **_: Any) -> Array:
    return _large_kernel_layer(module, x, reach, form, lines=False)


def lska(module: nn.Module, x: Array, reach: int = 23, form: str = "gate", **_: Any) -> Array:
    return _large_kernel_layer(module, x, reach, form, lines=True)


def shuffle(module: nn.Module, x: Array, groups: int = 4, **_: Any) -> Array:
    parts = []
    for part in np.split(x, groups, 1):
        half = part.shape[1] // 2
        first, second = part[:, :half], part[:, half:]
        means = naive.mean(first).reshape(*first.shape[:2], *[1] * (x.ndim - 2))
        parts.append(first * sigmoid(weight(module, "mean_scale") * means + weight(module, "mean_shift")))
        normal = naive.group_norm(second, module, "norm", second.shape[1])
        parts.append(second * sigmoid(weight(module, "place_scale") * normal + weight(module, "place_shift")))
    joined = np.concatenate(parts, 1)
    y = np.empty_like(x)
    for i in range(x.shape[1] // 2):
        y[:, 2 * i], y[:, 2 * i + 1] = joined[:, i], joined[:, x.shape[1] // 2 + i]
    return y


def polarized(module: nn.Module, x: Array, arrangement: str = "parallel", softmax: str = "query", **_: Any) -> Array:
    def by_channel(x: Array) -> Array:
        asked = linear(x, module, "channels.query").reshape(len(x), -1)
        shares = np.stack([naive.softmax(scores) for scores in asked])
        values = linear(x, module, "channels.value").reshape(len(x), -1, shares.shape[1])
        found = np.einsum("bcn,bn->bc", values, shares)
        if arrangement == "parallel":
            found = linear(found, module, "channels.expand")
        else:
            hidden = linear(found, module, "channels.expand.0")
            hidden = relu(naive.group_norm(hidden, module, "channels.expand.1", 1))
            found = linear(hidden, module, "channels.expand.3")
        return sigmoid(found).reshape(*found.shape, *[1] * (x.ndim - 2))

    def by_place(x: Array) -> Array:
        query, values = naive.mean(linear(x, module, "places.query")), linear(x, module, "places.value")
        y = np.empty((len(x), 1, *x.shape[2:]))
        for b in range(len(x)):
            asked = naive.softmax(query[b]) if softmax == "query" else query[b]
            given = np.stack([naive.softmax(v) for v in values[b]]) if softmax == "value" else values[b]
            scores = sum(q * v for q, v in zip(asked, given, strict=True))
            y[b, 0] = sigmoid(naive.softmax(scores) if softmax == "after" else scores)
        return y

    if arrangement == "parallel":
        return x * by_channel(x) + x * by_place(x)
    z = x * by_channel(x)
    return z * by_place(z)


EQUATIONS: dict[str, Any] = {
    "simam": (simam, [{}, {"regularisation": 0.5}]),
    "triplet": (triplet, [{}, {"kernel": 3, "channel": False}]),
    "efficient_multiscale": (efficient_multiscale, [{}, {"groups": 1}]),
    "ela": (ela, [{}, {"kernel": 5, "group_width": 4, "norm_groups": 2}]),
    "lka": (lka, [{"reach": 7}, {"reach": 11, "form": "attention"}]),
    "lska": (lska, [{}, {"reach": 7, "form": "block"}]),
    "shuffle": (shuffle, [{}, {"groups": 1}]),
    "polarized": (
        polarized,
        [{}, {"softmax": "after"}, {"arrangement": "sequential", "softmax": "value"}],
    ),
}
