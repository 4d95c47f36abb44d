"""Gates on skips."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from torch import nn

from tests.search_spaces.attention import naive
from tests.search_spaces.attention.naive import Array, batch_norm, linear, relu, sigmoid, weight


def attention_gate(
    module: nn.Module,
    x: Array,
    gate: Array,
    variant: str = "grid",
    stride: int = 2,
    normalise: str = "sigmoid",
    activation: str = "relu",
    gates: int = 1,
    fuse: bool = False,
    **_: Any,
) -> Array:
    def weights(scores: Array) -> Array:
        if normalise == "sigmoid":
            return sigmoid(scores)
        return np.stack([naive.softmax(sample) for sample in scores])

    act = relu if activation == "relu" else lambda scores: np.log1p(np.exp(scores))
    gated = []
    for name in (f"gates.{index}" for index in range(gates)):
        phi = linear(gate, module, f"{name}.phi")
        if variant == "grid":
            dims = x.ndim - 2
            theta = naive.convolution(x, weight(module, f"{name}.theta.weight"), [stride] * dims, [0] * dims)
            hidden = act(theta + naive.interpolate(phi, theta.shape[2:]))
            alpha = naive.interpolate(weights(linear(hidden, module, f"{name}.psi")), x.shape[2:])
            gated.append(batch_norm(linear(alpha * x, module, f"{name}.project"), module, f"{name}.norm"))
        else:
            theta = batch_norm(linear(x, module, f"{name}.theta"), module, f"{name}.theta_norm")
            phi = naive.interpolate(gate, x.shape[2:])
            phi = batch_norm(linear(phi, module, f"{name}.phi"), module, f"{name}.phi_norm")
            scores = linear(act(theta + phi), module, f"{name}.psi")
            gated.append(weights(batch_norm(scores, module, f"{name}.psi_norm")) * x)
    if not fuse and gates == 1:
        return gated[0]
    return relu(batch_norm(linear(np.concatenate(gated, 1), module, "fuse.0"), module, "fuse.1"))


def sine_positions(channels: int, size: tuple[int, ...]) -> Array:
    """Sines, then cosines, of the coordinate of each axis in its share of the channels."""
    table = np.zeros((channels, *size))
    share = channels // len(size)
    for axis in range(len(size)):
        first = axis * share
        count = share if axis < len(size) - 1 else channels - first
        for c in range(count):
            half = (count + 1) // 2
            rate = 10000 ** (-2 * (c if c < half else c - half) / count)
            for p in np.ndindex(*size):
                table[(first + c, *p)] = (math.sin if c < half else math.cos)(rate * p[axis])
    return table


def cross(module: nn.Module, x: Array, gate: Array, position: bool = True, **_: Any) -> Array:
    asked = gate + sine_positions(gate.shape[1], gate.shape[2:]) if position else gate
    values = x + sine_positions(x.shape[1], x.shape[2:]) if position else x
    halved: Array = np.empty((*x.shape[:2], *gate.shape[2:]))
    for p in naive.positions(halved):
        halved[(..., *p)] = values[(..., *(slice(2 * i, 2 * i + 2) for i in p))].reshape(*x.shape[:2], -1).max(2)
    found = naive.attention(
        linear(asked, module, "query"), linear(asked, module, "key"), linear(halved, module, "value"), module.heads
    )
    z = sigmoid(batch_norm(linear(found, module, "project"), module, "norm"))
    return x * naive.interpolate(z, x.shape[2:])


def lgag(module: nn.Module, x: Array, gate: Array, kernel: int = 3, reduction: int = 2, **_: Any) -> Array:
    width = max(x.shape[1] // reduction, 4)
    found: Any = 0
    for name, given in (("skip", x), ("gate", naive.interpolate(gate, x.shape[2:]))):
        convolved = naive.conv(given, module, f"{name}.0", padding=kernel // 2, groups=math.gcd(given.shape[1], width))
        found = found + batch_norm(convolved, module, f"{name}.1")
    return x * sigmoid(batch_norm(linear(relu(found), module, "score.0"), module, "score.1"))


def group_bridge(module: nn.Module, x: Array, gate: Array, **_: Any) -> Array:
    mask = naive.aligned(linear(gate, module, "predict"), x.shape[2:])
    deep = naive.aligned(linear(gate, module, "bridge.project"), x.shape[2:])

    def normal(y: Array, name: str) -> Array:
        return naive.layer_norm(y.reshape(*y.shape[:2], -1), module, name, 1e-6).reshape(y.shape)

    found = []
    for index, dilation in enumerate((1, 2, 5, 7)):
        rows = np.array_split(np.arange(x.shape[1]), 4)[index]
        joined = np.concatenate([deep[:, rows], x[:, rows], mask], 1)
        name = f"bridge.spread.{index}"
        found.append(
            naive.conv(
                normal(joined, f"{name}.0"),
                module,
                f"{name}.1",
                padding=dilation,
                dilation=dilation,
                groups=joined.shape[1],
            )
        )
    return linear(normal(np.concatenate(found, 1), "bridge.join.0"), module, "bridge.join.1")


EQUATIONS: dict[str, Any] = {
    "attention_gate": (
        attention_gate,
        [
            {},
            {"stride": 1, "normalise": "softmax"},
            {"variant": "same_resolution"},
            {"variant": "same_resolution", "gates": 2},
            {"gates": 2},
            {"fuse": True},
            {"activation": "softplus"},
        ],
    ),
    "lgag": (lgag, [{}, {"kernel": 5, "reduction": 1}]),
    "group_bridge": (group_bridge, [{}]),
    "cross": (cross, [{}, {"heads": 2, "position": False}]),
}
