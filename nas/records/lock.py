"""One search at a time in a run's folder: two would mix their trials in one journal."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from search_spaces.errors import InputError


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Hold ``folder`` for this process; the system lets go when the process ends, however it ends.

    Raises ``InputError`` when another process holds it. A file system that knows no locks is taken as unlocked.
    """
    with (_by_file if sys.platform == "win32" else _by_folder)(folder):
        yield


@contextmanager
def _by_folder(folder: Path) -> Iterator[None]:
    """The folder itself is locked, and nothing is left in it; Windows cannot."""
    import fcntl

    descriptor = os.open(folder, os.O_RDONLY)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise _held(folder) from None
        except OSError:
            pass
        yield
    finally:
        os.close(descriptor)


@contextmanager
def _by_file(folder: Path) -> Iterator[None]:
    """A file in the folder is locked."""
    lock = FileLock(folder / ".lock", timeout=0)
    try:
        lock.acquire()
    except Timeout:
        raise _held(folder) from None
    except NotImplementedError:
        pass
    try:
        yield
    finally:
        lock.release()


def _held(folder: Path) -> InputError:
    return InputError(f"run '{folder.name}': another process is at work on it; wait for it, or end it")
