"""The folder of an export: what lies in it is told by its hashes, and nothing else is ever deleted."""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

from evaluators.files import AS_ON_DISK, check_can_hold, write_text
from search_spaces.errors import InputError

ARCHITECTURE, WEIGHTS, MODEL, CARD, SUMS = (
    "architecture.yaml",
    "weights.safetensors",
    "model.yaml",
    "README.md",
    "SHA256SUMS",
)
OWN = (ARCHITECTURE, WEIGHTS, MODEL)  # of every export
_CACHE = "__pycache__"  # what Python leaves where a network's source is used
_BLOCK = 2**20


def hashes(folder: Path) -> dict[str, str]:
    """SHA-256 of every file in a folder and below, by its path from there."""
    return {path.relative_to(folder).as_posix(): _hash(path) for path in sorted(_files(folder))}


def write_sums(folder: Path) -> None:
    """Write the hashes of all files, as ``sha256sum --check SHA256SUMS`` reads them."""
    write_text(folder / SUMS, "".join(f"{sum}  {name}\n" for name, sum in hashes(folder).items()))


def check_free(folder: Path) -> None:
    """Raise ``InputError`` when writing an export to ``folder`` would delete anything but an older export.

    That is a folder of the three files that each has and of files as their hashes in ``SHA256SUMS`` are.
    """
    if folder.is_dir():
        strange = _strange(folder)
        if strange:
            raise InputError(f"folder '{folder}' holds other files ({strange}); expected a new one, or an older export")
    elif os.path.lexists(folder):
        raise InputError(f"'{folder}' is no folder; expected a new one, or an older export")
    check_can_hold(folder.resolve().parent)  # which is where it is made


def replace_folder(place: Path, made: Path) -> None:
    """Put the folder ``made`` where ``place`` is; an older one there is deleted when the new one is in its place."""
    older = place.with_name(f".{place.name}.older")
    shutil.rmtree(older, ignore_errors=True)
    if place.exists():
        place.rename(older)
    try:
        made.rename(place)
    except OSError:
        if older.exists():
            older.rename(place)
        raise
    shutil.rmtree(older, ignore_errors=True)


def _strange(folder: Path) -> str:
    """The first thing in a folder that no export has left there; empty where there is none."""
    known = _known(folder) if all((folder / name).is_file() for name in OWN) else {}
    for path in sorted(_files(folder)):
        name = path.relative_to(folder).as_posix()
        if name in OWN or (name == SUMS and known):
            continue
        if name not in known:
            return name
        if known[name] != _hash(path):
            return f"{name}, changed since it was exported"
    return ""


def _known(folder: Path) -> dict[str, str]:
    """The hashes that an older export wrote, by file."""
    try:
        lines = (folder / SUMS).read_text(encoding="utf-8", errors=AS_ON_DISK).splitlines()
    except OSError:
        return {}
    return {name: sum for sum, _, name in (line.partition("  ") for line in lines) if name}


def _files(folder: Path) -> Iterator[Path]:
    """Everything below a folder but folders that hold something, and what Python caches."""
    for path in folder.iterdir():
        if path.name == _CACHE:
            continue
        if path.is_dir() and not path.is_symlink() and any(path.iterdir()):
            yield from _files(path)
        else:
            yield path


def _hash(path: Path) -> str:
    if not path.is_file():
        return ""
    found = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(_BLOCK):
            found.update(block)
    return found.hexdigest()
