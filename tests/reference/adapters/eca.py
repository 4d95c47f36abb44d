"""Efficient Channel Attention of its authors and of timm."""

from __future__ import annotations

from search_spaces.attention.eca import EfficientChannelAttention
from tests.reference.adapter import Subject, adapter, renamed
from tests.reference.case import Case


@adapter("BangguWu/ECANet", "eca_layer")
def authors(case: Case, *, channel: int, k_size: int = 3) -> Subject:
    module = EfficientChannelAttention(channel, dims=case.dims, kernel=k_size)
    return Subject(module, renamed({"conv": "conv"}))


@adapter("huggingface/pytorch-image-models", "EcaModule", "CecaModule")
def timm(
    case: Case, *, channels: int | None = None, kernel_size: int = 3, gamma: float = 2, beta: float = 1
) -> Subject:
    padding = "circular" if case.key[1] == "CecaModule" else "zero"
    module = EfficientChannelAttention(
        channels or case.shape[1],
        dims=case.dims,
        kernel="adaptive" if channels else kernel_size,
        padding=padding,
        gamma=gamma,
        beta=beta,
    )
    return Subject(module, renamed({"conv": "conv"}))
