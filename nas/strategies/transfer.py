"""The model, beginning with what earlier runs on other tasks found. After Feurer, Letham, Hutter, Bakshy: Practical
transfer learning for Bayesian optimization, 2018, https://arxiv.org/abs/1802.02219, which weighs the models of earlier
tasks by how well they predict this one; here the weights are part of the model and learnt with it.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from evaluators.files import write_bytes
from nas.one_core import one_core
from nas.records.trial import Trial
from nas.run import RUNS, load_run
from nas.strategies.model import Model
from nas.strategies.strategy import Admits, History, strategy
from nas.surrogate.earlier import Earlier
from nas.surrogate.features import ATTENTION, Feature, Row
from nas.surrogate.observations import observed
from nas.surrogate.posterior import Posterior
from nas.surrogate.scales import learn_scales
from search_spaces.architecture.architecture import Architecture
from search_spaces.errors import InputError, InputErrors
from search_spaces.space.union import SearchSpace

KEPT = "sources"  # folder of a run that holds what is needed of the sources
FILES = ("config.yaml", "journal.jsonl")  # of a source; the last one is written last


@strategy("transfer")
class Transfer(Model):
    """As ``model``, beginning with what earlier runs on other tasks found.

    An earlier run tells what to expect of mechanisms, places and hyper-parameters that both spaces have; its hosts,
    classes and dimensions may be others. How far it is believed is learnt from the trials of this run. Without sources
    this is ``model``.

    Args:
        space, admits, seed: see ``Strategy``.
        sources: the earlier runs, by name or by folder. A run keeps a copy of them as they were when it began.
        optimism: see ``model``.
    """

    def __init__(
        self, space: SearchSpace, admits: Admits, seed: int, *, sources: Sequence[str] = (), optimism: float = 1.0
    ) -> None:
        super().__init__(space, admits, seed, optimism=optimism)
        self.sources = tuple(sources)

    def prepare(self, runs: Path = RUNS, folder: Path | None = None) -> None:
        histories: list[list[Trial]] = []
        faults: list[str] = []
        for number, source in enumerate(self.sources, start=1):
            try:
                histories.append(_trials_of(source, runs, folder and folder / KEPT / f"{number}-{Path(source).name}"))
            except InputError as error:
                faults += [f"strategy.sources: {fault}" for fault in error.faults]
        if faults:
            raise InputErrors(faults)
        self.learn(histories)

    def learn(self, histories: Sequence[Sequence[Trial]]) -> None:
        """Begin with what these trials of other tasks say, one sequence a task."""
        self.earlier = earlier_of(histories) if histories else None

    def suggest(self, history: History) -> Architecture | None:
        if self.sources and self.earlier is None:
            self.prepare()
        return super().suggest(history)


@one_core()
def earlier_of(histories: Sequence[Sequence[Trial]]) -> Earlier:
    """What a model of each makes of attention; each has a score."""
    weights: dict[Feature, list[float]] = {}
    for place, trials in enumerate(histories):
        seen = observed(trials)
        features = list(dict.fromkeys(one for row in seen.rows for one in row.features if one[0] in ATTENTION))
        means, _ = Posterior(seen, learn_scales(seen)).added([Row((feature,), (1.0,)) for feature in features])
        for feature, mean in zip(features, means.tolist(), strict=True):
            weights.setdefault(feature, [0.0] * len(histories))[place] = mean
    return Earlier({feature: tuple(means) for feature, means in weights.items()}, len(histories))


def _trials_of(source: str, runs: Path, kept: Path | None) -> list[Trial]:
    """The search trials of a source: of the copy in ``kept`` where there is one, which else is made."""
    copied = kept is not None and (kept / FILES[-1]).is_file()
    run = load_run(kept) if copied and kept is not None else load_run(source, runs)
    if kept is not None and not copied:
        for name in FILES:
            write_bytes(kept / name, (run.folder / name).read_bytes())
    trials = [trial for trial in run.journal if trial.phase == "search"]
    if all(trial.dice is None for trial in trials):
        raise InputError(f"run '{source}' has no completed trial to learn from")
    return trials
