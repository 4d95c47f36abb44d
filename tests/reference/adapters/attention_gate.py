"""Attention gates of Attention U-Net (its authors), CA-Net and MONAI."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from search_spaces.attention.attention_gate import AttentionGate
from tests.reference.adapter import NotCovered, Subject, adapter, exact_width, renamed
from tests.reference.case import Case, Tensors

MODES: dict[str, dict[str, Any]] = {
    "concatenation": {},
    "concatenation_residual": {"normalise": "softmax"},
    "concatenation_debug": {"activation": "softplus"},
}
GRID = {"theta": "theta", "phi": "phi", "psi": "psi", "project": "W.0", "norm": "W.1"}


@adapter("ozan-oktay/Attention-Gated-Networks", "GridAttentionBlock2D", "GridAttentionBlock3D")
@adapter("HiLab-git/CA-Net", "GridAttentionBlock2D", "GridAttentionBlock3D")
def grid(
    case: Case,
    *,
    in_channels: int,
    gating_channels: int,
    inter_channels: int | None = None,
    mode: str = "concatenation",
    sub_sample_factor: int | Sequence[int] = 2,
) -> Subject:
    width = inter_channels or max(in_channels // 2, 1)
    return _grid(case, in_channels, gating_channels, width, mode, sub_sample_factor, {"gates.0.": ""})


@adapter("ozan-oktay/Attention-Gated-Networks", "MultiAttentionBlock")
@adapter("HiLab-git/CA-Net", "MultiAttentionBlock")
def multi(
    case: Case,
    *,
    in_size: int,
    gate_size: int,
    inter_size: int,
    nonlocal_mode: str,
    sub_sample_factor: int | Sequence[int],
) -> Subject:
    # One class name stands for one gate or two; the state dict tells.
    numbers = sorted({int(n) for key in case.description["weight_keys"] for n in re.findall(r"gate_block_(\d+)", key)})
    prefixes = {f"gates.{index}.": f"gate_block_{number}." for index, number in enumerate(numbers)}
    return _grid(case, in_size, gate_size, inter_size, nonlocal_mode, sub_sample_factor, prefixes, fuse=True)


def _grid(
    case: Case,
    channels: int,
    gate_channels: int,
    width: int,
    mode: str,
    stride: int | Sequence[int],
    prefixes: dict[str, str],
    **options: Any,
) -> Subject:
    if mode not in MODES:
        raise NotCovered(f"mode '{mode}'")
    module = AttentionGate(
        channels,
        dims=case.dims,
        gate_channels=gate_channels,
        stride=stride,
        gates=len(prefixes),
        **options,
        **MODES[mode],
        **exact_width(channels, width),
    )
    names = {ours + name: theirs + other for ours, theirs in prefixes.items() for name, other in GRID.items()}
    names |= {"fuse.0": "combine_gates.0", "fuse.1": "combine_gates.1"}

    def weights(reference: Tensors) -> Tensors:
        found = renamed(names)(reference)
        for prefix in prefixes:  # CA-Net gives theta a bias too; only the sum of the two matters
            bias = found.pop(f"{prefix}theta.bias", 0)
            found[f"{prefix}phi.bias"] = found[f"{prefix}phi.bias"] + bias
        return found

    def call(inputs: Tensors) -> Sequence[Any]:
        x, gate = inputs.values()
        outputs = [module(x, gate), module.attention(x, gate)]
        return outputs[: len(case.outputs)]

    return Subject(module, weights, call)


@adapter("Project-MONAI/MONAI", "AttentionBlock")
def monai(case: Case, *, spatial_dims: int, f_int: int, f_g: int, f_l: int, dropout: float = 0.0) -> Subject:
    if dropout and case.training:
        raise NotCovered("dropout in train mode")
    module = AttentionGate(
        f_l, dims=spatial_dims, gate_channels=f_g, variant="same_resolution", **exact_width(f_l, f_int)
    )
    names = {
        "gates.0.theta": "W_x.0.conv",
        "gates.0.theta_norm": "W_x.1",
        "gates.0.phi": "W_g.0.conv",
        "gates.0.phi_norm": "W_g.1",
        "gates.0.psi": "psi.0.conv",
        "gates.0.psi_norm": "psi.1",
    }
    return Subject(module, renamed(names), lambda inputs: [module(inputs["x"], inputs["g"])])
