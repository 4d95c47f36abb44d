"""What a user writes to launch a search, checked whole: every fault of a config is reported, all at once.

Config stays at the door: what is inside gets plain arguments.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Literal

import yaml
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from nas.quantities import parse_count, parse_duration
from nas.strategies import STRATEGIES
from search_spaces.errors import InputError, InputErrors, unknown_name

Count = Annotated[int, BeforeValidator(parse_count)]
Duration = Annotated[float, BeforeValidator(parse_duration)]
Share = Annotated[float, Field(ge=0, le=1)]
Positive = Annotated[int, Field(ge=1)]


class Section(BaseModel):
    """Base of the config's sections: unknown keys are faults, nothing is converted silently."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=False)


class TaskSection(Section):
    """Where images and labels are, and the size at which the network sees them.

    Attributes:
        path: a folder, ``split.csv`` or ``dataset.json``, or ``phantom2d`` / ``phantom3d``; relative to the
            working folder or, where that does not exist, to the config file.
        format: ``auto`` or a registered task format.
        classes: foreground class name to label value, list of values, threshold (``"127<"``) or ``instances``.
        dims: 2 or 3; found out when left out.
        split: shares of the cases for ``val`` and ``test`` where the data names none.
        split_seed: of that split.
        groups: whether ``split.csv``'s column ``group`` names patients, who must not cross a split.
        images, labels: names of the two folders, where they are not the usual ones.
        size: resize every image to this; left out, images keep their size.
        spacing: resample to this (mm); ``auto``: the training median where spacings differ.
        patch: size of training patches and of the inference window.
    """

    path: str = "phantom2d"
    format: str = "auto"
    classes: dict[str, int | list[int] | str] | None = None
    dims: Literal[2, 3] | None = None
    split: dict[str, Share] | None = None
    split_seed: int = 0
    groups: bool | None = None
    images: str | None = None
    labels: str | None = None
    size: list[Positive] | None = None
    spacing: list[Annotated[float, Field(gt=0)]] | Literal["auto"] | None = "auto"
    patch: list[Positive] | None = None


class AugmentationSection(Section):
    """How strongly training images are varied; see ``evaluators.augmentation.Augmentation``."""

    flip: Share | list[Share] = 0.5
    affine: Share = 0.3
    rotation: Annotated[float, Field(ge=0, le=180)] = 20.0
    scale: Annotated[float, Field(ge=1)] = 1.25
    intensity: Share = 0.3
    noise: Share = 0.1


class TrainingSection(Section):
    """How a candidate is trained during the search; see ``evaluators.training.TrainingEvaluator``."""

    steps: Positive = 400
    batch: Positive = 8
    learning_rate: Annotated[float, Field(gt=0)] = 5e-3
    weight_decay: Annotated[float, Field(ge=0)] = 1e-2
    warmup: Annotated[float, Field(gt=0, lt=1)] = 0.2
    clip: Annotated[float, Field(gt=0)] = 1.0
    augmentation: AugmentationSection = AugmentationSection()


class FinalsSection(Section):
    """The retraining of the front at full fidelity, scored on the test cases.

    Attributes:
        steps: training steps; left out, three times those of the search.
        seeds: trainings of each finalist, 0 for no finals.
        candidates: most finalists, the plain network among them.
        mirror: average predictions over mirrored images.
        distances: also compute the 95th-percentile Hausdorff distance.
    """

    steps: Positive | None = None
    seeds: Annotated[int, Field(ge=0)] = 3
    candidates: Annotated[int, Field(ge=1)] = 4
    mirror: bool = False
    distances: bool = True


class LimitsSection(Section):
    """What a search may use.

    Attributes:
        params: most parameters of a candidate (``500k``).
        macs: most multiply-accumulates of one patch (``2G`` is not a spelling: ``2000M``).
        trials: most trials of the search, finals not counted.
        time: most wall-clock time of the search (``90min``), finals not counted.
    """

    params: Count | None = None
    macs: Count | None = None
    trials: Positive = 50
    time: Duration | None = None


class ResourcesSection(Section):
    """What one trial gets, and how many run at once.

    Attributes:
        workers: most trials at once; left out, as many as fit.
        cpus_per_trial: cores of a trial, and its torch threads.
        gpus_per_trial: share of a GPU, 0.25 puts four trials on one; 0 trains on the CPU.
    """

    workers: Positive | None = None
    cpus_per_trial: Positive = 1
    gpus_per_trial: Annotated[float, Field(ge=0)] = 0.0


class StrategySection(BaseModel):
    """A registered strategy and its own settings."""

    model_config = ConfigDict(extra="allow", frozen=True)
    name: str = "evolution"

    @property
    def settings(self) -> dict[str, Any]:
        return dict(self.model_extra or {})


