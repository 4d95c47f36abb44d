"""Softmax attention with the weights of all pairs in memory."""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor


def dense_attention(query: Tensor, key: Tensor, value: Tensor, bias: Tensor | None = None) -> Tensor:
    """All ``(..., positions, width)``; ``bias`` is added to the scores ``(..., queries, keys)``."""
    scores = query @ key.transpose(-2, -1) / math.sqrt(query.shape[-1])
    if bias is not None:
        scores = scores + bias
    return torch.softmax(scores, dim=-1) @ value


def packed_attention(module: Any, tokens: Tensor, bias: Tensor | None = None) -> Tensor:
    """Multi-head attention of ``(batch, positions, channels)`` by one projection to queries, keys and values."""
    query, key, value = (heads_of(part, module.heads) for part in module.qkv(tokens).chunk(3, dim=-1))
    found = dense_attention(query, key, value, bias)
    return module.project(found.transpose(1, 2).reshape(tokens.shape))


def heads_of(tokens: Tensor, heads: int) -> Tensor:
    """``(batch, positions, channels)`` to ``(batch, heads, positions, width)``."""
    return tokens.reshape(*tokens.shape[:2], heads, -1).transpose(1, 2)


def tokens_of(x: Tensor) -> Tensor:
    """``(batch, channels, *spatial)`` to ``(batch, positions, channels)``."""
    return x.flatten(2).transpose(1, 2)


def map_of(tokens: Tensor, size: torch.Size) -> Tensor:
    """``(batch, positions, channels)`` to ``(batch, channels, *size)``."""
    return tokens.transpose(1, 2).reshape(len(tokens), -1, *size)
