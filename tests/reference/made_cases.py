"""Cases made here, of modules at hand."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from tests.reference.case import Case
from tests.reference.comparison import run_case

MONAI = "Project-MONAI/MONAI"


def case_of(
    folder: Path,
    name: str,
    arguments: Mapping[str, Any],
    module: nn.Module,
    x: Tensor,
    call: Callable[..., Tensor],
    repository: str = MONAI,
) -> Case:
    """What ``module`` gives in eval mode, as a case of the golden form; ``name`` is that of the class."""
    module = module.double().eval()
    with torch.no_grad():
        for parameter in module.parameters():
            parameter.add_(0.3 * torch.randn_like(parameter))
    x.requires_grad_()
    y = call(x)
    r = torch.randn_like(y)
    (gx,) = torch.autograd.grad((y * r).sum(), x)
    arrays = {f"w.{key}": tensor.numpy() for key, tensor in module.state_dict().items()}
    arrays |= {key: tensor.detach().numpy() for key, tensor in {"x": x, "y": y, "r": r, "gx": gx}.items()}
    np.savez(folder / "case.npz", **arrays)
    description = {
        "name": name,
        "repo": f"https://github.com/{repository}",
        "class_name": name,
        "ctor_args": dict(arguments),
        "mode": "eval",
        "inputs": {"x": list(x.shape)},
        "outputs": {"y": list(y.shape)},
    }
    return Case(description, folder / "case.npz")


def passes(case: Case) -> None:
    result = run_case(case)
    assert result.verdict == "pass", str(result)


def noise(*shape: int) -> Tensor:
    torch.manual_seed(len(shape))
    return torch.randn(shape, dtype=torch.float64)
