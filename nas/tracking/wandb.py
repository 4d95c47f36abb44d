"""Weights & Biases: one of its runs for each run, a row of its history for each trial."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from nas.records.trial import Trial
from nas.tracking.described import facts_of, numbers_of, parameters_of
from nas.tracking.tracker import Tracker, tracker


@tracker("wandb")
class WeightsAndBiases(Tracker):
    """The project that is named, else ``attention-nas``; ``WANDB_MODE=offline`` keeps it in ``wandb/`` of the run."""

    packages = ("wandb",)

    def __init__(self, run: str, folder: Path, config: Mapping[str, Any], place: str | None) -> None:
        super().__init__(run, folder, config, place)
        import wandb

        self._run: Any = wandb.init(
            project=place or "attention-nas",
            name=run,
            id=hashlib.blake2b(str(folder).encode(), digest_size=6).hexdigest(),  # a run that goes on is the same one
            resume="allow",
            dir=str(folder),
            config=dict(config),
        )

    def trial(self, trial: Trial) -> None:
        told = {f"choice/{name}": value for name, value in parameters_of(trial).items()}
        self._run.log({**numbers_of(trial), **facts_of(trial), **told, "network": str(trial.architecture)})

    def close(self) -> None:
        self._run.finish()
