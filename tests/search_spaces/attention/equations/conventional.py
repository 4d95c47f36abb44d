"""Channel, spatial and dual attention."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from torch import nn

from tests.search_spaces.attention import naive
from tests.search_spaces.attention.naive import Array, batch_norm, linear, relu, sigmoid, weight


def se(module: nn.Module, x: Array, pool: str = "mean", gate: str = "sigmoid", **_: Any) -> Array:
    squeezed = {
        "mean": naive.mean(x),
        "max": naive.maximum(x),
        "both": naive.mean(x) / 2 + naive.maximum(x) / 2,
    }[pool]
    scores = linear(relu(linear(squeezed, module, "squeeze")), module, "excite")
    scores = sigmoid(scores) if gate == "sigmoid" else np.clip(scores / 6 + 0.5, 0, 1)
    y = np.empty_like(x)
    for p in naive.positions(x):
        y[(..., *p)] = scores * x[(..., *p)]
    return y


def eca(module: nn.Module, x: Array, padding: str = "zero", **_: Any) -> Array:
    taps, means, channels = weight(module, "conv.weight")[0, 0], naive.mean(x), x.shape[1]
    y = np.empty_like(x)
    for c in range(channels):
        score = np.zeros(x.shape[0])
        for t, tap in enumerate(taps):
            neighbour = c + t - len(taps) // 2
            if padding == "circular":
                neighbour %= channels
            if 0 <= neighbour < channels:
                score += tap * means[:, neighbour]
        y[:, c] = sigmoid(score).reshape(-1, *[1] * (x.ndim - 2)) * x[:, c]
    return y


def cbam(module: nn.Module, x: Array, pools: tuple[str, ...] = ("avg", "max"), spatial: bool = True, **_: Any) -> Array:
    flat = x.reshape(*x.shape[:2], -1)
    pooled = {
        "avg": naive.mean(x),
        "max": naive.maximum(x),
        "lp": np.sqrt((flat**2).sum(-1)),
        "lse": np.log(np.exp(flat).sum(-1)),
    }
    scores = np.zeros(x.shape[:2])
    for pool in pools:
        hidden = relu(linear(pooled[pool], module, "channel_gate.perceptron.0"))
        scores += linear(hidden, module, "channel_gate.perceptron.2")
    x = x * sigmoid(scores).reshape(*scores.shape, *[1] * (x.ndim - 2))
    if not spatial:
        return x
    kernel = weight(module, "spatial_gate.conv.weight")
    maps = np.stack([x.max(1), x.mean(1)], 1)
    dims = x.ndim - 2
    scores = naive.convolution(maps, kernel, [1] * dims, [kernel.shape[-1] // 2] * dims)
    if "spatial_gate.norm.weight" in module.state_dict():
        scores = batch_norm(scores, module, "spatial_gate.norm")
    return x * sigmoid(scores)


def coordinate(module: nn.Module, x: Array) -> Array:
    y = x
    for axis in range(2, x.ndim):
        strip = x.mean(tuple(other for other in range(2, x.ndim) if other != axis))
        t = batch_norm(linear(strip, module, "squeeze"), module, "norm")
        hidden = t * np.clip(t + 3, 0, 6) / 6
        gate = sigmoid(linear(hidden, module, f"excite.{axis - 2}"))
        shape = [gate.shape[2] if other == axis else 1 for other in range(2, x.ndim)]
        y = y * gate.reshape(*gate.shape[:2], *shape)
    return y


def bam(module: nn.Module, x: Array, dilation: int = 4, layers: int = 1, combine: str = "sum", **_: Any) -> Array:
    dims, channel = x.ndim - 2, naive.mean(x)
    for index in range(layers):
        channel = linear(channel, module, f"channel.{3 * index}")
        channel = relu(batch_norm(channel, module, f"channel.{3 * index + 1}"))
    channel = linear(channel, module, f"channel.{3 * layers}")
    spatial = relu(batch_norm(linear(x, module, "spatial.0"), module, "spatial.1"))
    for index in (3, 6):
        spatial = naive.conv(spatial, module, f"spatial.{index}", padding=dilation, dilation=dilation)
        spatial = relu(batch_norm(spatial, module, f"spatial.{index + 1}"))
    spatial = linear(spatial, module, "spatial.9")
    channel = channel.reshape(*channel.shape, *[1] * dims)
    return x * (1 + sigmoid(channel + spatial if combine == "sum" else channel * spatial))


def scse(module: nn.Module, x: Array, join: str = "max", **_: Any) -> Array:
    scores = sigmoid(linear(relu(linear(naive.mean(x), module, "channel.squeeze")), module, "channel.excite"))
    by_channel = scores.reshape(*scores.shape, *[1] * (x.ndim - 2)) * x
    by_position = sigmoid(linear(x, module, "spatial")) * x
    return {"max": np.maximum, "sum": np.add, "product": np.multiply}[join](by_channel, by_position)


def gsop(module: nn.Module, x: Array, stride: int = 1, fusion: str = "channel", **_: Any) -> Array:
    dims, results = x.ndim - 2, []

    def rows(matrix: Array, branch: str) -> Array:
        """Four features of each row, by a kernel of its own."""
        kernel, bias = weight(module, f"{branch}.rows.conv.weight"), weight(module, f"{branch}.rows.conv.bias")
        matrix = batch_norm(matrix, module, f"{branch}.rows.norm")
        features = np.empty((len(matrix), len(kernel)))
        for f in range(len(kernel)):
            features[:, f] = matrix[:, f // 4] @ kernel[f, 0] + bias[f]
        return features

    for index, kind in enumerate({"channel": ["c"], "position": ["p"], "sum": ["c", "p"]}[fusion]):
        branch = f"branches.{index}"
        if kind == "c":
            v = relu(
                batch_norm(naive.conv(relu(x), module, f"{branch}.reduce", stride=stride), module, f"{branch}.norm")
            )
            v = v.reshape(*v.shape[:2], -1)
            covariance = np.stack([np.cov(sample, bias=True) for sample in v])
            gate = sigmoid(linear(rows(covariance, branch), module, f"{branch}.expand"))
            results.append(x * gate.reshape(*gate.shape, *[1] * dims))
        else:
            v = batch_norm(linear(relu(x), module, f"{branch}.reduce"), module, f"{branch}.norm")
            v = naive.adaptive_mean(v, (8,) * dims)
            v = v.reshape(*v.shape[:2], -1)
            m, sums = v.shape[2], v.sum(1)
            covariance = np.einsum("bci,bcj->bij", v, v) / m - np.einsum("bi,bj->bij", sums, sums) / m**2
            gate = sigmoid(linear(relu(rows(covariance, branch)), module, f"{branch}.expand"))
            results.append(relu(x * naive.adaptive_mean(gate.reshape(-1, 1, *(8,) * dims), x.shape[2:])))
    return sum(results)


def gather_excite(
    module: nn.Module, x: Array, extent: int = 4, gather: str = "mean", perceptron: bool = False, **_: Any
) -> Array:
    dims = x.ndim - 2
    if gather == "learned":
        context = x
        for index in range(int(math.log2(extent or 8))):
            context = relu(context) if index else context
            context = naive.conv(context, module, f"learned.{index}", stride=2, padding=1, groups=x.shape[1])
            context = batch_norm(context, module, f"norms.{index}")
        if not extent:
            context = naive.mean(context).reshape(*x.shape[:2], *[1] * dims)
    elif extent:
        context = np.empty((*x.shape[:2], *(-(-n // extent) for n in x.shape[2:])))
        for p in naive.positions(context):
            window = tuple(slice(max(i * extent - extent + 1, 0), i * extent + extent) for i in p)
            context[(..., *p)] = x[(..., *window)].reshape(*x.shape[:2], -1).mean(2)
    else:
        context = naive.mean(x).reshape(*x.shape[:2], *[1] * dims)
    if perceptron:
        context = relu(context) if gather == "learned" else context
        context = linear(relu(linear(context, module, "perceptron.0")), module, "perceptron.2")
    y = np.empty_like(x)
    for p in naive.positions(x):  # the nearest gathered value
        near = tuple(i * m // n for i, n, m in zip(p, x.shape[2:], context.shape[2:], strict=True))
        y[(..., *p)] = x[(..., *p)] * sigmoid(context[(..., *near)])
    return y


def psa(
    module: nn.Module,
    x: Array,
    direction: str = "both",
    mask: int = 15,
    softmax: bool = True,
    divisor: float | None = None,
    **_: Any,
) -> Array:
    moved, divisor = [], divisor or (1 if softmax else mask ** (x.ndim - 2))
    for index, way in enumerate(["collect", "distribute"] if direction == "both" else [direction]):
        z = relu(batch_norm(linear(x, module, f"reduce.{index}.0"), module, f"reduce.{index}.1"))
        hidden = relu(batch_norm(linear(z, module, f"attention.{index}.0"), module, f"attention.{index}.1"))
        predicted = linear(hidden, module, f"attention.{index}.3")
        predicted = predicted.reshape(len(x), *(mask,) * (x.ndim - 2), *x.shape[2:])
        y = np.zeros_like(z)
        every = list(naive.positions(x))
        for b in range(len(x)):
            for target in every:
                scores = np.zeros(len(every))
                for s, source in enumerate(every):
                    owner, other = (target, source) if way == "collect" else (source, target)
                    place = tuple(o - i + mask // 2 for o, i in zip(other, owner, strict=True))
                    if all(0 <= i < mask for i in place):
                        scores[s] = predicted[(b, *place, *owner)]
                weights = (naive.softmax(scores) if softmax else scores) / divisor
                for w, source in zip(weights, every, strict=True):
                    y[(b, slice(None), *target)] += w * z[(b, slice(None), *source)]
        moved.append(y)
    joined = relu(batch_norm(linear(np.concatenate(moved, 1), module, "project.0"), module, "project.1"))
    return relu(batch_norm(linear(np.concatenate([x, joined], 1), module, "restore.0"), module, "restore.1"))


def ca_channel(module: nn.Module, x: Array, **_: Any) -> Array:
    f = relu(batch_norm(naive.conv(x, module, "conv1", padding=1), module, "norm1"))
    f = batch_norm(naive.conv(f, module, "conv2", padding=1), module, "norm2")
    gate = sum(
        sigmoid(linear(relu(linear(pool(f), module, "perceptron.0")), module, "perceptron.2"))
        for pool in (naive.mean, naive.maximum)
    )
    shortcut = batch_norm(linear(x, module, "shortcut.0"), module, "shortcut.1")
    gated = relu(f * gate.reshape(*gate.shape, *[1] * (x.ndim - 2)) + shortcut)
    return relu(batch_norm(naive.conv(gated, module, "conv3", padding=1), module, "norm3"))


EQUATIONS: dict[str, Any] = {
    "se": (se, [{}, {"pool": "max"}, {"pool": "both", "gate": "hard_sigmoid"}]),
    "eca": (eca, [{}, {"kernel": 7}, {"kernel": 5, "padding": "circular"}, {"kernel": 1}]),
    "cbam": (
        cbam,
        [{}, {"kernel": 3, "norm": False}, {"spatial": False}, {"pools": ("avg", "max", "lp", "lse"), "kernel": 5}],
    ),
    "coordinate": (coordinate, [{}]),
    "bam": (bam, [{}, {"dilation": 1, "combine": "product"}, {"layers": 2, "spatial_width": 3}]),
    "scse": (scse, [{}, {"join": "sum"}, {"join": "product"}]),
    "gsop": (gsop, [{}, {"width": 4, "stride": 2}, {"width": 4, "fusion": "position"}]),
    "gather_excite": (
        gather_excite,
        [
            {},
            {"extent": 0},
            {"extent": 3},
            {"extent": 2, "gather": "learned"},
            {"extent": 0, "gather": "learned", "perceptron": True},
            {"extent": 2, "perceptron": True},
        ],
    ),
    "psa": (
        psa,
        [
            {"mask": 5},
            {"mask": 9, "direction": "collect"},
            {"mask": 3, "direction": "distribute", "softmax": False},
            {"mask": 3, "direction": "collect", "divisor": 3.0},
        ],
    ),
    "ca_channel": (ca_channel, [{}]),
}
