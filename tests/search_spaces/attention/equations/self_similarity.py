"""Self-similarity along lines, in the plane and in hybrids."""

from __future__ import annotations

import itertools
import math
from typing import Any

import numpy as np
from torch import nn

from tests.search_spaces.attention import naive
from tests.search_spaces.attention.naive import Array, batch_norm, linear, relu, weight


def non_local(
    module: nn.Module, x: Array, mode: str = "embedded_gaussian", subsample: int = 1, scaled: bool = False, **_: Any
) -> Array:
    window = (1,) * (x.ndim - 4) + (subsample,) * 2
    theta = x if mode == "gaussian" else linear(x, module, "theta")
    phi = naive.max_pool(x if mode == "gaussian" else linear(x, module, "phi"), window)
    g = naive.max_pool(linear(x, module, "g"), window)
    sums: Array = np.zeros((x.shape[0], g.shape[1], *x.shape[2:]))
    sources = list(naive.positions(g))
    for b in range(x.shape[0]):
        for i in naive.positions(x):
            scores = np.empty(len(sources))
            for s, j in enumerate(sources):
                query, key = theta[(b, slice(None), *i)], phi[(b, slice(None), *j)]
                if mode == "concatenation":
                    w = np.concatenate([weight(module, f"{part}_score.weight")[0] for part in ("theta", "phi")])
                    scores[s] = max(w @ np.concatenate([query, key]), 0)
                else:
                    scores[s] = query @ key / (math.sqrt(len(query)) if scaled else 1)
            weights = naive.softmax(scores) if "gaussian" in mode else scores / len(sources)
            for w_ij, j in zip(weights, sources, strict=True):
                sums[(b, slice(None), *i)] += w_ij * g[(b, slice(None), *j)]
    projected = linear(sums, module, "project")
    if "norm.weight" in module.state_dict():
        projected = batch_norm(projected, module, "norm")
    return x + projected


def criss_cross(module: nn.Module, x: Array, recurrence: int = 2, **_: Any) -> Array:
    for _pass in range(recurrence):
        query, key, value = (linear(x, module, part) for part in ("query", "key", "value"))
        y: Array = np.zeros_like(x)
        for b in range(len(x)):
            for i in naive.positions(x):
                sources = []  # one coordinate differs at most; the position itself once
                for j in naive.positions(x):
                    if sum(p != q for p, q in zip(i, j, strict=True)) <= 1:
                        sources.append(j)
                scores = np.array([query[(b, slice(None), *i)] @ key[(b, slice(None), *j)] for j in sources])
                for w, j in zip(naive.softmax(scores), sources, strict=True):
                    y[(b, slice(None), *i)] += w * value[(b, slice(None), *j)]
        x = weight(module, "gamma") * y + x
    return x


def axial(module: nn.Module, x: Array, heads: int = 2, span: int = 16, **_: Any) -> Array:
    hidden = relu(batch_norm(linear(x, module, "reduce.0"), module, "reduce.1"))
    for axis in range(x.ndim - 2):
        hidden = _along(module, hidden, f"attend.{axis}", axis, heads, span)
    return x + batch_norm(linear(relu(hidden), module, "expand"), module, "norm")


