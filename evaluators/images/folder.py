"""The images in a folder."""

from __future__ import annotations

from pathlib import Path

from evaluators.images.dicom import is_series, slices_in
from evaluators.images.reading import SUFFIXES, file_suffix
from search_spaces.errors import InputError


def images_in(folder: Path) -> list[Path]:
    """Files of known types, and folders of DICOM files; hidden ones and others are passed over.

    A link to a file that is not there is among them: it is told where it is read, and not left out without a word.
    """
    shown = (f for f in folder.iterdir() if not f.name.startswith("."))
    return sorted(f for f in shown if (not f.is_dir() and file_suffix(f) in SUFFIXES) or is_series(f))


def images_at(path: Path) -> list[Path]:
    """``path`` where it is an image, a folder of DICOM files among them; else the images in that folder.

    Raises ``InputError`` for slices among other images: nobody can tell which of the two the folder is.
    """
    if not path.is_dir():
        return [path]
    if not is_series(path):
        return images_in(path)
    slices = slices_in(path)
    others = [file for file in images_in(path) if not file.is_dir() and file not in slices]
    if not others:
        return [path]
    if len(slices) == 1 and file_suffix(slices[0]) in SUFFIXES:
        return images_in(path)
    raise InputError(
        f"{path}: holds DICOM files ({slices[0].name} and {len(slices) - 1} more) beside other images "
        f"({others[0].name}); expected a series alone in a folder, or give the files"
    )
