"""Trackers: each is told every trial of a run once, and none can stop a search."""

from __future__ import annotations

import importlib.util
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

import nas
from nas.config.config import parse_config
from nas.engine.ray_cluster import Cluster
from nas.records.trial import Trial
from nas.tracking import TRACKERS, Tracker
from nas.tracking.telling import Telling, check_trackers
from search_spaces.errors import InputError
from tests.nas.small_task import small_config
from tests.nas.trials import trial

CONFIG = {"space": "unet"}
TRIALS = [trial(0, 0.5), trial(1, None), trial(2, 0.7)]


def told(places: Mapping[str, bool | str], folder: Path, trials: list[Trial] = TRIALS) -> list[str]:
    """What went wrong when so many trials were told."""
    notes: list[str] = []
    telling = Telling("mine", folder, CONFIG, places, notes.append)
    telling.tell(trials)
    telling.close()
    return notes


def available(name: str) -> None:
    for package in TRACKERS[name].packages:
        if importlib.util.find_spec(package) is None:
            pytest.skip(f"{package} is not installed: pip install 'attention-nas[tracking]'")


@pytest.mark.parametrize("name", list(TRACKERS))
def test_every_tracker_takes_completed_and_failed_trials_and_is_told_each_once(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    available(name)
    monkeypatch.setenv("WANDB_MODE", "offline")
    monkeypatch.setenv("WANDB_SILENT", "true")
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{tmp_path / 'mlflow.db'}")
    calls: list[int] = []
    original = TRACKERS[name].trial

    def counted(self: Tracker, one: Trial) -> None:
        calls.append(one.number)
        original(self, one)

    monkeypatch.setattr(TRACKERS[name], "trial", counted)
    assert told({name: True}, tmp_path, TRIALS[:2]) == []
    assert told({name: True}, tmp_path) == []
    assert calls == [0, 1, 2]


def test_tensorboard_holds_a_folder_of_events_for_each_trial(tmp_path: Path) -> None:
    assert told({"tensorboard": str(tmp_path / "events")}, tmp_path) == []
    folders = sorted(path.name for path in (tmp_path / "events" / "mine").iterdir())
    assert folders == ["search-0000", "search-0001", "search-0002"]
    assert all(list((tmp_path / "events" / "mine" / name).glob("events.*")) for name in folders)


def test_an_optuna_study_holds_values_parameters_and_failures(tmp_path: Path) -> None:
    optuna = pytest.importorskip("optuna")
    assert told({"optuna": str(tmp_path / "study.db")}, tmp_path) == []
    study = optuna.load_study(study_name="mine", storage=f"sqlite:///{tmp_path / 'study.db'}")
    assert [one.state.name for one in study.trials] == ["COMPLETE", "FAIL", "COMPLETE"]
    assert study.trials[2].values == [0.7, float(TRIALS[2].cost.params)]
    assert study.trials[0].params["host"] == TRIALS[0].architecture.host
    assert study.best_trials
    assert study.trials[2].user_attrs["key"] == TRIALS[2].architecture.key


def test_a_tracker_that_fails_is_given_up_and_said_and_told_later(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise ConnectionError("no route\nto host")

    with monkeypatch.context() as broken:
        broken.setattr(TRACKERS["tensorboard"], "trial", refuse)
        (note,) = told({"tensorboard": True}, tmp_path)
        assert note.startswith("tracking.tensorboard: ConnectionError: no route to host; no more trials are told to it")
    seen: list[int] = []
    monkeypatch.setattr(TRACKERS["tensorboard"], "trial", lambda self, one: seen.append(one.number))
    assert told({"tensorboard": True}, tmp_path) == []
    assert seen == [0, 1, 2]


def test_a_config_names_trackers_that_there_are(monkeypatch: pytest.MonkeyPatch) -> None:
    assert check_trackers({"tensorboard": True, "mlflow": False}) == []
    (fault,) = check_trackers({"tensorbord": True})
    assert fault.startswith("tracking: unknown tracker 'tensorbord' (did you mean 'tensorboard'?)")
    monkeypatch.setattr(TRACKERS["mlflow"], "packages", ("no_such_package",))
    (fault,) = check_trackers({"mlflow": "http://localhost:1"})
    assert fault == (
        "tracking.mlflow: needs the package 'no_such_package', which is not installed: "
        "pip install 'attention-nas[tracking]'"
    )
    assert parse_config({"tracking": {"tensorboard": 3}}).faults


def test_a_search_tells_its_trackers(cluster: Cluster, small_task: Path, tmp_path: Path) -> None:
    config: dict[str, Any] = small_config(
        small_task, limits={"trials": 1}, finals={"seeds": 0}, tracking={"tensorboard": True}
    )
    run = nas.search(config, run="tracked", runs=tmp_path, cluster=cluster)
    assert [path.name for path in (run.folder / "tensorboard" / "tracked").iterdir()] == ["search-0000"]
    with pytest.raises(InputError, match="unknown tracker"):
        nas.search({**config, "tracking": {"x": True}}, run="other", runs=tmp_path, cluster=cluster)
