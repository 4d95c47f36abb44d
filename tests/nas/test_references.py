"""A search that starts from given networks and shows others beside its front."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import yaml
from PIL import Image

import nas
from nas.cli.app import console
from nas.cli.tables import front_view
from nas.engine.ray_cluster import Cluster
from nas.pictures.front_picture import REFERENCE, draw_front
from nas.run import Run
from search_spaces.architecture.architecture import Architecture
from tests.nas.small_task import small_config

START = Architecture.create("unet", 2, {"depth": 1, "width": 4})
REFERENCE_RGB = [int(REFERENCE[place : place + 2], 16) for place in (1, 3, 5)]
TINY = Architecture.create("python:their_nets.Tiny", 2)
THEIRS = """
import torch

class Tiny(torch.nn.Sequential):
    def __init__(self, n_channels, n_classes, width=4):
        super().__init__(
            torch.nn.Conv2d(n_channels, width, 3, padding=1), torch.nn.ReLU(), torch.nn.Conv2d(width, n_classes, 1)
        )
"""
PUBLISHED = Architecture.create("unet", 2, {"depth": 2, "width": 10})


@pytest.fixture(scope="module")
def run(cluster: Cluster, small_task: Path, tmp_path_factory: pytest.TempPathFactory) -> Run:
    folder = tmp_path_factory.mktemp("given")
    for name, architecture in (("start", START), ("published", PUBLISHED)):
        (folder / f"{name}.yaml").write_text(architecture.to_yaml())
    (folder / "their_nets.py").write_text(THEIRS)
    config = small_config(
        small_task,
        limits={"trials": 2},
        finals={"steps": 16, "seeds": 2, "candidates": 1},
        start=["start.yaml"],
        references=["published.yaml", "their_nets:Tiny"],
    )
    (folder / "search.yaml").write_text(yaml.safe_dump(config))
    return nas.search(folder / "search.yaml", run="given", runs=folder, cluster=cluster)


def test_the_start_is_searched_after_the_plain_network_and_the_reference_trained_as_a_final(run: Run) -> None:
    searched = [trial for trial in run.journal if trial.phase == "search"]
    assert [trial.architecture for trial in searched][1:] == [START]
    assert searched[0].architecture.is_plain
    finals = [trial for trial in run.journal if trial.phase == "final"]
    of_plain, of_reference, of_theirs = (
        [(trial.seed, trial.steps, sorted(trial.cases)) for trial in finals if trial.architecture == architecture]
        for architecture in (searched[0].architecture, PUBLISHED, TINY)
    )
    assert of_theirs == of_reference == of_plain
    assert all(trial.status == "completed" for trial in finals)
    assert len(of_reference) == 2


def test_the_run_holds_the_networks_themselves_and_marks_the_reference(run: Run) -> None:
    config = yaml.safe_load((run.folder / "config.yaml").read_text())
    assert config["start"] == {"start": START.to_dict()}
    assert config["references"] == {"published": PUBLISHED.to_dict(), "Tiny": TINY.to_dict()}
    front = json.loads((run.folder / "front.json").read_text())
    named = {point["reference"]: point["key"] for point in front["final"] if point["reference"]}
    assert named == {"published": PUBLISHED.key, "Tiny": TINY.key}
    assert all(point["reference"] is None for point in front["search"])


def test_terminal_and_picture_show_the_reference(run: Run, tmp_path: Path) -> None:
    with console.capture() as captured:
        console.print(front_view(run))
    shown = captured.get()
    assert "reference published" in " ".join(shown.split())  # a narrow terminal breaks it
    assert "reference Tiny" in " ".join(shown.split())
    assert 1 <= shown.split("└")[0].count("◆") <= 2
    assert "<!-- published -->" in draw_front(run, tmp_path / "front.svg").read_text()
    with Image.open(draw_front(run, tmp_path / "front.png")) as picture:
        assert (np.abs(np.asarray(picture.convert("RGB")).astype(int) - REFERENCE_RGB).max(2) < 20).sum() > 20


def test_the_run_can_be_resumed_from_its_own_folder(run: Run, cluster: Cluster) -> None:
    before = run.journal
    again = nas.search(resume=True, run="given", runs=run.folder.parent, cluster=cluster)
    assert again.journal == before
