"""A network as an ONNX file, weights included, that other runtimes run at any size and batch."""

from __future__ import annotations

import importlib
import logging
import tempfile
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.export import ExportedProgram

from evaluators.files import write_bytes
from evaluators.preprocessing import Preprocessing
from nas.exports.agreement import check_same, example
from nas.exports.formats.format import Format, Images, register
from nas.exports.formats.torch_program import torch_program
from nas.exports.model import SETTINGS, ExportedModel, Network, model_from_settings, settings_of
from search_spaces.errors import InputError

PACKAGES = ("onnx", "onnxscript", "onnxruntime")  # of the extra ``export``
OPSET = 20  # torch's own choice in 2.13
IMAGE, LOGITS = "image", "logits"  # names of input and output


def write_onnx(network: nn.Module, preprocessing: Preprocessing, path: Path, settings: str = "") -> Path:
    """Write ``network`` as one file, run that in ONNX Runtime, compare what it gives, and return ``path``.

    ``settings``: what the file says of itself, see ``settings_of``. Raises ``InputError`` when a package of the extra
    ``export`` is missing, and when the file gives other logits than the network.
    """
    for package in PACKAGES:
        imported(package)
    image = example(preprocessing)
    content = onnx_bytes(torch_program(network, image), image, settings)
    other = example(preprocessing, more=1)
    with torch.no_grad():
        check_same(path, run_onnx(session_of(content), other), network(other))
    write_bytes(path, content)
    return path


def onnx_bytes(program: ExportedProgram, image: Tensor, settings: str = "") -> bytes:
    """The content of an ONNX file that computes what ``program`` does; ``image`` is one that it takes."""
    logging.getLogger("torch.onnx").setLevel(logging.ERROR)  # it tells of packages that are not installed
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "model.onnx"
        torch.onnx.export(
            program,
            (image,),
            file,
            input_names=[IMAGE],
            output_names=[LOGITS],
            opset_version=OPSET,
            external_data=False,
            verbose=False,
        )
        return with_settings(file.read_bytes(), settings) if settings else file.read_bytes()


def with_settings(content: bytes, settings: str) -> bytes:
    """An ONNX file that says of itself what ``settings_of`` gives."""
    onnx = imported("onnx")
    model = onnx.load_from_string(content)
    onnx.helper.set_model_props(model, {SETTINGS: settings})
    written: bytes = model.SerializeToString()
    return written


def session_of(content: bytes, threads: int = 0, device: str = "cpu") -> Any:
    """An ONNX Runtime session of a file's content; ``threads`` of each operation, 0: all."""
    runtime = imported("onnxruntime")
    provider = {"cpu": "CPUExecutionProvider", "cuda": "CUDAExecutionProvider"}[device]
    if provider not in runtime.get_available_providers():
        raise InputError(
            "device: expected the package 'onnxruntime-gpu' for ONNX on 'cuda'; this ONNX Runtime has none"
        )
    options = runtime.SessionOptions()
    options.intra_op_num_threads = threads
    options.log_severity_level = 3  # errors; constants that are not folded are no news
    return runtime.InferenceSession(content, options, providers=[provider])


def run_onnx(session: Any, image: Tensor) -> Tensor:
    """The logits of ``image``, ``(batch, channels, *spatial)``."""
    return torch.from_numpy(session.run([LOGITS], {IMAGE: image.numpy(force=True)})[0])


def read_onnx(path: Path, device: str = "cpu") -> ExportedModel:
    """The model in a file that ``nas export`` wrote."""
    try:
        session = session_of(path.read_bytes(), 1, device)  # threads share images and windows, see ``spread``
    except (InputError, OSError):
        raise
    except Exception as error:  # ONNX Runtime's own have no kind in common
        raise InputError(f"'{path}': expected an ONNX file: {' '.join(str(error).split())[:200]}") from None
    settings = session.get_modelmeta().custom_metadata_map.get(SETTINGS, "")

    def network(image: Tensor) -> Tensor:
        return run_onnx(session, image).to(image.device)

    def load(*_: object) -> Network:
        return network

    return model_from_settings(settings, load, f"'{path}'")


def imported(package: str) -> Any:
    """A package of the extra ``export``; raises ``InputError`` where it is missing."""
    try:
        return importlib.import_module(package)
    except ImportError:
        raise InputError(
            f"ONNX needs the package '{package}', which is not installed: pip install 'attention-nas[export]'"
        ) from None


def _write(model: ExportedModel, path: Path, images: Images) -> Path:
    return write_onnx(model.module, model.preprocessing, path, settings_of(model))


register(Format("onnx", "model.onnx", "ONNX, for ONNX Runtime and others", _write, read_onnx, needs=PACKAGES))
