"""MLflow: an experiment for each run, a run of MLflow for each trial."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from nas.records.trial import Trial
from nas.tracking.described import facts_of, name_of, numbers_of, parameters_of
from nas.tracking.tracker import Tracker, tracker


@tracker("mlflow")
class MLflow(Tracker):
    """The server or file that is named, ``http://host:5000`` or ``sqlite:///file.db``; else where its variables say."""

    packages = ("mlflow",)

    def __init__(self, run: str, folder: Path, config: Mapping[str, Any], place: str | None) -> None:
        super().__init__(run, folder, config, place)
        from mlflow import MlflowClient

        self._client: Any = MlflowClient(tracking_uri=place)
        known = self._client.get_experiment_by_name(run)
        self._experiment = known.experiment_id if known else self._client.create_experiment(run)

    def trial(self, trial: Trial) -> None:
        client = self._client
        made = client.create_run(self._experiment, run_name=name_of(trial)).info.run_id
        for name, value in (parameters_of(trial) | {"network": str(trial.architecture)}).items():
            client.log_param(made, name, str(value)[:6000])  # MLflow's own limit
        for name, value in facts_of(trial).items():
            client.set_tag(made, name, str(value))
        for step, dice in trial.curve:
            client.log_metric(made, "curve/dice", dice, step=step)
        for name, number in numbers_of(trial).items():
            client.log_metric(made, _allowed(name), number)
        client.set_terminated(made, "FINISHED" if trial.status == "completed" else "FAILED")


def _allowed(name: str) -> str:
    """A metric's name in the characters that MLflow takes; class names may have any."""
    return "".join(one if one.isalnum() or one in "_-./ " else "_" for one in name)
