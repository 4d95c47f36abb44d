"""An ONNX file with weights and maps in 16 bits: half the size. On a CPU it is no quicker, numbers are cast back."""

from __future__ import annotations

from pathlib import Path

from evaluators.files import write_bytes
from nas.exports.agreement import example
from nas.exports.formats.format import Format, Images, register
from nas.exports.formats.onnx import PACKAGES, imported, onnx_bytes, read_onnx, run_onnx, session_of, with_settings
from nas.exports.formats.torch_program import torch_program
from nas.exports.model import ExportedModel, settings_of
from search_spaces.errors import InputError


def write_float16(model: ExportedModel, path: Path, images: Images = ()) -> Path:
    """Write the network with 16 bits inside and 32 at both ends, run it, and return ``path``.

    Raises ``InputError`` when a package of the extra ``export`` is missing, and when what it gives is not finite.
    """
    onnx, float16 = imported("onnx"), imported("onnxruntime.transformers.float16")
    image = example(model.preprocessing)
    whole = onnx.load_from_string(onnx_bytes(torch_program(model.module, image), image))
    content = float16.convert_float_to_float16(whole, keep_io_types=True).SerializeToString()
    if not run_onnx(session_of(content), image).isfinite().all():
        raise InputError(f"'{path.name}': expected finite logits; 16 bits do not hold the numbers of this network")
    write_bytes(path, with_settings(content, settings_of(model)))
    return path


register(
    Format(
        "onnx-float16",
        "model-float16.onnx",
        "ONNX, 16 bits: half the size",
        write_float16,
        read_onnx,
        exact=False,
        needs=PACKAGES,
    )
)
