"""Optuna: a study in a storage, for optuna-dashboard to open."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from nas.records.trial import Trial
from nas.tracking.described import facts_of, numbers_of, parameters_of
from nas.tracking.tracker import Tracker, tracker
from search_spaces.attention import MECHANISMS
from search_spaces.attention.mechanism import Value
from search_spaces.hosts import HOSTS

EMPTY = "-"  # what sits in a slot that is not filled


@tracker("optuna")
class OptunaStudy(Tracker):
    """The file or storage that is named (``study.db``, ``sqlite:///study.db``), else ``optuna.db`` in the run's folder.

    Search trials alone, as a study is of one measure: Dice on validation cases, to be maximised, and parameters, to be
    minimised.
    """

    packages = ("optuna", "sqlalchemy")

    def __init__(self, run: str, folder: Path, config: Mapping[str, Any], place: str | None) -> None:
        super().__init__(run, folder, config, place)
        import optuna

        optuna.logging.set_verbosity(optuna.logging.WARNING)
        where = place or str(folder / "optuna.db")
        self._study = optuna.create_study(
            storage=where if "://" in where else f"sqlite:///{where}",
            study_name=run,
            directions=["maximize", "minimize"],
            load_if_exists=True,
        )
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
            self._study.set_metric_names(["Dice", "parameters"])

    def trial(self, trial: Trial) -> None:
        import optuna

        if trial.phase != "search":
            return
        made = optuna.trial.create_trial(
            state=optuna.trial.TrialState.FAIL if trial.dice is None else optuna.trial.TrialState.COMPLETE,
            values=None if trial.dice is None else [trial.dice, float(trial.cost.params)],
            params=_params(trial),
            distributions=_distributions(trial),
            user_attrs=facts_of(trial) | parameters_of(trial) | numbers_of(trial),
        )
        made.datetime_complete = datetime.fromisoformat(trial.finished).replace(tzinfo=None)
        made.datetime_start = made.datetime_complete - timedelta(seconds=trial.seconds)
        self._study.add_trial(made)


def _params(trial: Trial) -> dict[str, Value]:
    """Options of the host, and the first mechanism of each slot: a category has a list that is known beforehand."""
    architecture = trial.architecture
    filled = {slot: series[0].mechanism for slot, series in architecture.attention}
    return {"host": architecture.host, **_named(trial, dict(architecture.options)), **filled}


def _named(trial: Trial, options: Mapping[str, Value]) -> dict[str, Value]:
    """Options of one name are other ones in other hosts."""
    return {f"{trial.architecture.host}.{name}": value for name, value in options.items()}


def _distributions(trial: Trial) -> dict[str, Any]:
    from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution

    architecture = trial.architecture
    found: dict[str, Any] = {"host": CategoricalDistribution(list(HOSTS))}
    for name, value in architecture.options:
        offered = HOSTS[architecture.host].options[name]
        key = f"{architecture.host}.{name}"
        if isinstance(value, bool | str):
            found[key] = CategoricalDistribution(list(offered))
        elif isinstance(value, int):
            whole = [value, *(one for one in offered if isinstance(one, int))]
            found[key] = IntDistribution(min(whole), max(whole))
        else:
            numbers = [value, *(one for one in offered if isinstance(one, int | float))]
            found[key] = FloatDistribution(min(numbers), max(numbers))
    for slot, _ in architecture.attention:
        found[slot] = CategoricalDistribution([EMPTY, *MECHANISMS])
    return found
