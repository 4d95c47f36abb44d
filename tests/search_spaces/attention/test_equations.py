"""Each mechanism against its equation, written as loops over positions and channels."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from search_spaces.attention import MECHANISMS
from tests.search_spaces.attention import naive
from tests.search_spaces.attention.example import build, inputs
from tests.search_spaces.attention.naive import Array, batch_norm, linear, relu, sigmoid, weight

SIZES: dict[int, tuple[int, ...]] = {2: (5, 6), 3: (3, 4, 5)}
DEPTH_MATTERS = {"coordinate"}  # has parts for each axis, so a depth of one counts too


def se(module: nn.Module, x: Array) -> Array:
    scores = sigmoid(linear(relu(linear(naive.mean(x), module, "squeeze")), module, "excite"))
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


def attention_gate(
    module: nn.Module,
    x: Array,
    gate: Array,
    variant: str = "grid",
    stride: int = 2,
    normalise: str = "sigmoid",
    gates: int = 1,
    fuse: bool = False,
    **_: Any,
) -> Array:
    def weights(scores: Array) -> Array:
        if normalise == "sigmoid":
            return sigmoid(scores)
        return np.stack([naive.softmax(sample) for sample in scores])

    gated = []
    for name in (f"gates.{index}" for index in range(gates)):
        phi = linear(gate, module, f"{name}.phi")
        if variant == "grid":
            dims = x.ndim - 2
            theta = naive.convolution(x, weight(module, f"{name}.theta.weight"), [stride] * dims, [0] * dims)
            hidden = relu(theta + naive.interpolate(phi, theta.shape[2:]))
            alpha = naive.interpolate(weights(linear(hidden, module, f"{name}.psi")), x.shape[2:])
            gated.append(batch_norm(linear(alpha * x, module, f"{name}.project"), module, f"{name}.norm"))
        else:
            theta = batch_norm(linear(x, module, f"{name}.theta"), module, f"{name}.theta_norm")
            phi = naive.interpolate(gate, x.shape[2:])
            phi = batch_norm(linear(phi, module, f"{name}.phi"), module, f"{name}.phi_norm")
            scores = linear(relu(theta + phi), module, f"{name}.psi")
            gated.append(weights(batch_norm(scores, module, f"{name}.psi_norm")) * x)
    if not fuse and gates == 1:
        return gated[0]
    return relu(batch_norm(linear(np.concatenate(gated, 1), module, "fuse.0"), module, "fuse.1"))


EQUATIONS: dict[str, tuple[Callable[..., Array], list[dict[str, Any]]]] = {
    "se": (se, [{}]),
    "eca": (eca, [{}, {"kernel": 7}, {"kernel": 5, "padding": "circular"}, {"kernel": 1}]),
    "cbam": (
        cbam,
        [{}, {"kernel": 3, "norm": False}, {"spatial": False}, {"pools": ("avg", "max", "lp", "lse"), "kernel": 5}],
    ),
    "coordinate": (coordinate, [{}]),
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
    "attention_gate": (
        attention_gate,
        [
            {},
            {"stride": 1, "normalise": "softmax"},
            {"variant": "same_resolution"},
            {"variant": "same_resolution", "gates": 2},
            {"gates": 2},
            {"fuse": True},
        ],
    ),
}
CASES = [(name, options, dims) for name, (_, cases) in EQUATIONS.items() for options in cases for dims in (2, 3)]
CASE_IDS = [f"{name}-{'-'.join(map(str, options.values())) or 'default'}-{dims}d" for name, options, dims in CASES]


@pytest.mark.parametrize(("name", "options", "dims"), CASES, ids=CASE_IDS)
def test_the_mechanism_computes_its_equation(name: str, options: dict[str, Any], dims: int) -> None:
    module, given_inputs = build(name, dims, options=options), inputs(name, SIZES[dims])
    expected = EQUATIONS[name][0](module, *(x.numpy() for x in given_inputs), **options)
    torch.testing.assert_close(module(*given_inputs).detach(), torch.from_numpy(expected), rtol=0, atol=1e-9)


@pytest.mark.parametrize("name", [name for name in MECHANISMS if name not in DEPTH_MATTERS])
def test_in_3d_at_depth_one_it_is_the_2d_form(name: str) -> None:
    if MECHANISMS[name].dims != (2, 3):
        return
    flat, deep = build(name, 2), build(name, 3)
    deep.load_state_dict(
        {key: in_one_plane(tensor, flat.state_dict()[key]) for key, tensor in deep.state_dict().items()}
    )
    given_inputs = inputs(name, SIZES[2])
    y = deep(*(x.unsqueeze(2) for x in given_inputs)).squeeze(2)
    torch.testing.assert_close(y, flat(*given_inputs), rtol=0, atol=1e-9)


def test_coordinate_attention_at_depth_one_is_the_2d_form_once_the_gate_of_the_depth_is_open() -> None:
    flat, deep = build("coordinate", 2).state_dict(), build("coordinate", 3)
    state = {key: flat[key] for key in flat if not key.startswith("excite")}
    for kind in ("weight", "bias"):
        state[f"excite.0.{kind}"] = torch.zeros_like(flat[f"excite.0.{kind}"])
        state[f"excite.1.{kind}"], state[f"excite.2.{kind}"] = flat[f"excite.0.{kind}"], flat[f"excite.1.{kind}"]
    state["excite.0.bias"] += 50  # sigmoid(50) is 1 in float64
    deep.load_state_dict(state)
    (x,) = inputs("coordinate", SIZES[2])
    torch.testing.assert_close(deep(x.unsqueeze(2)).squeeze(2), build("coordinate", 2)(x), rtol=0, atol=1e-9)


def in_one_plane(deep: Tensor, flat: Tensor) -> Tensor:
    """A 2D kernel as a 3D one: all of it in the slice that meets the only plane, the centre of an odd kernel."""
    if deep.shape == flat.shape:
        return flat
    kernel = torch.zeros_like(deep)
    kernel[:, :, (deep.shape[2] - 1) // 2] = flat
    return kernel
