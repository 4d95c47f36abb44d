"""A network as a program of ``torch.export``: one file that torch runs without this package, at any size and batch."""

from __future__ import annotations

import io
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.export import Dim, ExportedProgram
from torch.fx.experimental import _config as symbols

from evaluators.files import write_bytes
from evaluators.preprocessing import Preprocessing
from search_spaces.errors import InputError

FEWEST = 2  # images, and positions of an axis, of an example: torch takes one for a length that never changes
TOLERANCE = 1e-4  # of a difference to the network's own logits, relative to the largest of them


def torch_program(network: nn.Module, image: Tensor) -> ExportedProgram:
    """``network`` in evaluation mode, written down on ``image``, ``(batch, channels, *spatial)``.

    Batch and spatial size are free. Where torch could not do without a condition on them, the program says so when it
    is called; what is made of it for ONNX does not.
    """
    free = dict.fromkeys((0, *range(2, image.dim())), Dim.DYNAMIC)
    # As torch's own ONNX exporter does: a length of 1 is a length like any other.
    with torch.no_grad(), symbols.patch(backed_size_oblivious=True):  # type: ignore[attr-defined]
        return torch.export.export(network.eval(), (image,), dynamic_shapes=(free,), strict=False)


def write_torch_program(network: nn.Module, preprocessing: Preprocessing, path: Path) -> Path:
    """Write ``network`` as a ``.pt2`` file, read it back, compare what it gives, and return ``path``.

    Raises ``InputError`` when the file gives other logits than the network.
    """
    written = io.BytesIO()
    torch.export.save(torch_program(network, example(preprocessing)), written)
    written.seek(0)
    other = example(preprocessing, more=1)
    with torch.no_grad():
        check_same(path, torch.export.load(written).module()(other), network(other))
    write_bytes(path, written.getvalue())
    return path


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
