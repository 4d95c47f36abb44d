"""Telling every tracker of a run about its trials, each once, without ever stopping a search."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any

from nas.records.trial import Trial
from nas.tracking.described import name_of
from nas.tracking.tracker import TRACKERS, Tracker
from search_spaces.errors import InputError

Places = Mapping[str, bool | str]


def chosen(places: Places) -> dict[str, str | None]:
    """The trackers that are turned on, each with its place; None for its default."""
    return {name: None if place is True else str(place) for name, place in places.items() if place is not False}


def check_trackers(places: Places) -> list[str]:
    """What is wrong with a config's ``tracking``, a line each."""
    faults = []
    for name in chosen(places):
        try:
            TRACKERS[name].check()
        except InputError as error:
            key = f"tracking.{name}" if name in TRACKERS else "tracking"
            faults += [f"{key}: {fault}" for fault in error.faults]
    return faults


class Telling:
    """The trackers of one run.

    What a tracker was told stays in ``tracking/`` of the run's folder, so that a run that goes on repeats nothing. One
    that fails is told no more trials, and that is said: a server that is away is no reason to lose a search.

    Args:
        run: its name.
        folder: of the run.
        config: of the run, resolved.
        places: see ``Config.tracking``.
        note: told what went wrong, a line each.
    """

    def __init__(
        self, run: str, folder: Path, config: Mapping[str, Any], places: Places, note: Callable[[str], object]
    ) -> None:
        self._note = note
        self._trackers: dict[str, Tracker] = {}
        self._logs: dict[str, Path] = {}
        self._told: dict[str, set[str]] = {}
        for name, place in chosen(places).items():
            digest = hashlib.blake2b(str(place).encode(), digest_size=4).hexdigest()
            log = folder / "tracking" / f"{name}-{digest}.txt"
            with _Guard(self, name):
                self._trackers[name] = TRACKERS[name](run, folder, config, place)
            self._logs[name] = log
            self._told[name] = set(log.read_text(encoding="utf-8").split()) if log.exists() else set()

    def tell(self, trials: Iterable[Trial]) -> None:
        """Those that were not told before."""
        for trial in trials:
            for name in list(self._trackers):
                if name_of(trial) in self._told[name]:
                    continue
                with _Guard(self, name):
                    self._trackers[name].trial(trial)
                    _append(self._logs[name], name_of(trial))
                    self._told[name].add(name_of(trial))

    def close(self) -> None:
        for name in list(self._trackers):
            with _Guard(self, name):
                self._trackers[name].close()

    def give_up(self, name: str, error: Exception) -> None:
        """One failed: go on without it."""
        self._trackers.pop(name, None)
        words = " ".join(f"{type(error).__name__}: {error}".split())[:300]
        self._note(f"tracking.{name}: {words}; no more trials are told to it, nas track tells them later")


def _append(log: Path, line: str) -> None:
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("a", encoding="utf-8") as file:
        file.write(f"{line}\n")
        file.flush()
        os.fsync(file.fileno())


class _Guard:
    """What a tracker raises within is noted, and ends the tracker alone."""

    def __init__(self, telling: Telling, name: str) -> None:
        self._telling, self._name = telling, name

    def __enter__(self) -> None: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> bool:
        if isinstance(error, Exception):
            self._telling.give_up(self._name, error)
            return True
        return False
