"""Where trials that were not worked to their end can be gone on from: a safetensors file each, beside the journal."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

from evaluators.files import write_bytes


class States:
    """Files of a folder by the number of the trial."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def __contains__(self, number: object) -> bool:
        return isinstance(number, int) and self._path(number).is_file()

    def keep(self, number: int, state: bytes) -> None:
        """In place of an earlier one."""
        write_bytes(self._path(number), state)

    def read(self, number: int) -> bytes:
        return self._path(number).read_bytes()

    def drop(self, number: int) -> None:
        """Where there is one; the folder goes with its last file."""
        self._path(number).unlink(missing_ok=True)
        with suppress(OSError):  # not empty, or not there
            self.folder.rmdir()

    def _path(self, number: int) -> Path:
        return self.folder / f"{number}.safetensors"
