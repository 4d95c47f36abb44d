"""Scaled dot-product attention between the positions of maps. Vaswani et al.: Attention Is All You Need, NeurIPS 2017,
https://arxiv.org/abs/1706.03762
"""

from __future__ import annotations

from torch import Tensor
from torch.nn import functional as F

FEW = 2  # keys for each channel of a head


def attend(query: Tensor, key: Tensor, value: Tensor, heads: int = 1) -> Tensor:
    """Every position of ``query`` takes a weighted mean of ``value`` by how ``key`` answers it.

    All are ``(batch, channels, *positions)``, the channels of a head side by side; ``query`` gives the positions of
    the result, ``value`` its channels. Few keys, as of a pooled map, have weights that take no more memory than the
    copies which a fused kernel wants, and less time.
    """
    q, k, v = (part.flatten(2).unflatten(1, (heads, -1)) for part in (query, key, value))
    width, keys = k.shape[2:]
    if keys <= FEW * width:
        weights = ((k * width**-0.5).transpose(2, 3) @ q).softmax(2)  # (batch, heads, keys, queries)
        found = v @ weights
    else:
        found = fused(*(part.transpose(2, 3) for part in (q, k, v))).transpose(2, 3)
    return found.flatten(1, 2).unflatten(2, query.shape[2:])


def fused(query: Tensor, key: Tensor, value: Tensor, scale: float | None = None) -> Tensor:
    """Attention of ``(batch, heads, positions, width)`` without ever holding the weights of all pairs.

    Torch's kernels do that only where the channels of a position lie together in memory, and the one for the CPU only
    where queries, keys and values have one width; zeros fill up the narrower ones, which changes nothing.
    """
    scale = query.shape[-1] ** -0.5 if scale is None else scale
    width = value.shape[-1]
    parts = [query, key, value]
    if query.device.type == "cpu":
        widest = max(part.shape[-1] for part in parts)
        parts = [F.pad(part, (0, widest - part.shape[-1])) if part.shape[-1] < widest else part for part in parts]
    query, key, value = (part.contiguous() for part in parts)
    found = F.scaled_dot_product_attention(query, key, value, scale=scale)
    return found[..., :width]
