"""Segment image files with an exported model."""

from __future__ import annotations

import io
import re
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from evaluators.inference import predict_label
from evaluators.tasks.file_task import FileReader
from evaluators.tasks.labels import parse_classes
from evaluators.tasks.readers import SUFFIXES, file_stem, file_suffix
from evaluators.tasks.task import Case, Sample
from nas.export import ExportedModel
from nas.files import write_bytes
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


def check_spared(cases: Mapping[str, tuple[Path, ...]], folder: Path, dims: int) -> None:
    """Raise ``InputError`` when a result in ``folder`` would take the place of an image that was given."""
    for name, files in cases.items():
        result = _result(folder, name, dims)
        if result.resolve() in {file.resolve() for file in files}:
            raise InputError(f"--out '{folder}': the result of '{name}' would overwrite its image {result}")


def predict_case(model: ExportedModel, name: str, files: tuple[Path, ...], device: str = "cpu") -> np.ndarray:
    """Class indices ``(*spatial)``, uint8, of one case, on the grid of its files."""
    return _segment(model, _read(model, name, files), device)


def predict_to(model: ExportedModel, name: str, files: tuple[Path, ...], folder: Path, device: str = "cpu") -> Path:
    """Write the class indices of one case: a PNG in 2D, a NIfTI with the image's own geometry in 3D."""
    sample = _read(model, name, files)
    label = _segment(model, sample, device)
    path = _result(folder, name, label.ndim)
    affine = sample.source.affine if sample.source else None
    write_bytes(path, _png(label) if label.ndim == 2 else _nifti(label, affine))
    return path


def _result(folder: Path, name: str, dims: int) -> Path:
    return folder / (f"{name}.png" if dims == 2 else f"{name}.nii.gz")


def _read(model: ExportedModel, name: str, files: tuple[Path, ...]) -> Sample:
    layout = model.preprocessing
    classes = parse_classes({class_name: index for index, class_name in enumerate(layout.classes, start=1)})
    return FileReader(layout.dims, layout.channels, classes)(Case(name, "test", files))


def _segment(model: ExportedModel, sample: Sample, device: str) -> np.ndarray:
    size = sample.image.shape[1:]
    layout = model.preprocessing.for_image(size, sample.spacing)
    image = layout.image(sample.image, sample.spacing)
    return predict_label(model.network, image, layout, size, mirror=model.mirror, device=device)


def _png(label: np.ndarray) -> bytes:
    from PIL import Image

    content = io.BytesIO()
    Image.fromarray(label).save(content, format="PNG")
    return content.getvalue()


def _nifti(label: np.ndarray, affine: np.ndarray | None) -> bytes:
    import gzip

    import nibabel

    image = nibabel.Nifti1Image(label, np.eye(4) if affine is None else affine)
    return gzip.compress(image.to_bytes(), mtime=0)
