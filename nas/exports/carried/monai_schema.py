"""What a bundle's ``metadata.json`` has to hold, as a JSON schema: so that it is verified without a download.

After MONAI's specification, https://docs.monai.io/en/stable/mb_specification.html, in our own words.
"""

from __future__ import annotations

from typing import Any

_TEXT = {"type": "string", "minLength": 1}
_VERSION = {"type": "string", "pattern": r"^\d+(\.\d+)*"}
_VERSIONS = {"type": "object", "additionalProperties": _VERSION}
_LENGTH = {"anyOf": [{"type": "integer", "minimum": 1}, _TEXT]}  # a number, or a rule such as "*" or "16*n"

_TENSOR: dict[str, Any] = {
    "type": "object",
    "properties": {
        "type": {"enum": ["image", "series", "tuples", "probabilities"]},
        "format": _TEXT,
        "modality": _TEXT,
        "num_channels": {"type": "integer", "minimum": 1},
        "spatial_shape": {"type": "array", "minItems": 1, "items": _LENGTH},
        "dtype": {"enum": ["float16", "float32", "float64", "int8", "int16", "int32", "int64", "uint8", "bool"]},
        "value_range": {"type": "array", "items": {"type": "number"}},
        "is_patch_data": {"type": "boolean"},
        "channel_def": {"type": "object", "additionalProperties": _TEXT},
    },
    "required": ["type", "format", "num_channels", "spatial_shape", "dtype", "value_range", "is_patch_data"],
}


def _tensors(name: str) -> dict[str, Any]:
    return {"type": "object", "properties": {name: _TENSOR}, "required": [name], "additionalProperties": _TENSOR}


SCHEMA: dict[str, Any] = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "title": "metadata of a MONAI bundle",
    "type": "object",
    "properties": {
        "schema": _TEXT,
        "version": _VERSION,
        "changelog": {"type": "object", "minProperties": 1, "additionalProperties": _TEXT},
        "monai_version": _VERSION,
        "pytorch_version": _VERSION,
        "numpy_version": _VERSION,
        "required_packages_version": _VERSIONS,
        "eval_metrics": {"type": "object", "additionalProperties": {"type": "number"}},
        **dict.fromkeys(("name", "task", "description", "authors", "copyright", "license", "intended_use"), _TEXT),
        "network_data_format": {
            "type": "object",
            "properties": {"inputs": _tensors("image"), "outputs": _tensors("pred")},
            "required": ["inputs", "outputs"],
        },
    },
    "required": [
        *("schema", "version", "changelog", "monai_version", "pytorch_version", "numpy_version"),
        *("required_packages_version", "task", "description", "authors", "copyright", "network_data_format"),
    ],
}
