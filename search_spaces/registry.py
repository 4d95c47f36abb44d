"""A registry of named things of one kind, filled by importing every module beside it.

Adding a thing is adding a file: the registry imports the modules of its package on first use,
and each registers what it defines. A name twice is an error; an unknown name lists the known ones.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable, Iterator
from typing import Generic, TypeVar, cast

from search_spaces.errors import InputError, unknown_name

T = TypeVar("T")
C = TypeVar("C")


class Registry(Generic[T]):
    """Names to things of one kind.

    Args:
        kind: what the things are called in messages, for example ``"mechanism"``.
        package: dotted name of the package whose modules register the things.
    """

    def __init__(self, kind: str, package: str) -> None:
        self.kind = kind
        self._package = package
        self._entries: dict[str, T] = {}
        self._made: dict[str, Callable[[str], T]] = {}
        self._loaded = False

    def add(self, name: str, entry: T) -> None:
        """Register ``entry`` under ``name``; raises ``ValueError`` when the name is taken."""
        if name in self._entries:
            raise ValueError(f"{self.kind} '{name}' is registered twice")
        self._entries[name] = entry

    def register(self, name: str) -> Callable[[C], C]:
        """A decorator that adds what it stands over under ``name``, and leaves it as it is."""

        def register(entry: C) -> C:
            self.add(name, cast(T, entry))
            return entry

        return register

    def made(self, prefix: str, make: Callable[[str], T]) -> None:
        """Let ``make`` give the entry of any name that begins with ``prefix``; such names are not listed."""
        self._made[prefix] = make

    def __getitem__(self, name: str) -> T:
        if name not in self:
            for prefix, make in self._made.items():
                if isinstance(name, str) and name.startswith(prefix):
                    return make(name)
            raise InputError(unknown_name(self.kind, name, self._entries))
        return self._entries[name]

    def __contains__(self, name: object) -> bool:
        self._load()
        return isinstance(name, str) and name in self._entries  # YAML also brings lists, which have no hash

    def __iter__(self) -> Iterator[str]:
        self._load()
        return iter(sorted(self._entries))

    def __len__(self) -> int:
        self._load()
        return len(self._entries)

    def values(self) -> list[T]:
        """All entries, by name order."""
        return [self[name] for name in self]

    def _load(self) -> None:
        if self._loaded:
            return
        self._loaded = True  # set first: the modules imported below may look names up themselves
        try:
            package = importlib.import_module(self._package)
            for module in pkgutil.iter_modules(package.__path__):
                importlib.import_module(f"{self._package}.{module.name}")
        except BaseException:
            self._loaded = False  # a later look-up must fail as loudly, not find half of the names
            raise
