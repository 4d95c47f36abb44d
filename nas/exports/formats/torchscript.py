"""A network as TorchScript, by tracing: one file for torch, from C++ too. Torch calls it deprecated since 2.9."""

from __future__ import annotations

import io
import warnings
from pathlib import Path

import torch
from torch import nn

from evaluators.files import write_bytes
from evaluators.preprocessing import Preprocessing
from nas.exports.agreement import check_same, example
from nas.exports.formats.format import Format, Images, register
from nas.exports.model import SETTINGS, ExportedModel, Network, model_from_settings, settings_of
from search_spaces.errors import InputError


def write_torchscript(network: nn.Module, preprocessing: Preprocessing, path: Path, settings: str = "") -> Path:
    """Write ``network`` as a ``.ts`` file, read it back, compare what it gives, and return ``path``.

    ``settings``: what the file says of itself, see ``settings_of``. Raises ``InputError`` when the file gives other
    logits than the network.
    """
    written = io.BytesIO()
    other = example(preprocessing, more=1)
    with torch.no_grad(), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that it is deprecated, and that lengths are taken as they are
        traced = torch.jit.trace(network.eval(), example(preprocessing), check_trace=False)
        torch.jit.save(traced, written, _extra_files={SETTINGS: settings})
        written.seek(0)
        check_same(path, torch.jit.load(written)(other), network(other))
    write_bytes(path, written.getvalue())
    return path


def read_torchscript(path: Path, device: str = "cpu") -> ExportedModel:
    """The model in a file that ``nas export`` wrote."""
    extra = {SETTINGS: ""}
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)
            network = torch.jit.load(path, map_location=device, _extra_files=extra).eval()
    except RuntimeError as error:
        raise InputError(f"'{path}': expected a file of TorchScript: {' '.join(str(error).split())[:200]}") from None
    content = extra[SETTINGS]
    settings = content.decode() if isinstance(content, bytes) else content

    def load(*_: object) -> Network:
        return network

    return model_from_settings(settings, load, f"'{path}'")


def _write(model: ExportedModel, path: Path, images: Images) -> Path:
    return write_torchscript(model.module, model.preprocessing, path, settings_of(model))


register(Format("torchscript", "model.ts", "TorchScript, for torch and its C++ library", _write, read_torchscript))
