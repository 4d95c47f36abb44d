"""TensorBoard: an event file for each trial, with its learning curve, its parameters and its scores."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from nas.records.trial import Trial
from nas.tracking.described import facts_of, name_of, numbers_of, parameters_of
from nas.tracking.tracker import Tracker, tracker


@tracker("tensorboard")
class TensorBoard(Tracker):
    """Event files below ``tensorboard/`` in the run's folder, or the folder that is named."""

    packages = ("tensorboardX",)

    def trial(self, trial: Trial) -> None:
        from tensorboardX import SummaryWriter

        root = Path(self.place) if self.place else self.folder / "tensorboard"
        writer: Any = SummaryWriter(logdir=str(root / self.run / name_of(trial)))
        try:
            for step, dice in trial.curve:
                writer.add_scalar("dice", dice, step)
            writer.add_text("network", str(trial.architecture))
            chosen = parameters_of(trial) | facts_of(trial)
            writer.add_hparams(chosen, {f"trial/{name}": value for name, value in numbers_of(trial).items()}, name=".")
        finally:
            writer.close()
