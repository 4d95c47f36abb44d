"""Errors a user can cause. Each message is one line: what it is about, what was expected, what came."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Sequence


class InputError(ValueError):
    """A fault in what the user gave. The command line prints it as one line and exits with code 2."""

    @property
    def faults(self) -> list[str]:
        return [str(self)]


class InputErrors(InputError):
    """Several faults of one input, reported together, one line each."""

    def __init__(self, faults: Sequence[str]) -> None:
        super().__init__("\n".join(faults))
        self._faults = list(faults)

    @property
    def faults(self) -> list[str]:
        return list(self._faults)


def unknown_name(kind: str, name: object, known: Iterable[str]) -> str:
    """One line for a name that is not known: the nearest known one, then the full list."""
    names = sorted(known)
    nearest = difflib.get_close_matches(str(name), names, n=1, cutoff=0.5)
    hint = f" (did you mean '{nearest[0]}'?)" if nearest else ""
    return f"unknown {kind} '{name}'{hint}; expected one of: {', '.join(names)}"
