"""The front as a picture, whatever runs are called."""

from __future__ import annotations

from pathlib import Path

import pytest

from nas.pictures.front_picture import draw_front, draw_fronts
from tests.nas.report.made_up import made_up_run

pytest.importorskip("matplotlib", reason="matplotlib is not installed (extra 'report')")


@pytest.mark.parametrize("name", ["a$_$b", "_begun"])
def test_names_are_written_as_they_are(tmp_path: Path, name: str) -> None:
    run = made_up_run(tmp_path / name)
    assert f"{name}: search, validation cases" in draw_front(run, tmp_path / "front.svg").read_text()
    several = draw_fronts({name: run.front, "other": run.front}, tmp_path / "fronts.svg").read_text()
    assert f"{name} -->" in several
    assert "other -->" in several
