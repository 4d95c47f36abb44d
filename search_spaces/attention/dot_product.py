"""Scaled dot-product attention between the positions of maps. Vaswani et al.: Attention Is All You Need, NeurIPS 2017,
https://arxiv.org/abs/1706.03762
"""

from __future__ import annotations

from torch import Tensor
from torch.nn import functional as F


def attend(query: Tensor, key: Tensor, value: Tensor, heads: int = 1) -> Tensor:
    """Every position of ``query`` takes a weighted mean of ``value`` by how ``key`` answers it.

    All are ``(batch, channels, *positions)``, the channels of a head side by side; ``query`` gives the positions of
    the result, ``value`` its channels. In memory the channels of a position lie together: without that copy torch
    falls back to the unfused attention, which holds the weights of all pairs.
    """
    q, k, v = (part.flatten(2).unflatten(1, (heads, -1)).transpose(2, 3).contiguous() for part in (query, key, value))
    found = F.scaled_dot_product_attention(q, k, v)
    return found.transpose(2, 3).flatten(1, 2).unflatten(2, query.shape[2:])