def _along(module: nn.Module, x: Array, name: str, axis: int, heads: int, span: int) -> Array:
    projected = linear(x, module, f"{name}.project")
    if span:
        projected = batch_norm(projected, module, f"{name}.norm")
        table = weight(module, f"{name}.relative")
    channels = x.shape[1]
    width = channels // heads
    half = width // 2
    length = x.shape[2 + axis]
    y: Array = np.zeros((len(x), channels, *x.shape[2:]))
    pairs: Array = np.zeros((len(x), 2 * channels, *x.shape[2:]))
    for b, line in itertools.product(range(len(x)), naive.positions(x.take([0], 2 + axis))):
        at = [(b, slice(None), *line[:axis], i, *line[axis + 1 :]) for i in range(length)]
        for h in range(heads):
            block = [projected[place][h * 2 * width : (h + 1) * 2 * width] for place in at]
            query, key, value = ([v[s] for v in block] for s in (slice(half), slice(half, width), slice(width, None)))
            for i in range(length):
                scores = np.empty(length)
                relative = []
                for j in range(length):
                    if not span:
                        scores[j] = query[i] @ key[j] / math.sqrt(half)
                        continue
                    offset = min(max(i - j, 1 - span), span - 1)
                    back = min(max(j - i, 1 - span), span - 1)
                    r = table[:, offset + span - 1]
                    relative.append(r[width:])
                    terms = [query[i] @ key[j], query[i] @ r[:half], key[j] @ table[half:width, back + span - 1]]
                    scores[j] = 0
                    for t, term in enumerate(terms):
                        array = np.zeros((1, 3 * heads))
                        array[0, t * heads + h] = term
                        scores[j] += batch_norm(array, module, f"{name}.norm_scores")[0, t * heads + h]
                weights = naive.softmax(scores)
                found = sum(w * v for w, v in zip(weights, value, strict=True))
                rows = slice(h * width, (h + 1) * width)
                y[at[i]][rows] = found
                if span:
                    moved = sum(w * r for w, r in zip(weights, relative, strict=True))
                    pairs[at[i]][2 * h * width : 2 * (h + 1) * width : 2] = found
                    pairs[at[i]][2 * h * width + 1 : 2 * (h + 1) * width : 2] = moved
    if not span:
        return y
    pairs = batch_norm(pairs, module, f"{name}.norm_result")
    return pairs[:, ::2] + pairs[:, 1::2]


def _pyramid(module: nn.Module, queries: Array, x: Array, shared: bool, sizes: tuple[int, ...]) -> Array:
    key = relu(batch_norm(linear(x, module, "attention.key.0"), module, "attention.key.1"))
    query = (
        key if shared else relu(batch_norm(linear(queries, module, "attention.query.0"), module, "attention.query.1"))
    )

    def anchors(features: Array) -> Array:
        pooled = [naive.adaptive_mean(features, (size,) * (x.ndim - 2)) for size in sizes]
        return np.concatenate([part.reshape(*part.shape[:2], -1) for part in pooled], 2)

    values = linear(x, module, "attention.value")
    context = naive.attention(query, anchors(key), anchors(values), 1)
    return linear(context, module, "attention.project")


def pyramid_non_local(module: nn.Module, x: Array, pyramid: str = "small", **_: Any) -> Array:
    sizes = {"small": (1, 2, 4), "paper": (1, 3, 6, 8)}[pyramid]
    joined = np.concatenate([_pyramid(module, x, x, True, sizes), x], 1)
    return relu(batch_norm(linear(joined, module, "join.0"), module, "join.1"))


def fusion_non_local(module: nn.Module, x: Array, gate: Array, pyramid: str = "small", **_: Any) -> Array:
    sizes = {"small": (1, 2, 4), "paper": (1, 3, 6, 8)}[pyramid]
    joined = np.concatenate([_pyramid(module, x, gate, False, sizes), x], 1)
    return batch_norm(linear(joined, module, "join.0"), module, "join.1")


def _heads(tokens: Array, module: nn.Module, name: str, heads: int, bias: Array | None = None) -> Array:
    """Packed multi-head attention of ``(batch, channels, tokens)``."""
    query, key, value = np.split(linear(tokens, module, f"{name}.qkv"), 3, 1)
    return linear(naive.attention(query, key, value, heads, bias), module, f"{name}.project")


def mhsa(module: nn.Module, x: Array, position: str = "none", **_: Any) -> Array:
    from tests.search_spaces.attention.equations.gates import sine_positions

    tokens = x + sine_positions(x.shape[1], x.shape[2:]) if position == "sine" else x
    tokens = tokens.reshape(*x.shape[:2], -1)
    heads = module.block.attention.heads
    tokens = tokens + _heads(naive.layer_norm(tokens, module, "block.norm1", 1e-6), module, "block.attention", heads)
    hidden = naive.gelu(linear(naive.layer_norm(tokens, module, "block.norm2", 1e-6), module, "block.perceptron.0"))
    return (tokens + linear(hidden, module, "block.perceptron.2")).reshape(x.shape)


