"""Commands whose output cannot show every character."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import nas
from nas.run import Run

ROOT = Path(__file__).parents[2]
PLACES = {
    "strict": {"PYTHONIOENCODING": "ascii:strict"},
    "C": {"LANG": "C", "LC_ALL": "C", "PYTHONCOERCECLOCALE": "0", "PYTHONUTF8": "0"},
}


def said(arguments: list[str], folder: Path, variables: dict[str, str]) -> str:
    """What a command prints on standard output; it must end well."""
    done = subprocess.run(
        [sys.executable, "-m", "nas", *arguments],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT), **variables},
        capture_output=True,
        timeout=300,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, b"")
    return done.stdout.decode("latin-1")


@pytest.mark.parametrize("place", PLACES)
def test_a_front_is_shown_where_the_output_is_not_utf8(finished: Run, place: str) -> None:
    shown = said(["front", "small", "--runs", "."], finished.folder.parent, PLACES[place] | {"COLUMNS": "90"})
    assert "small: Dice on test cases" in shown
    assert "\\u" not in shown


def test_a_network_is_drawn_where_the_output_is_not_utf8(tmp_path: Path) -> None:
    shown = said(["profile", "preset:attention_unet"], tmp_path, PLACES["strict"] | {"COLUMNS": "120"})
    assert "without attention" in shown
    assert "\\u" not in shown


def test_a_run_is_read_from_any_working_folder_and_by_names_as_text(finished: Run, tmp_path, monkeypatch) -> None:
    shutil.copytree(finished.folder, tmp_path / "runs" / "small")
    monkeypatch.chdir(tmp_path)
    by_name, by_path = nas.load_run("small", runs="runs"), nas.load_run("runs/small")
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    for run in (by_name, by_path):
        assert len(run.trials) == len(finished.journal)
        assert run.trained(run.front.best()) is not None
