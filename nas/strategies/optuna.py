"""Any sampler of Optuna. Akiba, Sano, Yanase, Ohta, Koyama: Optuna: A Next-generation Hyperparameter Optimization
Framework, KDD 2019, https://arxiv.org/abs/1907.10902. Needs the extra ``optuna``.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np

from nas.strategies.candidates import Candidates, plain_then_draws
from nas.strategies.strategy import Admits, History, Strategy, strategy
from search_spaces.architecture.architecture import Architecture
from search_spaces.architecture.placement import Options, Placement
from search_spaces.attention.mechanism import Value
from search_spaces.errors import InputError, unknown_name
from search_spaces.space.frame import EMPTY, Contents
from search_spaces.space.samples import place_of
from search_spaces.space.space import Space
from search_spaces.space.union import SearchSpace, Union

ATTEMPTS = 200

Choose = Callable[[str, Sequence[Value]], Value]


@strategy("optuna")
class OptunaSampler(Strategy):
    """A sampler of Optuna by its name, which sees Dice and parameters as two objectives.

    The plain network comes first. Of more slots than a space fills at once as many as it does are kept, at random: a
    sampler that chooses slot by slot would hardly ever draw so few. What it draws twice or beyond the limits is drawn
    again, in the end at random.

    Args:
        space, admits, seed: see ``Strategy``.
        sampler: a class of ``optuna.samplers``, such as ``TPESampler``, ``NSGAIISampler``, ``GPSampler``.
    """

    def __init__(self, space: SearchSpace, admits: Admits, seed: int, *, sampler: str = "TPESampler") -> None:
        super().__init__(space, admits, seed)
        try:
            import optuna
        except ImportError:
            raise InputError(
                "strategy 'optuna': needs Optuna, which is not installed; pip install 'attention-nas[optuna]'"
            ) from None
        named = [name for name in optuna.samplers.__all__ if name.endswith("Sampler") and not name.startswith("Base")]
        if sampler not in named:
            raise InputError(unknown_name("sampler of Optuna", sampler, named))
        optuna.logging.set_verbosity(optuna.logging.ERROR)  # of warnings there are several lines a trial
        self.sampler = sampler
        self._begin = Candidates(plain_then_draws(space, admits, seed), admits, space)
        try:
            with _quietly():
                study = self._study(History())
                for _ in range(2):  # some look at a first trial, others at what came before
                    trial = study.ask()
                    trial.suggest_categorical("choice", ["one", "another", "a third"])
                    study.tell(trial, [0.5, 1000.0])
        except (TypeError, ValueError, ImportError) as error:  # it wants more than a seed, or has one objective only
            reason = " ".join(str(error).split())
            raise InputError(f"strategy 'optuna': {sampler} cannot be used here: {reason}") from None

    def suggest(self, history: History) -> Architecture | None:
        seen = history.seen
        if not seen:
            return self._begin.first_unseen(seen)
        with _quietly():
            study = self._study(history)
            rng = np.random.default_rng((self.seed, len(seen)))
            for _ in range(ATTEMPTS):
                trial = study.ask()
                part, options, contents = self._chosen(trial.suggest_categorical)
                labels = list(contents)
                for place in rng.permutation(len(labels))[part.max_filled :].tolist():
                    del contents[labels[place]]
                drawn = part.assemble(options, contents)
                if part.allows(drawn) and drawn not in seen and self.admits(drawn):
                    return drawn
        return self._begin.first_unseen(seen)

    def _study(self, history: History) -> Any:
        """A study made anew of everything that was tried: what comes next follows from the history alone."""
        import optuna

        (seed,) = np.random.SeedSequence((self.seed, len(history.seen))).generate_state(1).tolist()
        sampler = getattr(optuna.samplers, self.sampler)(seed=seed)
        study = optuna.create_study(directions=["maximize", "minimize"], sampler=sampler)
        population = getattr(sampler, "population_size", None)  # of those that go on from generation to generation
        known = [trial for trial in history.completed if self.offers(trial.architecture)]
        for place, trial in enumerate(known):
            told = _Told(self.space.part_of(trial.architecture), trial.architecture)
            self._chosen(told)
            distributions: dict[str, Any] = {
                label: optuna.distributions.CategoricalDistribution(tuple(values))
                for label, values in told.offered.items()
            }
            values = [trial.metrics["dice"], float(trial.cost.params)]
            generation = {f"{self.sampler}:generation": place // population} if population else {}
            told_trial = optuna.trial.create_trial(
                params=told.params, distributions=distributions, values=values, system_attrs=generation
            )
            study.add_trial(told_trial)
        return study

    def _chosen(self, choose: Choose) -> tuple[Space, Options, Contents]:
        """One choice after the other, only those that play a part: the host's space, its options, what slots hold."""
        part = self.space
        if isinstance(part, Union):
            part = part.parts[str(choose("host", list(part.parts)))]
        options = tuple((name, choose(f"{part.host}/{name}", values)) for name, values in part.options.items())
        contents: Contents = {}
        for label, group in part.frame(options).groups.items():
            series: list[Placement] = []
            for position in range(1, group.series + 1):
                place = f"{part.host}/{place_of(label, position)}"
                mechanism = str(choose(f"{place}/mechanism", [EMPTY, *group.offers]))
                if mechanism == EMPTY:
                    break
                settings = tuple(
                    (name, choose(f"{place}/{mechanism}/{name}", values))
                    for name, values in group.offers[mechanism].items()
                )
                series.append(Placement(mechanism, settings))
            if series:
                contents[label] = tuple(series)
        return part, options, contents


@contextmanager
def _quietly() -> Iterator[None]:
    """Without warnings of what Optuna calls experimental."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


class _Told:
    """Chooses what an architecture has, and keeps what was asked."""

    def __init__(self, part: Space, architecture: Architecture) -> None:
        self.params: dict[str, Value] = {}
        self.offered: dict[str, Sequence[Value]] = {}
        sample = part.sample_from(architecture.options, part.contents(architecture))
        self._known: dict[str, Value] = {"host": part.host}
        self._known |= {f"{part.host}/{label}": value for label, value in sample.items()}

    def __call__(self, label: str, values: Sequence[Value]) -> Value:
        self.offered[label] = values
        self.params[label] = self._known[label]
        return self.params[label]