class Config(Section):
    """A whole search.

    Attributes:
        seed: of everything random.
        space: a shipped space by name, the path of a space file, or the space written out.
        evaluator: a registered evaluator; ``train`` trains.
    """

    seed: int = 0
    task: TaskSection = TaskSection()
    space: str | dict[str, Any] = "unet"
    strategy: StrategySection = StrategySection()
    limits: LimitsSection = LimitsSection()
    evaluator: str = "train"
    training: TrainingSection = TrainingSection()
    finals: FinalsSection = FinalsSection()
    resources: ResourcesSection = ResourcesSection()

    @property
    def final_steps(self) -> int:
        return self.finals.steps or 3 * self.training.steps


def read_config(path: Path) -> dict[str, Any]:
    """The mapping a YAML config holds. Raises ``InputError`` when there is none."""
    try:
        data = yaml.safe_load(path.read_text())
    except FileNotFoundError:
        raise InputError(f"config '{path}' does not exist") from None
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"config '{path}' cannot be read: {error}") from None
    except yaml.YAMLError as error:
        raise InputError(f"config '{path}' is not YAML: {' '.join(str(error).split())}") from None
    if data is None:
        return {}
    if not isinstance(data, dict):
        raise InputError(f"config '{path}': expected a mapping of keys, got {type(data).__name__}")
    return data


def apply_settings(data: dict[str, Any], settings: Sequence[str]) -> dict[str, Any]:
    """``data`` with ``section.key=value`` settings put in; values are YAML. Raises ``InputErrors`` on other forms."""
    result = _copy(data)
    faults: list[str] = []
    for setting in settings:
        key, equals, value = setting.partition("=")
        if not equals or not key:
            faults.append(f"--set {setting}: expected KEY=VALUE, for example training.steps=800")
            continue
        *parents, last = key.split(".")
        place = result
        for parent in parents:
            if not isinstance(place.get(parent), dict):
                place[parent] = {}
            place = place[parent]
        try:
            place[last] = yaml.safe_load(value)
        except yaml.YAMLError as error:
            faults.append(f"--set {setting}: the value is not YAML: {' '.join(str(error).split())}")
    if faults:
        raise InputErrors(faults)
    return result


def parse_config(data: Mapping[str, Any]) -> tuple[Config, list[str]]:
    """The config, with the default in place of each faulty section, and one line for every fault of form.

    A caller that checks meaning too (does the file exist, is the mechanism known) can go on with what is sound
    and report everything together.
    """
    faults: list[str] = []
    sound: dict[str, Any] = {}
    for key, value in data.items():
        if key not in Config.model_fields:
            faults.append(unknown_name("key", key, Config.model_fields))
            continue
        try:
            Config.model_validate({key: value})
            sound[key] = value
        except ValidationError as error:
            faults += list(dict.fromkeys(_line(fault) for fault in error.errors()))
    config = Config.model_validate(sound)
    faults += _check_settings("strategy", config.strategy.name, config.strategy.settings)
    return config, faults


def _check_settings(kind: str, name: str, settings: Mapping[str, Any]) -> list[str]:
    if name not in STRATEGIES:
        return [unknown_name(kind, name, STRATEGIES)]
    signature = inspect.signature(STRATEGIES[name])
    own = {key: p for key, p in signature.parameters.items() if key not in ("space", "admits", "seed")}
    faults = [unknown_name(f"setting of {kind} '{name}':", key, own) for key in settings if key not in own]
    for key, value in settings.items():
        default = own[key].default if key in own else None
        if default is not None and (isinstance(value, bool) or not isinstance(value, type(default) | int)):
            faults.append(f"{kind}.{key}: expected {_kind(type(default))}, got {value!r}")
    return faults


def _line(fault: Any) -> str:
    """One pydantic fault as one line: the key, what was expected, what came."""
    place = [str(part) for part in fault["loc"]]
    key = ".".join(place)
    if fault["type"] == "extra_forbidden":
        section: Any = Config
        for part in place[:-1]:
            section = section.model_fields[part].annotation
        where = f"key of '{'.'.join(place[:-1])}':" if place[:-1] else "key"
        return unknown_name(where, place[-1], section.model_fields)
    message = fault["msg"].removeprefix("Value error, ").removeprefix("Input should be ").removeprefix("a valid ")
    if fault["type"] == "value_error":
        return f"{key}: {message}"
    key = ".".join(part for part in place if part in _known_parts() or part.isdigit())
    return f"{key}: expected {message}, got {fault['input']!r}"


def _known_parts() -> set[str]:
    names: set[str] = set()
    sections: list[type[BaseModel]] = [Config, AugmentationSection]
    sections += [
        field.annotation
        for field in Config.model_fields.values()
        if isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel)
    ]
    for section in sections:
        names |= set(section.model_fields)
    return names


def _kind(expected: type) -> str:
    return {int: "a whole number", float: "a number", str: "a word"}.get(expected, expected.__name__)


def _copy(data: Any) -> Any:
    return {key: _copy(value) for key, value in data.items()} if isinstance(data, dict) else data


Checker = Callable[[], None]


def collect(*checks: Checker) -> list[str]:
    """Run every check and gather the lines of all that raise ``InputError``."""
    faults: list[str] = []
    for check in checks:
        try:
            check()
        except InputError as error:
            faults += error.faults
    return faults