def window(module: nn.Module, x: Array, window: int = 4, layers: int = 2, **_: Any) -> Array:
    for index, by in enumerate([0, window // 2, 0][:layers]):
        name = f"blocks.{index}"
        flat = x.reshape(*x.shape[:2], -1)
        normal = naive.layer_norm(flat, module, f"{name}.norm1", 1e-5).reshape(x.shape)
        x = x + _windows(module, normal, name, window, by)
        flat = x.reshape(*x.shape[:2], -1)
        hidden = naive.gelu(
            linear(naive.layer_norm(flat, module, f"{name}.norm2", 1e-5), module, f"{name}.perceptron.0")
        )
        x = x + linear(hidden, module, f"{name}.perceptron.2").reshape(x.shape)
    return x


def _windows(module: nn.Module, x: Array, name: str, full: int, by: int) -> Array:
    """Attention in windows of the rolled, padded map; pairs that the roll brought together are as good as forbidden."""
    size, dims = x.shape[2:], x.ndim - 2
    sides = [min(full, n) for n in size]
    shift = [0 if n <= full else by for n in size]
    padded_size = [-(-n // side) * side for n, side in zip(size, sides, strict=True)]
    padded: Array = np.zeros((*x.shape[:2], *padded_size))
    padded[(..., *(slice(n) for n in size))] = x
    y: Array = np.zeros_like(padded)
    table, heads = weight(module, f"{name}.offset_bias"), module.blocks[0].attention.heads

    def region(p: tuple[int, ...]) -> list[int]:
        """Which part of the rolled map a place is in, by axis; 0 where nothing is rolled."""
        found = []
        for i, n, side, s in zip(p, padded_size, sides, shift, strict=True):
            found.append(0 if not s else (i >= n - side) + (i >= n - s))
        return found

    for corner in itertools.product(*(range(0, n, side) for n, side in zip(padded_size, sides, strict=True))):
        rolled = [tuple(c + o for c, o in zip(corner, offset, strict=True)) for offset in np.ndindex(*sides)]
        real = [tuple((i + s) % n for i, s, n in zip(p, shift, padded_size, strict=True)) for p in rolled]
        bias: Array = np.zeros((heads, len(rolled), len(rolled)))
        for i, p in enumerate(rolled):
            for j, q in enumerate(rolled):
                row = 0
                for axis in range(dims):
                    row = row * (2 * full - 1) + p[axis] - q[axis] + full - 1
                bias[:, i, j] = table[row] + (0 if region(p) == region(q) else -100)
        tokens = np.stack([padded[(..., *p)] for p in real], 2)
        found = _heads(tokens, module, f"{name}.attention", heads, bias)
        for i, p in enumerate(real):
            y[(..., *p)] = found[:, :, i]
    return y[(..., *(slice(n) for n in size))]


def local(module: nn.Module, x: Array, kernel: int = 3, border: str = "mask", residual: bool = True, **_: Any) -> Array:
    query, key, value = (linear(x, module, part) for part in ("query", "key", "value"))
    dims, reach = x.ndim - 2, kernel // 2
    tables = [weight(module, f"relative.{axis}") for axis in range(dims)]
    width = query.shape[1] // module.heads
    y: Array = np.zeros_like(query)
    for b, h in itertools.product(range(len(x)), range(module.heads)):
        rows = slice(h * width, (h + 1) * width)
        for p in naive.positions(x):
            scores, values = [], []
            for offset in itertools.product(range(kernel), repeat=dims):
                place = tuple(i + o - reach for i, o in zip(p, offset, strict=True))
                inside = all(0 <= i < n for i, n in zip(place, x.shape[2:], strict=True))
                if border == "mask" and not inside:
                    continue
                r = np.concatenate([table[:, o] for table, o in zip(tables, offset, strict=True)])
                near = key[(b, rows, *place)] if inside else np.zeros(width)
                scores.append(query[(b, rows, *p)] @ (near + r))
                values.append(value[(b, rows, *place)] if inside else np.zeros(width))
            weights = naive.softmax(np.array(scores))
            y[(b, rows, *p)] = sum(w * v for w, v in zip(weights, values, strict=True))
    return x + y if residual else y


def interlaced(module: nn.Module, x: Array, block: int = 4, shapes: list[int] | None = None, **_: Any) -> Array:
    sides = shapes or [block]
    found = [_interlaced(module, x, f"stages.{index}", side) for index, side in enumerate(sides)]
    if len(sides) > 1:
        x = relu(batch_norm(linear(x, module, "widen.0"), module, "widen.1"))
    return relu(batch_norm(linear(np.concatenate([x, *found], 1), module, "join.0"), module, "join.1"))


def _interlaced(module: nn.Module, x: Array, stage: str, block: int) -> Array:
    missing = [-n % block for n in x.shape[2:]]
    y = np.pad(x, [(0, 0), (0, 0), *((m // 2, m - m // 2) for m in missing)])
    for name in (f"{stage}.long_range", f"{stage}.short_range"):
        parts = {}
        for role in ("query", "key"):
            hidden = relu(batch_norm(linear(y, module, f"{name}.{role}.0"), module, f"{name}.{role}.1"))
            parts[role] = relu(batch_norm(linear(hidden, module, f"{name}.{role}.3"), module, f"{name}.{role}.4"))
        parts["value"] = linear(y, module, f"{name}.value")
        found: Array = np.zeros_like(parts["value"])
        groups: dict[tuple[int, ...], list[tuple[int, ...]]] = {}
        for p in naive.positions(y):
            far = name.endswith("long_range")
            mark = tuple(i % block if far else i // block for i in p)
            groups.setdefault(mark, []).append(p)
        for group in groups.values():
            tokens = [np.stack([parts[role][(..., *p)] for p in group], 2) for role in ("query", "key", "value")]
            for i, p in enumerate(group):
                found[(..., *p)] = naive.attention(*tokens, 1)[:, :, i]
        y = relu(batch_norm(linear(found, module, f"{name}.project.0"), module, f"{name}.project.1"))
    return y[(..., *(slice(m // 2, m // 2 + n) for m, n in zip(missing, x.shape[2:], strict=True)))]


def ema(module: nn.Module, x: Array, stages: int = 3, **_: Any) -> Array:
    z = linear(x, module, "embed").reshape(*x.shape[:2], -1)
    rebuilt: Array = np.zeros_like(z)
    for b in range(len(x)):
        bases = weight(module, "bases")
        for _stage in range(stages):
            shares = np.stack([naive.softmax(z[b, :, i] @ bases) for i in range(z.shape[2])])  # position, base
            bases = z[b] @ (shares / (1e-6 + shares.sum(0)))
            bases = bases / (1e-6 + np.sqrt((bases**2).sum(0)))
        rebuilt[b] = bases @ shares.T
    projected = batch_norm(linear(relu(rebuilt), module, "project"), module, "norm").reshape(x.shape)
    return relu(projected + x)


EQUATIONS: dict[str, Any] = {
    "non_local": (
        non_local,
        [
            {},
            {"scaled": True, "subsample": 2},
            {"mode": "gaussian", "subsample": 2, "norm": "none"},
            {"mode": "dot_product"},
            {"mode": "dot_product", "subsample": 2},
            {"mode": "concatenation", "subsample": 2},
        ],
    ),
    "criss_cross": (criss_cross, [{}, {"recurrence": 1}]),
    "axial": (axial, [{}, {"span": 3, "heads": 1, "reduction": 1}, {"span": 0, "width": 12}]),
    "pyramid_non_local": (pyramid_non_local, [{}, {"pyramid": "paper"}, {"in_channels": 6}]),
    "fusion_non_local": (fusion_non_local, [{}, {"in_channels": 6}]),
    "mhsa": (mhsa, [{}, {"heads": 2, "position": "sine", "ratio": 1}]),
    "window": (
        window,
        [{}, {"window": 3, "heads": 2}, {"window": 2, "layers": 1}, {"window": 2, "layers": 3, "ratio": 1.3}],
    ),
    "local": (
        local,
        [{}, {"kernel": 5, "border": "zero", "heads": 2}, {"residual": False, "heads": 1, "in_channels": 6}],
    ),
    "interlaced": (interlaced, [{}, {"block": 2}, {"shapes": [3, 2], "in_channels": 6}]),
    "ema": (ema, [{}, {"stages": 1, "bases": 8}]),
}
