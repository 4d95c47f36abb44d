"""Non-local blocks of AlexHex7 and of mmcv."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import PurePosixPath
from typing import Any

import torch

from search_spaces.attention.non_local import MODES, NonLocal
from tests.reference.adapter import NotCovered, Subject, adapter, exact_width, renamed
from tests.reference.case import Case, Tensors


@adapter("AlexHex7/Non-local_pytorch", "NONLocalBlock2D", "NONLocalBlock3D")
def alexhex7(
    case: Case, *, in_channels: int, inter_channels: int | None = None, sub_sample: bool = True, bn_layer: bool = True
) -> Subject:
    mode = PurePosixPath(case.path).stem.removeprefix("non_local_")  # the classes of the four files share their names
    module = _non_local(
        case,
        in_channels,
        inter_channels or max(in_channels // 2, 1),
        mode=mode,
        subsample=2 if sub_sample else 1,
        norm="batch" if bn_layer else "none",
    )
    pooled = ".0" if sub_sample else ""
    last = {"project": "W.0", "norm": "W.1"} if bn_layer else {"project": "W"}
    names = {"theta": "theta", "phi": f"phi{pooled}", "g": f"g{pooled}", **last}
    return Subject(module, _weights(names, "concat_project.0.weight", module))


@adapter("open-mmlab/mmcv", "NonLocal2d", "NonLocal3d")
def mmcv(
    case: Case,
    *,
    in_channels: int,
    reduction: int = 2,
    use_scale: bool = True,
    norm_cfg: Mapping[str, Any] | None = None,
    mode: str = "embedded_gaussian",
    sub_sample: bool = False,
) -> Subject:
    norm = dict(norm_cfg or {})
    kind, epsilon = norm.pop("type", None), norm.pop("eps", 1e-5)
    if kind not in (None, "BN", "BN2d", "BN3d", "SyncBN") or set(norm) - {"requires_grad", "momentum"}:
        raise NotCovered(f"norm_cfg {norm_cfg}")
    module = _non_local(
        case,
        in_channels,
        max(in_channels // reduction, 1),
        mode=mode,
        subsample=2 if sub_sample else 1,
        scaled=use_scale and mode == "embedded_gaussian",
        norm="batch" if norm_cfg else "none",
    )
    if norm_cfg:
        module.norm.eps = epsilon
    pooled = ".0" if sub_sample else ""
    names = {
        "theta": "theta.conv",
        "phi": f"phi{pooled}.conv",
        "g": f"g{pooled}.conv",
        "project": "conv_out.conv",
        "norm": "conv_out.bn",
    }
    return Subject(module, _weights(names, "concat_project.conv.weight", module))


@adapter("huggingface/pytorch-image-models", "NonLocalAttn")
def timm(case: Case, **arguments: object) -> Subject:
    raise NotCovered("not followed: divides by the root of the channels of the block, not of the embedding")


def _non_local(case: Case, channels: int, width: int, *, mode: str, **options: Any) -> NonLocal:
    if mode not in MODES:
        raise NotCovered(f"mode '{mode}'")
    return NonLocal(channels, dims=case.dims, mode=mode, **options, **exact_width(channels, width))


def _weights(names: Mapping[str, str], score: str, module: NonLocal) -> Callable[[Tensors], Tensors]:
    """Renames; cuts ``score``, of the pair [theta; phi], in two; a bias dropped before a norm is zero here."""

    def convert(reference: Tensors) -> Tensors:
        found = renamed({**names, "score": score})(reference)
        if "score" in found:
            halves = found.pop("score").flatten().chunk(2)
            found["theta_score.weight"], found["phi_score.weight"] = (half.unsqueeze(0) for half in halves)
        found.setdefault("project.bias", torch.zeros(module.project.out_channels))
        return found

    return convert
