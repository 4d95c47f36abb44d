"""A network as a program of ``torch.export``: one file that torch runs without this package, at any size and batch."""

from __future__ import annotations

import io
import logging
import zipfile
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.export import Dim, ExportedProgram
from torch.export.passes import move_to_device_pass
from torch.fx.experimental import _config as symbols

from evaluators.files import write_bytes
from evaluators.preprocessing import Preprocessing
from nas.exports.agreement import FEWEST, check_same, example
from nas.exports.formats.format import Format, Images, register
from nas.exports.model import SETTINGS, ExportedModel, Network, model_from_settings, settings_of
from search_spaces.errors import InputError


def torch_program(network: nn.Module, image: Tensor) -> ExportedProgram:
    """``network`` in evaluation mode, written down on ``image``, ``(batch, channels, *spatial)``.

    Batch and spatial size are free. Where torch could not do without a condition on them, the program says so when it
    is called; what is made of it for ONNX does not.
    """
    free = dict.fromkeys((0, *range(2, image.dim())), Dim.DYNAMIC)
    # As torch's own ONNX exporter does: a length of 1 is a length like any other.
    with torch.no_grad(), symbols.patch(backed_size_oblivious=True):  # type: ignore[attr-defined]
        return torch.export.export(network.eval(), (image,), dynamic_shapes=(free,), strict=False)


def write_torch_program(network: nn.Module, preprocessing: Preprocessing, path: Path, settings: str = "") -> Path:
    """Write ``network`` as a ``.pt2`` file, read it back, compare what it gives, and return ``path``.

    ``settings``: what the file says of itself, see ``settings_of``. Raises ``InputError`` when the file gives other
    logits than the network.
    """
    written = io.BytesIO()
    torch.export.save(torch_program(network, example(preprocessing)), written, extra_files={SETTINGS: settings})
    written.seek(0)
    other = example(preprocessing, more=1)
    with torch.no_grad():
        check_same(path, torch.export.load(written).module()(other), network(other))
    write_bytes(path, written.getvalue())
    return path


def read_torch_program(path: Path, device: str = "cpu") -> ExportedModel:
    """The model in a file that ``nas export`` wrote."""
    extra = {SETTINGS: ""}
    logging.getLogger("torch.export").setLevel(logging.ERROR)  # of what it cannot read it tells a page before it fails
    try:
        program = torch.export.load(path, extra_files=extra)
    except (RuntimeError, zipfile.BadZipFile) as error:
        raise InputError(
            f"'{path}': expected a program of torch.export: {' '.join(str(error).split())[:200]}"
        ) from None
    if device != "cpu":
        program = move_to_device_pass(program, device)
    network = program.module()

    def look(image: Tensor) -> Tensor:
        # Some programs refuse a single image: torch puts that condition into them, see docs/export.md.
        logits: Tensor = network(image.expand(FEWEST, *image.shape[1:]) if len(image) == 1 else image)
        return logits[: len(image)]

    def load(*_: object) -> Network:
        return look

    return model_from_settings(extra[SETTINGS], load, f"'{path}'")


def _write(model: ExportedModel, path: Path, images: Images) -> Path:
    return write_torch_program(model.module, model.preprocessing, path, settings_of(model))


register(Format("torch", "model.pt2", "a program of torch.export", _write, read_torch_program))
