"""Raising several faults of one input together, in a length a terminal can show."""

from __future__ import annotations

from collections.abc import Sequence

from search_spaces.errors import InputError, InputErrors


def raise_faults(faults: Sequence[str], limit: int = 20) -> None:
    """Raise what ``faults`` holds, if anything: at most ``limit`` lines, then how many more there are."""
    if not faults:
        return
    if len(faults) == 1:
        raise InputError(faults[0])
    shown = list(faults[:limit])
    if len(faults) > limit:
        shown.append(f"... and {len(faults) - limit} more")
    raise InputErrors(shown)
