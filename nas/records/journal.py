"""The journal of a run: a JSON line for each trial, only ever appended to. It is the truth about the run.

A trial that was scored on the way has a line for each time; the last one says all.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import BinaryIO

from nas.records.trial import Trial
from search_spaces.errors import InputError


class Journal:
    """Trials in a file of JSON lines, written by one process at a time.

    A line counts once its newline is written. What a killed process left behind after the last newline is passed
    over by ``read``, and cut off before the next ``append``.
    """

    def __init__(self, path: Path | str) -> None:
        self.path = Path(path)

    def append(self, trial: Trial) -> None:
        """Add one trial; it is on the disk when this returns."""
        line = json.dumps(trial.to_dict(), allow_nan=False).encode() + b"\n"
        new = not self.path.exists()
        with self.path.open("a+b") as file:
            _cut_torn_line(file)
            file.write(line)
            file.flush()
            os.fsync(file.fileno())
        if new:
            _sync_folder(self.path.parent)

    def read(self) -> list[Trial]:
        """All trials in the order in which each was first written; none when there is no file yet.

        Raises ``InputError`` with file and line number for a line that is no trial, or a trial written twice.
        """
        if not self.path.exists():
            return []
        lines = self.path.read_bytes().split(b"\n")[:-1]
        held: dict[tuple[str, int], tuple[int, Trial]] = {}  # the last line of each trial, and what it says
        for number, line in enumerate(lines, start=1):
            trial = self._parse(line, number)
            first, before = held.get((trial.phase, trial.number), (number, None))
            if before is not None and not trial.goes_on_from(before):
                raise self._fault(number, f"{trial.phase} trial {trial.number} is on line {first} already")
            held[trial.phase, trial.number] = number, trial
        return [trial for _, trial in held.values()]

    def _parse(self, line: bytes, number: int) -> Trial:
        try:
            return Trial.from_dict(json.loads(line))
        except InputError as error:
            raise self._fault(number, "; ".join(error.faults)) from None
        except ValueError as error:  # of JSON and of Unicode
            raise self._fault(number, f"expected a trial as JSON, {error}") from None

    def _fault(self, number: int, reason: str) -> InputError:
        return InputError(f"journal '{self.path}', line {number}: {reason}")


def _cut_torn_line(file: BinaryIO) -> None:
    end = file.seek(0, os.SEEK_END)
    if end == 0:
        return
    file.seek(end - 1)
    if file.read(1) != b"\n":
        file.seek(0)
        file.truncate(file.read().rfind(b"\n") + 1)
    file.seek(0, os.SEEK_END)


def _sync_folder(folder: Path) -> None:
    """Make the name of a new file as durable as its content; Windows opens no folders, and needs it not."""
    if os.name == "nt":
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
