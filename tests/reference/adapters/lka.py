"""Large-kernel attention of VAN, and its separable form."""

from __future__ import annotations

import torch

from search_spaces.attention.lka import LAYERS
from tests.reference.adapter import Subject, adapter, renamed
from tests.reference.case import Case, Tensors

VAN, SEPARABLE = "Visual-Attention-Network/VAN-Classification", "StevenLauHKHK/Large-Separable-Kernel-Attention"
WHOLE_KERNELS = ("conv0", "conv_spatial", "conv1")
LINES = ("conv0h", "conv0v", "conv_spatial_h", "conv_spatial_v", "conv1")
AROUND = {"layers.0": "proj_1", "layers.3": "proj_2"}
PERCEPTRON = {1: "fc1", 2: "dwconv.dwconv", 4: "fc2"}


@adapter(VAN, "LKA")
def gate(case: Case, *, dim: int) -> Subject:
    return _subject(case, "gate", dim)


@adapter(VAN, "Attention")
def attention(case: Case, *, d_model: int) -> Subject:
    return _subject(case, "attention", d_model)


@adapter(VAN, "Block")
def block(case: Case, *, dim: int, mlp_ratio: float = 4.0, drop: float = 0.0, drop_path: float = 0.0) -> Subject:
    return _subject(case, "block", dim, ratio=mlp_ratio)


@adapter(SEPARABLE, "LSKA")
def separable_gate(case: Case, *, dim: int, k_size: int) -> Subject:
    return _subject(case, "gate", dim, k_size)


@adapter(SEPARABLE, "Attention")
def separable_attention(case: Case, *, d_model: int, k_size: int) -> Subject:
    return _subject(case, "attention", d_model, k_size)


def _subject(case: Case, form: str, channels: int, reach: int | None = None, **options: float) -> Subject:
    """Whole kernels where no reach is given: the authors have one alone."""
    separable = reach is not None
    module = LAYERS[form](channels, dims=case.dims, reach=reach or 23, separable=separable, **options)
    names = {f"spread.{index}": name for index, name in enumerate(LINES if separable else WHOLE_KERNELS)}
    if form != "gate":
        names = AROUND | {f"layers.2.{ours}": f"spatial_gating_unit.{theirs}" for ours, theirs in names.items()}
    if form == "block":
        names = {f"attention.1.{ours}": f"attn.{theirs}" for ours, theirs in names.items()}
        names |= {"attention.0": "norm1", "perceptron.0": "norm2"}
        names |= {f"perceptron.{ours}": f"mlp.{theirs}" for ours, theirs in PERCEPTRON.items()}

    def weights(reference: Tensors) -> Tensors:
        if form != "block":
            return renamed(names)(reference)
        scales = torch.stack([reference["layer_scale_1"], reference["layer_scale_2"]])
        left = {key: value for key, value in reference.items() if not key.startswith("layer_scale")}
        return {**renamed(names)(left), "scales": scales}

    return Subject(module, weights)
