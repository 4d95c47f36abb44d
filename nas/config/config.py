"""What a user writes to launch a search, checked whole: every fault of a config is reported, all at once.

Config stays at the door: what is inside gets plain arguments.
"""

from __future__ import annotations

import inspect
import itertools
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import Field, ValidationError, field_validator

from evaluators.evaluator import EVALUATORS
from evaluators.training import TrainingEvaluator
from nas.config.form_faults import fault_lines, faulty_keys, shown
from nas.config.sections import (
    Architectures,
    EvaluatorSection,
    FidelitySection,
    FinalsSection,
    LimitsSection,
    ResourcesSection,
    Section,
    Seed,
    StrategySection,
    TaskSection,
    TrainingSection,
)
from nas.strategies import STRATEGIES
from search_spaces.errors import unknown_name
from search_spaces.registry import Registry


class Config(Section):
    """A whole search.

    Attributes:
        seed: of everything random.
        plugins: modules of the user's own, by name or as files, that register what other keys then name.
        task: the data, see there.
        space: a shipped space by name, the path of a space file, or the space written out.
        start: architectures that are tried after the plain network, from ``preset:NAME`` or YAML files. They need not
            lie in the space (those that do can be parents in evolution), but the limits hold for them too.
        references: architectures likewise that are trained in the finals, as the finalists are, and shown beside the
            front; they take no part in it, and no limit holds for them.
        tracking: who is told of every trial that ends, beside the run's folder: ``tensorboard``, ``mlflow``, ``wandb``,
            ``optuna``, each ``true`` or the place where they go, see ``nas.tracking``.
        evaluator: a registered evaluator, or one by its dotted path; ``train`` trains. With settings of its own it is a
            section like ``strategy``, and see ``chosen_evaluator``.
    """

    seed: Seed = 0
    plugins: list[str] = Field(default_factory=list)
    task: TaskSection = TaskSection()
    space: str | dict[str, Any] = "unet"
    strategy: StrategySection = StrategySection()
    start: Architectures = Field(default_factory=list)
    references: Architectures = Field(default_factory=list)
    limits: LimitsSection = LimitsSection()
    evaluator: str | EvaluatorSection = "train"
    training: TrainingSection = TrainingSection()
    fidelity: FidelitySection = FidelitySection()
    finals: FinalsSection = FinalsSection()
    resources: ResourcesSection = ResourcesSection()
    tracking: dict[str, bool | str] = Field(default_factory=dict)

    @field_validator("evaluator")
    @classmethod
    def _short(cls, value: str | EvaluatorSection) -> str | EvaluatorSection:
        """Without settings the name alone: what is the same is written the same."""
        return value.name if isinstance(value, EvaluatorSection) and not value.settings else value

    @property
    def chosen_evaluator(self) -> EvaluatorSection:
        """The evaluator of search trials and its settings, however they were written."""
        return self.evaluator if isinstance(self.evaluator, EvaluatorSection) else EvaluatorSection(name=self.evaluator)

    @property
    def steps(self) -> int:
        """Training steps of a search trial; of a config that is settled."""
        assert self.training.steps is not None
        return self.training.steps

    @property
    def rungs(self) -> tuple[int, ...]:
        """Steps after which a search trial is scored on the way; likewise."""
        steps = self.steps
        shares = (round(share * steps) for share in self.fidelity.rungs)
        return tuple(dict.fromkeys(rung for rung in shares if 0 < rung < steps))

    @property
    def final_steps(self) -> int:
        """Training steps of a final; likewise."""
        return self.finals.steps or 3 * self.steps


@dataclass(frozen=True)
class Parsed:
    """What is sound of a config, with the default in place of each fault.

    A caller that checks meaning too (does the file exist, is the mechanism known) can go on with this and report
    everything together.

    Attributes:
        config: the config.
        faults: one line for every fault of form.
        faulty: the sections, and keys outside sections, that hold one.
    """

    config: Config
    faults: list[str]
    faulty: set[str]


def parse_config(data: Mapping[str, Any]) -> Parsed:
    """Check the form of a config: its keys, and of what kind and how large its values are."""
    faults: list[str] = []
    faulty: set[str] = set()
    sound: dict[str, Any] = {}
    for key, value in data.items():
        try:
            Config.model_validate({key: value})
            sound[key] = value
        except ValidationError as error:
            faults += fault_lines(Config, {key: value}, error)
            faulty.add(str(key))
            if isinstance(value, Mapping) and key in Config.model_fields:
                wrong = {place[1] for place in faulty_keys({key: value}, error) if len(place) > 1}
                if wrong:  # else the key wants no mapping at all
                    sound[key] = {inner: item for inner, item in value.items() if inner not in wrong}
    config = Config.model_validate(sound)
    chosen = config.chosen_evaluator
    of_plugins = {
        "strategy": _check_settings(
            "strategy", STRATEGIES, config.strategy.name, config.strategy.settings, {"space", "admits", "seed"}
        ),
        "evaluator": _check_settings("evaluator", EVALUATORS, chosen.name, chosen.settings, {"training", "space"}),
    }
    wrong = {key for key, found in of_plugins.items() if found}
    return Parsed(config, [*faults, *itertools.chain.from_iterable(of_plugins.values())], faulty | wrong)


def _check_settings(
    kind: str, known: Registry[Any], name: str, settings: Mapping[str, Any], given: Collection[str]
) -> list[str]:
    """What is wrong with the settings of a strategy or an evaluator; arguments that are ``given`` are no settings."""
    if name not in known:
        return [unknown_name(kind, name, known)]
    if known[name] is TrainingEvaluator:
        return [f"{kind}.{key}: 'train' has no settings here, section 'training' holds them" for key in settings]
    parameters = inspect.signature(known[name]).parameters
    any_other = any(one.kind is inspect.Parameter.VAR_KEYWORD for one in parameters.values())
    own = {key: one for key, one in parameters.items() if key not in given and one.kind not in VARIADIC}
    unknown = [key for key in settings if key not in own and not any_other]
    faults = [unknown_name(f"setting of {kind} '{name}':", key, own) for key in unknown]
    faults += [
        f"{kind}.{key}: {kind} '{name}' needs it"
        for key, one in own.items()
        if one.default is inspect.Parameter.empty and key not in settings
    ]
    for key, value in settings.items():
        type_ = type(own[key].default) if key in own else None
        if type_ in KINDS and not _is_of(type_, value):
            faults.append(f"{kind}.{key}: expected {KINDS[type_]}, got {shown(value)}")
    return faults


VARIADIC = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)
KINDS: dict[type | None, str] = {
    bool: "true or false",
    int: "a whole number",
    float: "a number",
    str: "text",
    tuple: "a list of texts",
}


def _is_of(kind: type | None, value: Any) -> bool:
    if kind is tuple:
        return isinstance(value, list | tuple) and all(isinstance(item, str) for item in value)
    return type(value) is kind or (kind is float and type(value) is int)
