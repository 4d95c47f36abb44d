"""Self-similarity beyond the survey: dual, linear, by routed regions."""

from __future__ import annotations

import itertools
import math
from typing import Any

import numpy as np
from torch import nn

from tests.search_spaces.attention import naive
from tests.search_spaces.attention.naive import Array, batch_norm, linear, relu, weight


def _position_attention(module: nn.Module, x: Array, name: str) -> Array:
    query, key, value = (linear(x, module, f"{name}.{part}") for part in ("query", "key", "value"))
    y: Array = np.zeros_like(x)
    sources = list(naive.positions(x))
    for b in range(len(x)):
        for i in sources:
            scores = np.array([query[(b, slice(None), *i)] @ key[(b, slice(None), *j)] for j in sources])
            for w, j in zip(naive.softmax(scores), sources, strict=True):
                y[(b, slice(None), *i)] += w * value[(b, slice(None), *j)]
    return weight(module, f"{name}.gamma") * y + x


def _channel_attention(module: nn.Module, x: Array, name: str, sign: int) -> Array:
    y: Array = np.zeros_like(x)
    for b, c in np.ndindex(*x.shape[:2]):
        for w, other in zip(naive.softmax(np.array([sign * (x[b, c] * o).sum() for o in x[b]])), x[b], strict=True):
            y[b, c] += w * other
    return weight(module, f"{name}.gamma") * y + x


def danet(module: nn.Module, x: Array, attend: str = "position", prefer: str = "unlike", **_: Any) -> Array:
    sign = 1 if prefer == "alike" else -1
    if attend == "position":
        return _position_attention(module, x, "attention")
    if attend == "channel":
        return _channel_attention(module, x, "attention", sign)

    def convolved(y: Array, name: str) -> Array:
        return relu(batch_norm(naive.conv(y, module, f"{name}.0", padding=1), module, f"{name}.1"))

    p = _position_attention(module, convolved(x, "attention.position.0"), "attention.position.1")
    c = _channel_attention(module, convolved(x, "attention.channel.0"), "attention.channel.1", sign)
    joined = convolved(p, "attention.position.2") + convolved(c, "attention.channel.2")
    return linear(joined, module, "attention.join")


def efficient(module: nn.Module, x: Array, **_: Any) -> Array:
    query, key, value = (
        linear(x, module, part).reshape(len(x), module.heads, -1, math.prod(x.shape[2:]))
        for part in ("query", "key", "value")
    )
    y: Array = np.zeros_like(value)
    for b, h in np.ndindex(*query.shape[:2]):
        shares = np.stack([naive.softmax(row) for row in key[b, h]])  # (channels of a head, positions)
        context = shares @ value[b, h].T
        for i in range(query.shape[3]):
            y[b, h, :, i] = context.T @ naive.softmax(query[b, h, :, i])
    return x + linear(y.reshape(len(x), -1, *x.shape[2:]), module, "project")


def bi_level(
    module: nn.Module, x: Array, regions: int = 4, chosen: int = 2, kernel: int = 3, residual: bool = True, **_: Any
) -> Array:
    query, key, value = np.split(linear(x, module, "qkv"), 3, 1)
    sides = [max(n // regions, 1) for n in x.shape[2:]]
    counts = [-(-n // side) for n, side in zip(x.shape[2:], sides, strict=True)]
    heads, y = module.heads, np.zeros_like(value)
    width = x.shape[1] // heads

    def places(region: tuple[int, ...]) -> list[tuple[int, ...]]:
        """Also those beyond the map."""
        return [tuple(r * s + o for r, s, o in zip(region, sides, p, strict=True)) for p in np.ndindex(*sides)]

    def inside(p: tuple[int, ...]) -> bool:
        return all(i < n for i, n in zip(p, x.shape[2:], strict=True))

    every = list(np.ndindex(*counts))
    for b in range(len(x)):

        def mean(part: Array, region: tuple[int, ...], b: int = b) -> Array:
            return sum(part[(b, slice(None), *p)] for p in places(region) if inside(p)) / sum(
                map(inside, places(region))
            )

        for region in every:
            ranked = sorted(every, key=lambda other: -(mean(query, region) @ mean(key, other)))
            sources = [p for other in ranked[:chosen] for p in places(other)]
            zero = np.zeros(x.shape[1])
            keys = [key[(b, slice(None), *p)] if inside(p) else zero for p in sources]
            values = [value[(b, slice(None), *p)] if inside(p) else zero for p in sources]
            for p, h in itertools.product(filter(inside, places(region)), range(heads)):
                rows = slice(h * width, (h + 1) * width)
                scores = [query[(b, rows, *p)] @ k[rows] / math.sqrt(x.shape[1]) for k in keys]
                for w, v in zip(naive.softmax(np.array(scores)), values, strict=True):
                    y[(b, rows, *p)] += w * v[rows]
    if kernel:
        y = y + naive.conv(value, module, "spread", padding=kernel // 2, groups=x.shape[1])
    return linear(y, module, "project") + (x if residual else 0)


EQUATIONS: dict[str, Any] = {
    "danet": (danet, [{}, {"attend": "channel", "prefer": "alike"}, {"attend": "both"}]),
    "bi_level": (bi_level, [{}, {"regions": 2, "chosen": 1, "heads": 2, "kernel": 0, "residual": False}]),
    "efficient": (efficient, [{}, {"heads": 2, "width": 6, "value_width": 10}]),
}
