"""The command line in a process of its own, and what it leaves behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
import uuid
from collections.abc import Sequence
from pathlib import Path

from nas.records.journal import Journal

PATIENCE = 300.0  # seconds; machines are busy at times


class Session:
    """One ``nas`` process in a process group of its own, as a terminal starts it."""

    def __init__(self, arguments: Sequence[str | Path], folder: Path) -> None:
        self.mark = f"NAS_TEST_SESSION={uuid.uuid4()}"
        name, _, value = self.mark.partition("=")
        self.process = subprocess.Popen(
            [sys.executable, "-m", "nas", *map(str, arguments)],
            cwd=folder,
            env={**os.environ, name: value, "PYTHONPATH": str(Path(__file__).parents[2])},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
            preexec_fn=_take_interrupts,
        )

    def wait_for_trials(self, path: Path, count: int) -> None:
        """Until the journal at ``path`` knows of ``count`` trials."""
        ends = time.monotonic() + PATIENCE
        while len(Journal(path).read()) < count:
            assert self.process.poll() is None, self.process.communicate()
            assert time.monotonic() < ends, f"{path} has not grown to {count} trials"
            time.sleep(0.05)

    def interrupt(self, number: signal.Signals = signal.SIGINT) -> None:
        """What Ctrl-C in a terminal does, or a scheduler at the end of the time: the signal goes to the whole group."""
        os.killpg(self.process.pid, number)

    def terminate(self) -> None:
        """SIGTERM to the command alone."""
        self.process.terminate()

    def kill(self) -> None:
        self.process.kill()

    def end(self) -> tuple[int, str, str]:
        """Exit code, standard output, standard error."""
        out, err = self.process.communicate(timeout=PATIENCE)
        return self.process.returncode, out, err

    def left_behind(self, tolerated: str = "", seconds: float = 30.0) -> list[str]:
        """Commands of processes that this session started and that still run; waits for them to go.

        Those whose command holds ``tolerated`` do not count.
        """
        ends = time.monotonic() + seconds
        while True:
            found = [command for command in _marked(self.mark) if not (tolerated and tolerated in command)]
            if not found or time.monotonic() > ends:
                return found
            time.sleep(0.2)


def _take_interrupts() -> None:
    """What a terminal starts is interrupted by Ctrl-C, even where this process was started to ignore it."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def _marked(mark: str) -> list[str]:
    commands = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            if mark.encode() in (folder / "environ").read_bytes().split(b"\0"):
                commands.append((folder / "cmdline").read_text().replace("\0", " "))
        except OSError:  # it ended meanwhile, or is another user's
            continue
    return commands
