"""Predictions over images of a real run: their errors are those of the scores, and the data those that it has seen."""

from __future__ import annotations

import base64
import io
import shutil
from pathlib import Path

import numpy as np
import pytest
import yaml
from PIL import Image

from evaluators.labelling import IGNORED, Labelling
from evaluators.preprocessing import Preprocessing
from evaluators.tasks.task import Sample
from nas.exports.export import ExportedModel
from nas.report import overlays
from nas.report.overlays import EXTRA, MISSED, overlays_of
from nas.run import Run
from search_spaces.architecture.architecture import Architecture
from tests.evaluators.tasks.files import write_picture


def test_the_errors_shown_are_those_of_the_scores(finished: Run, small_task: Path) -> None:
    front = finished.front
    found, notes = overlays_of(finished, front)
    assert notes == []
    assert set(found) == {point.architecture.key for point in front.points}
    for point in front.points:
        trial = finished.trained(point)
        assert trial is not None
        shown = found[point.architecture.key]
        assert [one.rank for one in shown] == ["worst", "median", "best"]
        dice = sorted(scores["disc"] for scores in trial.cases.values() if scores["disc"] is not None)
        assert [shown[0].dice, shown[-1].dice] == pytest.approx([dice[0], dice[-1]], abs=1e-4)
        for one in shown:
            label = np.asarray(Image.open(small_task / "labels" / f"{one.case}.png"))
            right = int((label == 255).sum()) - one.missed
            assert one.dice == pytest.approx(2 * right / (2 * right + one.missed + one.extra), abs=1e-4)
            content = base64.b64decode(one.picture.removeprefix("data:image/png;base64,"))
            picture = np.asarray(Image.open(io.BytesIO(content)), int)
            for colour, count in ((MISSED, one.missed), (EXTRA, one.extra)):
                near = np.abs(picture - np.array(colour)).max(2) < 64
                assert near.any() or not count


def test_of_a_volume_the_slice_with_most_errors_is_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(0)
    label = np.zeros((6, 8, 4), np.uint8)
    label[1:4, 2:6, 1:] = 1
    label[0, 0, 0] = IGNORED
    prediction = label.copy()
    prediction[1:4, 2:6, 2] = 0  # twelve voxels missed in the third slice
    prediction[5, 5, 1] = 1
    prediction[0, 0, 0] = 1  # counts nowhere
    monkeypatch.setattr(overlays, "segment", lambda model, sample: prediction)
    architecture = Architecture.create("unet", 3, {"depth": 2, "width": 4})
    layout = Preprocessing(3, 1, Labelling.exclusive(["organ"]), None, None, (8, 8, 8))
    model = ExportedModel(architecture, layout, architecture.build(1, 1), (), (), {})
    sample = Sample(rng.normal(size=(1, *label.shape)).astype(np.float32), label, (1.0, 1.0, 3.0))
    found = overlays._overlay(model, sample, "worst", "case", 0.5)
    assert (found.missed, found.extra, found.confused, found.plane) == (12, 1, 0, "slice 3 of 4")
    content = base64.b64decode(found.picture.removeprefix("data:image/png;base64,"))
    assert Image.open(io.BytesIO(content)).size == (240, 320)  # right across, front upwards


def test_data_that_have_changed_are_not_shown(finished: Run, small_task: Path, tmp_path: Path) -> None:
    shutil.copytree(small_task, tmp_path / "task")
    shutil.copytree(finished.folder, tmp_path / "run")
    config = yaml.safe_load((tmp_path / "run" / "config.yaml").read_text())
    config["task"]["path"] = str(tmp_path / "task")
    (tmp_path / "run" / "config.yaml").write_text(yaml.safe_dump(config))
    run = Run(tmp_path / "run")
    name = overlays_of(run, run.front)[0][run.front.points[0].architecture.key][0].case
    write_picture(tmp_path / "task" / "images" / f"{name}.png", np.zeros((32, 32), np.uint8))
    notes = overlays_of(run, run.front)[1]
    assert notes == [f"case '{name}' is not shown: it is another image or label than the run has seen"]
    shutil.rmtree(tmp_path / "task")
    found, notes = overlays_of(run, run.front)
    assert found == {}
    assert len(notes) == 1
    assert notes[0].startswith("no predictions over images: ")
