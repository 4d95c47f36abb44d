"""Writing files whole: a reader, or whoever comes after a crash, sees the old content or the new, never a part."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from search_spaces.errors import InputError

AS_ON_DISK = "surrogateescape"  # how to encode names of files that are not UTF-8


def write_bytes(path: Path, content: bytes) -> None:
    """Write ``content`` to ``path`` atomically, making its folder where it is missing."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name[:40]}.")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.chmod(temporary, 0o644)
        os.replace(temporary, path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise


def write_text(path: Path, content: str) -> None:
    """Write ``content`` to ``path`` atomically, as UTF-8; names of files in it as the disk has them."""
    write_bytes(path, content.encode(errors=AS_ON_DISK))


def file_called(folder: Path, name: str) -> Path:
    """The file ``name`` in a folder, in other letters (``Split.CSV``) where it is not there in these."""
    exact = folder / name
    if exact.exists():
        return exact
    return next((file for file in sorted(folder.iterdir()) if file.name.lower() == name.lower()), exact)


def check_can_hold(folder: Path) -> None:
    """Raise ``InputError`` where ``folder`` is no folder, and cannot be made one, into which files can be written."""
    place = folder.absolute()
    while not os.path.lexists(place):
        place = place.parent
    if not place.is_dir():
        raise InputError(f"'{folder}': {place} is no folder; expected a folder, or a place for a new one")
    if not os.access(place, os.W_OK | os.X_OK):
        raise InputError(f"'{folder}': nothing can be written into the folder {place}")
