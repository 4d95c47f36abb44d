"""A run that somebody looks at while it goes on: its page's data, made anew when the run has grown."""

from __future__ import annotations

import threading
import time
from pathlib import Path

from nas.report.content import content_of
from nas.report.page import safe_json
from nas.run import Run
from search_spaces.errors import InputError

FILES = ("journal.jsonl", "front.json")
SHARE = 0.2  # of the time in which data may be made: a search needs the processor more
NOTHING = "null"  # of a run without a completed trial


class Watched:
    """One run. Its data are made by one thread at a time, and only when asked for."""

    def __init__(self, folder: Path, command: list[str]) -> None:
        self.folder, self.command = folder, command
        self._making = threading.Lock()
        self._made: tuple[tuple[tuple[int, int], ...], str] | None = None
        self._next = 0.0  # before then nothing is made anew

    @property
    def name(self) -> str:
        return self.folder.name

    @property
    def version(self) -> tuple[tuple[int, int], ...]:
        """Another one whenever the run has been written to."""
        return tuple(map(_state, (self.folder / name for name in FILES)))

    @property
    def told(self) -> tuple[tuple[int, int], ...]:
        """The version of the data that were made last."""
        return self._made[0] if self._made else ()

    def due(self, seen: tuple[tuple[int, int], ...]) -> bool:
        """Whether there is more than what was ``seen``, and time to tell it."""
        return self.version != seen and time.monotonic() >= self._next

    def data(self) -> str:
        """JSON of the run as it is now, safe in a page; ``null`` as long as no trial was completed."""
        with self._making:
            version = self.version
            if self._made is None or self._made[0] != version:
                began = time.monotonic()
                self._made = version, self._make()
                self._next = time.monotonic() + (time.monotonic() - began) * (1 / SHARE - 1)
            return self._made[1]

    def _make(self) -> str:
        run = Run(self.folder)
        if all(trial.dice is None for trial in run.journal if trial.phase == "search"):
            return NOTHING
        return safe_json(content_of(run, self.command))


def _state(path: Path) -> tuple[int, int]:
    try:
        found = path.stat()
    except FileNotFoundError:
        return 0, 0
    return found.st_size, found.st_mtime_ns


def watched_runs(named: list[str], runs: Path) -> list[Watched]:
    """The runs named, or all there are; raises ``InputError`` where there is none."""
    from nas.run import load_run

    names = named or sorted(path.parent.name for path in runs.glob("*/config.yaml"))
    if not names:
        raise InputError(f"folder '{runs}' holds no run; expected one to serve, or --runs FOLDER")
    where = [] if runs == Path("runs") else ["--runs", str(runs)]
    return [Watched(load_run(name, runs).folder, [name, *where]) for name in names]
