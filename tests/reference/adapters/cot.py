"""Contextual transformer of CoTNet."""

from __future__ import annotations

from search_spaces.attention.cot import ContextualTransformer
from tests.reference.adapter import NotCovered, Subject, adapter, exact_width, renamed
from tests.reference.case import Case


@adapter("JDAI-CV/CoTNet", "CotLayer")
def authors(case: Case, *, dim: int, kernel_size: int) -> Subject:
    if dim % 8:
        raise NotCovered(f"{dim} channels: the reference wants a multiple of 8")
    module = ContextualTransformer(dim, dims=case.dims, kernel=kernel_size, **exact_width(dim, max(dim // 2, 32)))
    names = {"context.0": "key_embed.0", "context.1": "key_embed.1", "value": "conv1x1", "norm.0": "bn"}
    return Subject(module, renamed({**names, "weigh": "embed", "select": "se"}))


@adapter("xmu-xiaoma666/External-Attention-pytorch", "CoTAttention")
def port(case: Case, *, dim: int = 512, kernel_size: int = 3) -> Subject:
    raise NotCovered("not followed: the port averages the weights of a position and has a softmax over all positions")
