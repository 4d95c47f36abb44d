"""The selective scan of Mamba, and VM-UNet's 2D scan and block."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor, nn
from torch.nn import functional as F

from search_spaces.attention.selective_scan import selective_scan
from search_spaces.attention.ss2d import StateSpace
from tests.reference.adapter import Subject, adapter, fitted
from tests.reference.case import Case, Tensors

VM_UNET = "JCruan519/VM-UNet"
NAMES = {
    "expand": "in_proj",
    "spread": "conv2d",
    "scan.project": "x_proj_weight",
    "scan.step_weight": "dt_projs_weight",
    "scan.step_bias": "dt_projs_bias",
    "scan.log_rates": "A_logs",
    "scan.passing": "Ds",
    "norm": "out_norm",
    "project": "out_proj",
}


@adapter("state-spaces/mamba", "selective_scan_ref")
def scan(case: Case, *, delta_softplus: bool = False, groups: int = 1) -> Subject:
    """Channels in groups that share B and C."""

    def last_first(x: Tensor) -> Tensor:
        """``(batch, channels, length)`` to ``(length, batch, groups, channels of a group)``."""
        return x.permute(2, 0, 1).unflatten(2, (groups, -1))

    def call(inputs: Tensors) -> Sequence[Tensor]:
        u, delta = inputs["u"], inputs["delta"]
        if "delta_bias" in inputs:
            delta = delta + inputs["delta_bias"][:, None]
        delta = F.softplus(delta) if delta_softplus else delta
        rates = inputs["A"].unflatten(0, (groups, -1)).transpose(1, 2)
        inward, outward = (
            part.permute(3, 0, 1, 2) if part.dim() == 4 else part.permute(2, 0, 1).unsqueeze(2)
            for part in (inputs["B"], inputs["C"])
        )
        y = selective_scan(last_first(u), last_first(delta), rates, inward, outward).flatten(2).permute(1, 2, 0)
        y = y + inputs["D"][:, None] * u if "D" in inputs else y
        return [y * F.silu(inputs["z"]) if "z" in inputs else y]

    return Subject(nn.Identity(), lambda reference: reference, call)


@adapter(VM_UNET, "SS2D")
def ss2d(
    case: Case,
    *,
    d_model: int,
    d_state: int = 16,
    d_conv: int = 3,
    expand: int = 2,
    dt_rank: int | str = "auto",
) -> Subject:
    rank = None if isinstance(dt_rank, str) else dt_rank
    module = StateSpace(d_model, dims=case.dims, state=d_state, expand=expand, kernel=d_conv, rank=rank, residual=False)
    return Subject(module, fitted({f"layer.{ours}": theirs for ours, theirs in NAMES.items()}, module))


@adapter(VM_UNET, "VSSBlock")
def block(case: Case, *, hidden_dim: int, norm_eps: float = 1e-6, d_state: int = 16, drop_path: float = 0.0) -> Subject:
    module = StateSpace(hidden_dim, dims=case.dims, state=d_state, expand=2, eps=norm_eps)
    names = {f"layer.{ours}": f"self_attention.{theirs}" for ours, theirs in NAMES.items()}
    return Subject(module, fitted({**names, "norm": "ln_1"}, module))
