"""The images in a folder."""

from __future__ import annotations

from pathlib import Path

from evaluators.images.dicom import is_series
from evaluators.images.reading import SUFFIXES, file_suffix


def images_in(folder: Path) -> list[Path]:
    """Files of known types, and folders of DICOM files; hidden ones and others are passed over."""
    shown = (f for f in folder.iterdir() if not f.name.startswith("."))
    return sorted(f for f in shown if (f.is_file() and file_suffix(f) in SUFFIXES) or is_series(f))
