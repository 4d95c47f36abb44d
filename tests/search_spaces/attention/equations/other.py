"""Frequency, category, temporal and hard attention."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from torch import nn

from tests.search_spaces.attention import naive
from tests.search_spaces.attention.naive import Array, batch_norm, linear, relu, sigmoid, softmax, weight

TOP = [
    (0, 0),
    (0, 1),
    (6, 0),
    (0, 5),
    (0, 2),
    (1, 0),
    (1, 2),
    (4, 0),
    (5, 0),
    (1, 6),
    (3, 0),
    (0, 4),
    (0, 6),
    (0, 3),
    (3, 5),
    (2, 2),
]


def fca(module: nn.Module, x: Array, frequencies: int = 8, selection: str = "top", **_: Any) -> Array:
    dims, channels = x.ndim - 2, x.shape[1]
    if selection == "top":
        chosen = [(*[0] * (dims - 2), *pair) for pair in TOP[:frequencies]]
    else:
        chosen = sorted(np.ndindex(*[7] * dims), key=lambda f: (sum(f), f))[:frequencies]
    chosen = chosen[:channels]
    pooled = naive.adaptive_mean(x, (7,) * dims)
    spectrum: Array = np.zeros((len(x), channels))
    for c in range(channels):
        frequency = chosen[c * len(chosen) // channels]
        for p in naive.positions(pooled):
            basis = 1.0
            for u, i in zip(frequency, p, strict=True):
                basis *= math.cos(math.pi * u * (i + 0.5) / 7) / math.sqrt(7) * (math.sqrt(2) if u else 1)
            spectrum[:, c] += pooled[(slice(None), c, *p)] * basis
    gate = sigmoid(linear(relu(linear(spectrum, module, "squeeze")), module, "excite"))
    return x * gate.reshape(*gate.shape, *[1] * dims)


def ocr(module: nn.Module, x: Array, prediction: Array, **_: Any) -> Array:
    logits = naive.interpolate(prediction, x.shape[2:])
    regions: Array = np.zeros((len(x), x.shape[1], logits.shape[1]))
    for b in range(len(x)):
        for k in range(logits.shape[1]):
            share = softmax(logits[b, k])
            for p in naive.positions(x):
                regions[b, :, k] += share[p] * x[(b, slice(None), *p)]

    def layers(features: Array, name: str, count: int) -> Array:
        for index in range(count):
            features = relu(
                batch_norm(linear(features, module, f"{name}.{3 * index}"), module, f"{name}.{3 * index + 1}")
            )
        return features

    context = naive.attention(layers(x, "query", 2), layers(regions, "key", 2), layers(regions, "value", 1), 1)
    joined = np.concatenate([layers(context, "expand", 1), x], 1)
    return layers(joined, "join", 1)


def iau(module: nn.Module, x: Array, parts: int = 4, scaled: bool = True, **_: Any) -> Array:
    dims, channels = x.ndim - 2, x.shape[1]
    slices = 1 if dims == 2 else x.shape[2]
    rows = x.reshape(len(x), channels * slices, -1)
    mixed: Array = np.zeros_like(rows)
    for b in range(len(x)):
        for i in range(rows.shape[1]):
            scores = np.array([rows[b, i] @ other for other in rows[b]]) / (rows.shape[2] if scaled else 1)
            mixed[b, i] = sum(w * other for w, other in zip(softmax(scores), rows[b], strict=True))
    z = x + batch_norm(linear(mixed.reshape(x.shape), module, "channel"), module, "channel_norm")
    masks = sigmoid(batch_norm(linear(z, module, "masks.0"), module, "masks.1"))
    values = z.reshape(len(x), channels, slices, -1)
    shares = masks.reshape(len(x), parts, slices, -1)
    whole = linear(naive.mean(z), module, "embed")
    y = z.copy()
    half = whole.shape[1]
    for b in range(len(x)):
        nodes = {
            (s, k): linear((values[b, :, s] @ shares[b, k, s])[None], module, "embed")[0]
            for s in range(slices)
            for k in range(parts)
        }
        updated = {}
        for (s, k), own in nodes.items():
            others = [(t, j) for (t, j) in nodes if (t == s) != (j == k)]
            if others:
                scores = []
                for other in others:
                    pair = np.concatenate([np.abs(own - nodes[other]), whole[b]])[None, :, None, None]
                    scores.append(batch_norm(linear(pair, module, "relation.0"), module, "relation.1").item())
                received = sum(w * nodes[o] for w, o in zip(softmax(np.array(scores)), others, strict=True))
            pair = np.concatenate([own, received])[None, :, None]
            updated[s, k] = relu(batch_norm(linear(pair, module, "update.0"), module, "update.1"))[0, :, 0]
        for s in range(slices):
            context = np.concatenate([sum(updated[s, k] for k in range(parts)) / parts, whole[b]])
            context = context.reshape(1, 2 * half, *[1] * dims)
            added = batch_norm(linear(context, module, "context"), module, "context_norm")[0]
            place = (b,) if dims == 2 else (b, slice(None), slice(s, s + 1))
            y[place] += added
    return y


def interaction(module: nn.Module, x: Array, spread: float = 4.0, scaled: bool = True, **_: Any) -> Array:
    mixed: Array = np.zeros_like(x)
    for b in range(len(x)):
        for i in naive.positions(x):
            here = x[(b, slice(None), *i)]
            prior, alike = np.zeros(x.shape[2:]), np.zeros(x.shape[2:])
            for j in naive.positions(x):
                prior[j] = -sum((p - q) ** 2 for p, q in zip(i, j, strict=True)) / (2 * spread**2)
                alike[j] = here @ x[(b, slice(None), *j)] / math.sqrt(x.shape[1])
            weights = softmax(softmax(prior) * softmax(alike))
            for j in naive.positions(x):
                mixed[(b, slice(None), *i)] += weights[j] * x[(b, slice(None), *j)]
    z = x + batch_norm(mixed, module, "place_norm")
    rows = z.reshape(*x.shape[:2], -1)
    taken: Array = np.zeros_like(rows)
    for b in range(len(x)):
        for c in range(x.shape[1]):
            scores = np.array([rows[b, c] @ other for other in rows[b]]) / (rows.shape[2] if scaled else 1)
            taken[b, c] = sum(w * other for w, other in zip(softmax(scores), rows[b], strict=True))
    return z + batch_norm(taken.reshape(x.shape), module, "channel_norm")


def hard_mask(module: nn.Module, x: Array, mode: str = "threshold", share: float = 0.5, **_: Any) -> Array:
    soft = sigmoid(linear(x, module, "score"))
    y: Array = np.zeros_like(x)
    for b in range(len(x)):
        ranked = sorted(naive.positions(x), key=lambda p: -soft[(b, 0, *p)])
        kept = [p for p in ranked if soft[(b, 0, *p)] > share]
        if mode == "top":
            kept = ranked[: max(round(share * len(ranked)), 1)]
        for p in kept:
            y[(b, slice(None), *p)] = x[(b, slice(None), *p)]
    return y


def _missed(prediction: Array, size: tuple[int, ...]) -> Array:
    """Probability of the background, ``(batch, 1, *size)``."""
    logits = naive.interpolate(prediction, size)
    shares = np.exp(logits - logits.max(1, keepdims=True))
    return shares[:, :1] / shares.sum(1, keepdims=True)


def reverse(module: nn.Module, x: Array, prediction: Array, keep: bool = False, **_: Any) -> Array:
    return x * (_missed(prediction, x.shape[2:]) + keep)


def axial_reverse(module: nn.Module, x: Array, prediction: Array, **_: Any) -> Array:
    y = naive.conv(linear(x, module, "axial.point"), module, "axial.spread", padding=1)
    for index in range(x.ndim - 2):
        name, axis = f"axial.axes.{index}", 2 + index
        query, key, value = (linear(y, module, f"{name}.{part}") for part in ("query", "key", "value"))
        found: Array = np.zeros_like(y)
        for b in range(len(x)):
            for i in range(y.shape[axis]):
                for j in range(y.shape[axis]):
                    score = sigmoid((query.take(i, axis)[b] * key.take(j, axis)[b]).sum())
                    place = (b, *[slice(None)] * (axis - 1), i)
                    found[place] += score * value.take(j, axis)[b]
        y = weight(module, f"{name}.gamma") * found + y
    return y * _missed(prediction, x.shape[2:])


def ss2d(module: nn.Module, x: Array, kernel: int = 3, residual: bool = True, **_: Any) -> Array:
    dims = x.ndim - 2

    def normal(y: Array, name: str) -> Array:
        return naive.layer_norm(y.reshape(*y.shape[:2], -1), module, name, 1e-5).reshape(y.shape)

    u, z = np.split(linear(normal(x, "norm") if residual else x, module, "layer.expand"), 2, 1)
    u = naive.conv(u, module, "layer.spread", padding=kernel // 2, groups=u.shape[1])
    u = u * sigmoid(u)
    project, log_rates = weight(module, "layer.scan.project"), weight(module, "layer.scan.log_rates")
    width, state = log_rates.shape[1:]
    scanned: Array = np.zeros_like(u)
    for direction in range(2 * dims):
        fastest = dims - 1 - direction % dims
        order = sorted(naive.positions(u), key=lambda p: (*p[:fastest], *p[fastest + 1 :], p[fastest]))
        for b in range(len(x)):
            h = np.zeros((width, state))
            for p in order if direction < dims else reversed(order):
                given = u[(b, slice(None), *p)]
                steps, inward, outward = np.split(project[direction] @ given, [-2 * state, -state])
                scores = weight(module, "layer.scan.step_weight")[direction] @ steps
                delta = np.log1p(np.exp(scores + weight(module, "layer.scan.step_bias")[direction]))
                decay = np.exp(-delta[:, None] * np.exp(log_rates[direction]))
                h = decay * h + (delta * given)[:, None] * inward
                passed = weight(module, "layer.scan.passing")[direction] * given
                scanned[(b, slice(None), *p)] += h @ outward + passed
    found = linear(normal(scanned, "layer.norm") * z * sigmoid(z), module, "layer.project")
    return x + found if residual else found


EQUATIONS: dict[str, Any] = {
    "fca": (fca, [{}, {"frequencies": 3, "selection": "low"}, {"frequencies": 16}]),
    "ocr": (ocr, [{}, {"in_channels": 6}]),
    "iau": (iau, [{}, {"parts": 2, "scaled": False}]),
    "interaction": (interaction, [{}, {"spread": 2.0, "scaled": False}]),
    "hard_mask": (hard_mask, [{}, {"mode": "top", "share": 0.25}]),
    "ss2d": (ss2d, [{}, {"state": 2, "expand": 2, "residual": False}]),
    "reverse": (reverse, [{}, {"keep": True}]),
    "axial_reverse": (axial_reverse, [{}]),
}
