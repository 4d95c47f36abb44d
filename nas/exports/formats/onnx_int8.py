"""An ONNX file whose convolutions count in 8 bits, by ONNX Runtime's static quantisation: a quarter of the size.

How large the numbers between the layers become is learnt from validation cases. What is left of Dice is told where the
file is compared with the network, on test cases; it is not the network's.
"""

from __future__ import annotations

import logging
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from torch import Tensor

from evaluators.files import write_bytes
from nas.exports.agreement import example
from nas.exports.formats.format import Format, Images, register
from nas.exports.formats.onnx import (
    IMAGE,
    PACKAGES,
    imported,
    onnx_bytes,
    read_onnx,
    run_onnx,
    session_of,
    with_settings,
)
from nas.exports.formats.torch_program import torch_program
from nas.exports.model import ExportedModel, settings_of
from search_spaces.errors import InputError


def write_int8(model: ExportedModel, path: Path, images: Images = ()) -> Path:
    """Write the network quantised by what ``images`` make of it, run it, and return ``path``.

    Raises ``InputError`` when a package of the extra ``export`` is missing, without images, and when ONNX Runtime
    cannot run what its quantisation made.
    """
    if not images:
        raise InputError("onnx-int8: expected validation cases of the run's task, to learn the range of numbers from")
    quantisation = imported("onnxruntime.quantization")
    image = example(model.preprocessing)
    with tempfile.TemporaryDirectory() as folder:
        whole, small = Path(folder) / "whole.onnx", Path(folder) / "small.onnx"
        whole.write_bytes(onnx_bytes(torch_program(model.module, image), image))
        root = logging.getLogger()
        level = root.level
        root.setLevel(logging.ERROR)  # it suggests preparations that need more packages
        try:
            quantisation.quantize_static(whole, small, _Reader(images), per_channel=True)
            content = with_settings(small.read_bytes(), settings_of(model))
            run_onnx(session_of(content), image)
        except Exception as error:  # of whatever kind: that ONNX Runtime refuses its own file is what is told
            reason = " ".join(str(error).split())[:200]
            raise InputError(f"onnx-int8: ONNX Runtime's quantisation fails on this network: {reason}") from error
        finally:
            root.setLevel(level)
    write_bytes(path, content)
    return path


class _Reader:
    """What ONNX Runtime asks for images, one by one."""

    def __init__(self, images: Images) -> None:
        self._left: Iterator[Tensor] = iter(images)

    def get_next(self) -> dict[str, Any] | None:
        image = next(self._left, None)
        return None if image is None else {IMAGE: image.numpy()}


register(
    Format(
        "onnx-int8",
        "model-int8.onnx",
        "ONNX, 8 bits: a quarter of the size",
        write_int8,
        read_onnx,
        exact=False,
        calibrated=True,
        needs=PACKAGES,
    )
)
