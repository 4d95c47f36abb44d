"""One case of the golden form: what was built, with which weights, and what it gave."""

from __future__ import annotations

import functools
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

Tensors = dict[str, Tensor]


@dataclass(frozen=True)
class Case:
    """A description (the JSON) and its arrays (the NPZ, read when first asked for), floating point as float64."""

    description: Mapping[str, Any]
    file: Path

    @functools.cached_property
    def arrays(self) -> Tensors:
        with np.load(self.file, allow_pickle=False) as arrays:
            return {key: _tensor(arrays[key]) for key in arrays.files}

    @property
    def name(self) -> str:
        return self.description["name"]

    @property
    def key(self) -> tuple[str, str]:
        """Repository as ``owner/name`` (empty where there is none) and class name."""
        repository = self.description.get("repo") or ""
        return "/".join(repository.rstrip("/").removesuffix(".git").split("/")[-2:]), self.description["class_name"]

    @property
    def path(self) -> str:
        """The reference's file inside its repository."""
        return self.description.get("path") or ""

    @property
    def arguments(self) -> dict[str, Any]:
        return dict(self.description["ctor_args"])

    @property
    def training(self) -> bool:
        return self.description["mode"] == "train"

    @property
    def normative(self) -> bool:
        return self.description.get("normative", True)

    @property
    def tolerance(self) -> float:
        return self.description.get("suggested_tolerance", {}).get("tol", 1e-9)

    @property
    def input_names(self) -> list[str]:
        """The reference's argument names; of code without functions of tensors the names of the arrays."""
        return self.description.get("input_names") or list(self.description["inputs"])

    @property
    def shape(self) -> list[int]:
        """Shape of the first input."""
        return self.description["inputs"]["x"]

    @property
    def dims(self) -> int:
        """Number of spatial axes of the first input."""
        return len(self.shape) - 2

    @property
    def inputs(self) -> Tensors:
        """Inputs by the reference's own argument names, in its order."""
        return self._named("x")

    @property
    def gradients(self) -> Tensors:
        """Gradients of the inputs, by the same names."""
        return self._named("gx")

    @property
    def outputs(self) -> list[Tensor]:
        return self._numbered("y")

    @property
    def cotangents(self) -> list[Tensor]:
        return self._numbered("r")

    @property
    def weights(self) -> Tensors:
        """The reference's state dict before the call."""
        return self._prefixed("w.")

    @property
    def weights_after(self) -> Tensors:
        """The reference's state dict after the call."""
        return {**self.weights, **self._prefixed("wafter.")}

    def _named(self, array: str) -> Tensors:
        first, *others = self.input_names
        keys = {first: array, **{name: f"{array}.{name}" for name in others}}
        return {name: self.arrays[key] for name, key in keys.items() if key in self.arrays}

    def _numbered(self, array: str) -> list[Tensor]:
        keys = [array, *(f"{array}{index}" for index in range(1, len(self.description["outputs"])))]
        return [self.arrays[key] for key in keys]

    def _prefixed(self, prefix: str) -> Tensors:
        return {key.removeprefix(prefix): array for key, array in self.arrays.items() if key.startswith(prefix)}


def load_case(description: Path) -> Case:
    """The case whose JSON is ``description``; the NPZ lies beside it."""
    return Case(json.loads(description.read_text()), description.with_suffix(".npz"))


def find_cases(folder: Path) -> list[Path]:
    """The JSON files of ``folder`` that have an NPZ beside them, by name."""
    return sorted(path for path in folder.glob("*.json") if path.with_suffix(".npz").exists())


def _tensor(array: np.ndarray) -> Tensor:
    tensor = torch.from_numpy(np.ascontiguousarray(array).reshape(array.shape))
    return tensor.double() if tensor.is_floating_point() else tensor
