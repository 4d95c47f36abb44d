"""Maps brought to another size."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

LINEAR = {2: "bilinear", 3: "trilinear"}


def resized(x: Tensor, size: torch.Size, align_corners: bool = False) -> Tensor:
    return F.interpolate(x, size, mode=LINEAR[x.dim() - 2], align_corners=align_corners)
