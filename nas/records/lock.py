"""One search at a time in a run's folder: two would mix their trials in one journal."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from search_spaces.errors import InputError


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Hold ``folder`` for this process; the system lets go when the process ends, however it ends.

    Raises ``InputError`` when another process holds it. A file system that knows no locks is taken as unlocked.
    """
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise InputError(f"run '{folder.name}': another process is at work on it; wait for it, or end it") from None
        except OSError:
            pass
        yield
    finally:
        os.close(descriptor)
