"""Whether a straightforward form computes what its mechanism does: results and all gradients, in float64."""

from __future__ import annotations

import torch
from attention_case import Case
from torch import Tensor

SHAPES = {2: (2, 16, 12, 18), 3: (2, 16, 7, 9, 10)}
TOLERANCE = 1e-9


def check_same_function(case: Case, dims: int) -> None:
    """Raises ``RuntimeError`` where the two sides differ, in training mode, on a small map that fills no windows."""
    device = torch.device("cpu")
    ours = case.ours(SHAPES[dims], device, torch.float64).step(_drawn)
    form = case.straightforward(SHAPES[dims], device, torch.float64).step(_drawn)
    pairs = zip([ours[0], *ours[1]], [form[0], *form[1]], strict=True)
    for index, (a, b) in enumerate(pairs):
        a = torch.zeros_like(b) if a is None and b is not None else a
        b = torch.zeros_like(a) if b is None and a is not None else b
        if a is None or b is None:
            continue
        error = (a - b).norm() / (1 + b.norm())
        if not error < TOLERANCE:
            what = f"gradient {index - 1}" if index else "result"
            raise RuntimeError(f"{case.name} in {dims}D: the {what} of the straightforward form is off by {error:.1e}")


def _drawn(y: Tensor) -> Tensor:
    """A gradient that differs from place to place: of equal ones nothing comes through a norm."""
    return torch.randn(y.shape, generator=torch.Generator().manual_seed(2), dtype=y.dtype)
