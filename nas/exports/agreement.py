"""Whether a file computes what its network does: on noise before it is written, on cases of the task after."""

from __future__ import annotations

from pathlib import Path

import torch
from torch import Tensor

from evaluators.preprocessing import Preprocessing
from search_spaces.errors import InputError

FEWEST = 2  # images, and positions of an axis, of an example: torch takes one for a length that never changes
TOLERANCE = 1e-4  # of a difference to the network's own logits, relative to the largest of them


def example(preprocessing: Preprocessing, more: int = 0) -> Tensor:
    """Noise of the size of a training patch, ``(batch, channels, *patch)``; batch and size ``more`` than that."""
    batch, *size = (max(length, FEWEST) + more for length in (FEWEST, *preprocessing.patch))
    return torch.randn(batch, preprocessing.channels, *size, generator=torch.Generator().manual_seed(more))


def check_same(path: Path, found: Tensor, logits: Tensor) -> None:
    """Refuse a file whose logits are not those of the network."""
    difference, largest = (part.abs().max().item() for part in (found - logits, logits))
    if not difference <= TOLERANCE * largest:  # not a number is no agreement
        raise InputError(
            f"'{path}': expected the network's logits, of up to {largest:g}, within {TOLERANCE:g} of that; "
            f"got a difference of {difference:g}"
        )
