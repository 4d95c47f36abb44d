"""Gates of a skip by a coarser signal."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from search_spaces.attention.positions import sine_positions
from straightforward.dense import dense_attention, heads_of, map_of, tokens_of
from straightforward.resizing import resized

MAX_POOL = {2: F.max_pool2d, 3: F.max_pool3d}


def attention_gate(module: Any, x: Tensor, gate: Tensor) -> Tensor:
    (one,) = module.gates
    return same_resolution(one, x, gate) if hasattr(one, "theta_norm") else grid(one, x, gate)


def grid(module: Any, x: Tensor, gate: Tensor) -> Tensor:
    theta = module.theta(x)
    scores = module.psi(torch.relu(theta + resized(module.phi(gate), theta.shape[2:])))
    weights = resized(torch.sigmoid(scores), x.shape[2:])
    return module.norm(module.project(weights.expand_as(x) * x))


def same_resolution(module: Any, x: Tensor, gate: Tensor) -> Tensor:
    """The gate is brought to the skip's size first, as in MONAI's network."""
    phi = module.phi_norm(module.phi(resized(gate, x.shape[2:])))
    theta = module.theta_norm(module.theta(x))
    return x * torch.sigmoid(module.psi_norm(module.psi(torch.relu(theta + phi))))


def cross(module: Any, x: Tensor, gate: Tensor) -> Tensor:
    placed = x + sine_positions(x.shape[1], x.shape[2:]).to(x)
    asked = gate + sine_positions(gate.shape[1], gate.shape[2:]).to(gate)
    pooled = MAX_POOL[x.dim() - 2](placed, 2, ceil_mode=True)
    query, key, value = (
        heads_of(tokens_of(part), module.heads)
        for part in (module.query(asked), module.key(asked), module.value(pooled))
    )
    found = dense_attention(query, key, value).transpose(1, 2).flatten(2)
    z = torch.sigmoid(module.norm(module.project(map_of(found, gate.shape[2:]))))
    return x * resized(z, x.shape[2:])


def lgag(module: Any, x: Tensor, gate: Tensor) -> Tensor:
    found = torch.relu(module.gate(resized(gate, x.shape[2:])) + module.skip(x))
    return x * torch.sigmoid(module.score(found)).expand_as(x)


def group_bridge(module: Any, x: Tensor, gate: Tensor) -> Tensor:
    """As the authors' code, which predicts the mask outside of the bridge."""
    bridge, size = module.bridge, x.shape[2:]
    mask = resized(module.predict(gate), size, align_corners=True)
    deep = resized(bridge.project(gate), size, align_corners=True)
    quarters = zip(deep.split(bridge.shares, dim=1), x.split(bridge.shares, dim=1), strict=True)
    joined = [torch.cat([one, other, mask], dim=1) for one, other in quarters]
    return bridge.join(torch.cat([spread(part) for spread, part in zip(bridge.spread, joined, strict=True)], dim=1))


FORMS = {"attention_gate": attention_gate, "cross": cross, "lgag": lgag, "group_bridge": group_bridge}
