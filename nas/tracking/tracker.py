"""What a tracker is: told of every trial that ends, it passes it on to a service of the user's."""

from __future__ import annotations

import importlib
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, ClassVar, TypeVar

from nas.records.trial import Trial
from search_spaces.errors import InputError
from search_spaces.registry import Registry


class Tracker(ABC):
    """Passes the trials of one run on.

    Attributes:
        packages: what it imports, each of the extra ``tracking``.

    Args:
        run: name of the run.
        folder: of the run, absolute; a tracker that writes files does so in a folder of its own there, unless told
            where.
        config: of the run, resolved.
        place: where the trials go, in the service's own terms; None for its default.
    """

    packages: ClassVar[tuple[str, ...]] = ()

    def __init__(self, run: str, folder: Path, config: Mapping[str, Any], place: str | None) -> None:
        self.run, self.folder, self.config, self.place = run, folder, config, place

    @classmethod
    def check(cls) -> None:
        """Raise ``InputError`` where a package is missing."""
        for package in cls.packages:
            try:
                importlib.import_module(package)
            except ImportError:
                raise InputError(
                    f"needs the package '{package}', which is not installed: pip install 'attention-nas[tracking]'"
                ) from None

    @abstractmethod
    def trial(self, trial: Trial) -> None:
        """Pass on one that has ended; called once for each."""

    def close(self) -> None:
        """No more will come, for now; most services need not be told."""
        return


TRACKERS: Registry[type[Tracker]] = Registry("tracker", "nas.tracking")

T = TypeVar("T", bound=type[Tracker])


def tracker(name: str) -> Callable[[T], T]:
    """Class decorator that registers a tracker under the key that turns it on."""
    return TRACKERS.register(name)
