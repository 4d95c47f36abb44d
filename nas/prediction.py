"""Segment image files with an exported model."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from evaluators.images import SUFFIXES, file_stem, file_suffix, result_path, write_label
from evaluators.inference import predict_probabilities
from evaluators.tasks.case_reader import CaseReader
from evaluators.tasks.task import Case, Sample
from nas.export import ExportedModel
from search_spaces.errors import InputError

MODALITY = re.compile(r"(.+)_(\d{4})")  # nnU-Net's name of one channel of a case


def find_images(paths: Sequence[Path], channels: int = 1) -> dict[str, tuple[Path, ...]]:
    """Case name to its files: every image given or lying in a folder given.

    Files ``CASE_0000``, ``CASE_0001``, ... are the channels of one case where the model has several.
    Raises ``InputError`` when something does not exist or no image is there.
    """
    files: list[Path] = []
    for path in paths:
        if path.is_dir():
            files += sorted(f for f in path.iterdir() if file_suffix(f) in SUFFIXES and not f.name.startswith("."))
        elif path.is_file():
            files.append(path)
        else:
            raise InputError(f"image '{path}' does not exist")
    cases: dict[str, list[Path]] = {}
    for file in files:
        match = MODALITY.fullmatch(file_stem(file)) if channels > 1 else None
        name = match[1] if match else file_stem(file)
        if name in cases and not match:
            raise InputError(
                f"two images are called '{name}': {cases[name][0]} and {file}; their results would collide"
            )
        cases.setdefault(name, []).append(file)
    if not cases:
        raise InputError(f"no image found in {', '.join(map(str, paths))}; expected one of {', '.join(SUFFIXES)}")
    return {name: tuple(sorted(found)) for name, found in cases.items()}


def check_spared(cases: Mapping[str, tuple[Path, ...]], folder: Path) -> None:
    """Raise ``InputError`` when a result in ``folder`` would take the place of an image that was given."""
    for name, files in cases.items():
        result = result_path(folder, name, files[0])
        if result.resolve() in {file.resolve() for file in files}:
            raise InputError(f"--out '{folder}': the result of '{name}' would overwrite its image {result}")


def predict_case(model: ExportedModel, name: str, files: tuple[Path, ...], device: str = "cpu") -> np.ndarray:
    """Class indices ``(*spatial)``, uint8, of one case, upright as the tool has it."""
    return _segment(model, _read(model, name, files), device)


def predict_to(model: ExportedModel, name: str, files: tuple[Path, ...], folder: Path, device: str = "cpu") -> Path:
    """Write the class indices of one case as a file that lies where its image lies."""
    sample = _read(model, name, files)
    assert sample.source is not None
    return write_label(folder, name, _segment(model, sample, device), sample.source)


def _read(model: ExportedModel, name: str, files: tuple[Path, ...]) -> Sample:
    layout = model.preprocessing
    reader = CaseReader(layout.dims, layout.channels, None, slice_axis=layout.slice_axis)
    return reader(Case(name, "test", files))


def _segment(model: ExportedModel, sample: Sample, device: str) -> np.ndarray:
    probabilities = predict_probabilities(
        model.network,
        model.preprocessing.image(sample.image, sample.spacing),
        patch=model.preprocessing.patch,
        size=sample.image.shape[1:],
        mirror=model.mirror,
        device=device,
    )
    return probabilities.argmax(0).cpu().numpy().astype(np.uint8)
