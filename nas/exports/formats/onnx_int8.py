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
    LOGITS,
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
        whole.write_bytes(with_own_names(onnx_bytes(torch_program(model.module, image), image)))
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


def with_own_names(content: bytes) -> bytes:
    """An ONNX file in which every node and every tensor but ``IMAGE`` and ``LOGITS`` has another name.

    ONNX Runtime 1.32 copies a constant that several normalisations share under its name and a number, whatever else
    has that name already: of torch's ``val_20`` a copy is ``val_209``. One network in seven became a file that it
    refused to run. No name of ours ends in a digit.
    """
    model = imported("onnx").load_from_string(content)
    names = {name: name for name in (IMAGE, LOGITS, "")}  # an empty one is an input that is left out
    _rename(model.graph, names)
    written: bytes = model.SerializeToString()
    return written


def _rename(graph: Any, names: dict[str, str]) -> None:
    """Rename what ``graph`` and the graphs in it hold; ``names`` are those so far, and is added to."""

    def own(name: str) -> str:
        return names.setdefault(name, f"tensor_{len(names)}_")

    for tensor in (*graph.input, *graph.output, *graph.initializer, *graph.value_info):
        tensor.name = own(tensor.name)
    for number, node in enumerate(graph.node):
        node.name = f"{node.op_type}_{number}"
        node.input[:], node.output[:] = [*map(own, node.input)], [*map(own, node.output)]
        for attribute in node.attribute:
            if attribute.HasField("g"):
                _rename(attribute.g, names)


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
