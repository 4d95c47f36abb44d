"""A network as an ONNX file, weights included, that other runtimes run at any size and batch."""

from __future__ import annotations

import importlib
import tempfile
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.export import ExportedProgram

from evaluators.files import write_bytes
from evaluators.preprocessing import Preprocessing
from nas.exports.torch_program import check_same, example, torch_program
from search_spaces.errors import InputError

OPSET = 20  # torch's own choice in 2.13
IMAGE, LOGITS = "image", "logits"  # names of input and output


def write_onnx(network: nn.Module, preprocessing: Preprocessing, path: Path) -> Path:
    """Write ``network`` as one file, run that in ONNX Runtime, compare what it gives, and return ``path``.

    Raises ``InputError`` when a package of the extra ``export`` is missing, and when the file gives other logits than
    the network.
    """
    for package in ("onnx", "onnxscript", "onnxruntime"):
        _imported(package)
    image = example(preprocessing)
    content = onnx_bytes(torch_program(network, image), image)
    other = example(preprocessing, more=1)
    with torch.no_grad():
        check_same(path, run_onnx(session_of(content), other), network(other))
    write_bytes(path, content)
    return path


def onnx_bytes(program: ExportedProgram, image: Tensor) -> bytes:
    """The content of an ONNX file that computes what ``program`` does; ``image`` is one that it takes."""
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
        return file.read_bytes()


def session_of(content: bytes) -> Any:
    """An ONNX Runtime session, on the CPU, of a file's content."""
    runtime = _imported("onnxruntime")
    return runtime.InferenceSession(content, providers=["CPUExecutionProvider"])


def run_onnx(session: Any, image: Tensor) -> Tensor:
    """The logits of ``image``, ``(batch, channels, *spatial)``."""
    return torch.from_numpy(session.run([LOGITS], {IMAGE: image.numpy()})[0])


def _imported(package: str) -> Any:
    try:
        return importlib.import_module(package)
    except ImportError:
        raise InputError(
            f"ONNX needs the package '{package}', which is not installed: pip install 'attention-nas[export]'"
        ) from None
