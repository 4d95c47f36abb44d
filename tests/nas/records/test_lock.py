from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from nas.records import lock
from search_spaces.errors import InputError

ROOT = Path(__file__).parents[3]
WAYS = ["locked", "_by_file"] + ([] if sys.platform == "win32" else ["_by_folder"])
HOLDER = """
import sys
from pathlib import Path
from nas.records import lock
with getattr(lock, sys.argv[2])(Path(sys.argv[1])):
    print("held", flush=True)
    sys.stdin.read()
"""


@pytest.mark.parametrize("way", WAYS)
def test_a_folder_is_held_by_one_process_until_that_ends_however_it_does(tmp_path, way):
    hold = getattr(lock, way)
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(tmp_path), way],
        cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert holder.stdout is not None
    assert holder.stdout.readline() == "held\n"
    with pytest.raises(InputError, match=f"^run '{tmp_path.name}': another process is at work on it"), hold(tmp_path):
        pass
    holder.kill()
    holder.wait()
    with hold(tmp_path):
        pass


def test_nothing_of_one_system_alone_is_imported_with_the_lock():
    """A module that is missing on Windows would keep everything from starting there."""
    code = "import sys; sys.modules['fcntl'] = None; import filelock, nas.records.lock, nas.records.journal, nas.run"
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True, timeout=100)


@pytest.mark.skipif(os.name == "nt", reason="there the lock is a file")
def test_the_lock_of_a_folder_leaves_nothing_in_it(tmp_path):
    with lock.locked(tmp_path):
        pass
    assert not list(tmp_path.iterdir())
