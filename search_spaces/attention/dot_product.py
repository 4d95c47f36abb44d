"""Scaled dot-product attention between the positions of maps. Vaswani et al.: Attention Is All You Need, NeurIPS 2017,
https://arxiv.org/abs/1706.03762
"""

from __future__ import annotations

from torch import Tensor
from torch.nn import functional as F

from search_spaces.exporting import exporting

FEW = 3  # keys for each channel of a value


def attend(query: Tensor, key: Tensor, value: Tensor, heads: int = 1) -> Tensor:
    """Every position of ``query`` takes a weighted mean of ``value`` by how ``key`` answers it.

    All are ``(batch, channels, *positions)``, the channels of a head side by side; ``query`` gives the positions of
    the result, ``value`` its channels.
    """
    q, k, v = (part.flatten(2).unflatten(1, (heads, -1)).transpose(2, 3) for part in (query, key, value))
    return attention(q, k, v).transpose(2, 3).flatten(1, 2).unflatten(2, query.shape[2:])


def attention(query: Tensor, key: Tensor, value: Tensor, scale: float | None = None) -> Tensor:
    """Softmax attention of ``(batch, heads, positions, width)``; ``scale``: one over the root of the width, or given.

    Few keys, as of a pooled map or a short line, have weights that take no more memory than the copies which a fused
    kernel wants, and less time. Of many the weights are never held. An export is for few and many.
    """
    scale = query.shape[-1] ** -0.5 if scale is None else scale
    if not exporting() and key.shape[2] <= FEW * value.shape[3]:
        weights = ((key * scale) @ query.transpose(2, 3)).softmax(2)  # (batch, heads, keys, queries)
        return (value.transpose(2, 3) @ weights).transpose(2, 3)
    return _fused(query, key, value, scale)


def _fused(query: Tensor, key: Tensor, value: Tensor, scale: float) -> Tensor:
    """Torch's kernels hold no weights only where the channels of a position lie together in memory.

    The one for the CPU also wants one width of queries, keys and values; zeros fill up the narrower ones, which changes
    nothing.
    """
    width = value.shape[3]
    parts = [query, key, value]
    if query.device.type == "cpu":
        widest = max(part.shape[3] for part in parts)
        parts = [F.pad(part, (0, widest - part.shape[3])) if part.shape[3] < widest else part for part in parts]
    query, key, value = (part.contiguous() for part in parts)
    return F.scaled_dot_product_attention(query, key, value, scale=scale)[..., :width]
