"""What a user writes to launch a search, checked whole: every fault of a config is reported, all at once.

Config stays at the door: what is inside gets plain arguments.
"""

from __future__ import annotations

import inspect
import itertools
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

import yaml
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, field_validator
from pydantic_core import PydanticKnownError

from evaluators.evaluator import EVALUATORS
from evaluators.training import TrainingEvaluator
from nas.config.form_faults import fault_lines, faulty_keys, shown
from nas.quantities import parse_count, parse_duration
from nas.strategies import STRATEGIES
from search_spaces.errors import InputError, InputErrors, unknown_name
from search_spaces.registry import Registry


def _no_truth_value(value: Any) -> Any:
    """YAML's ``yes`` is 1 to Python; to the user it is a slip. (``1e-3`` is text to YAML, and welcome as a number.)"""
    if isinstance(value, bool):
        raise PydanticKnownError("float_type")
    return value


Count = Annotated[int, BeforeValidator(parse_count)]
Duration = Annotated[float, BeforeValidator(parse_duration), Field(gt=0)]
Whole = Annotated[int, Field(strict=True)]
Positive = Annotated[Whole, Field(ge=1)]
Number = Annotated[float, BeforeValidator(_no_truth_value), Field(allow_inf_nan=False)]
Share = Annotated[Number, Field(ge=0, le=1)]
Seed = Annotated[Whole, Field(ge=0)]
Architectures = list[str] | dict[str, dict[str, Any]]  # presets and files, or written out, by name


class Section(BaseModel):
    """Base of the config's sections: unknown keys are faults."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class TaskSection(Section):
    """Where images and labels are, and the size at which the network sees them.

    Attributes:
        path: a folder, ``split.csv`` or ``dataset.json``, or ``phantom2d`` / ``phantom3d``; relative to the
            working folder or, where that does not exist, to the config file.
        format: ``auto`` or a registered task format.
        classes: foreground class name to label value, list of values, range (``"64..191"``), threshold (``"127<"``) or
            ``instances``; ``background`` and ``ignore`` likewise.
        regions_class_order: of classes that share values, the value that paints each, later ones over earlier ones.
        dims: 2 or 3; found out when left out. 2 for volumes: slice by slice.
        slice_axis: of volumes with ``dims: 2``: 0, 1, 2, ``sagittal``, ``coronal`` or ``axial``; chosen when left out.
        split: shares of the cases for ``val`` and ``test`` where the data names none.
        split_seed: of that split.
        fold: of a list with folds (nnU-Net's ``splits_final.json``, MONAI's data lists), the validation part.
        groups: whether a column ``group``, or names that look like slices of a subject, tell what stays in one part.
        group_pattern: regular expression with one group, the subject in the name of a case: ``(case\\d+)_slice``.
        nan: ``fault``, or ``background``: NaN pixels become the smallest value of their image.
        duplicates: ``fault``, or ``allow`` one image in several parts of the split, as of a public set known for it.
        geometry: ``check`` that images and labels lie alike in space, or trust them ``by_index``.
        images, labels: names of the two folders, where they are not the usual ones.
        arrays: names of the arrays of .npz files, ``{image: NAME, label: NAME}``.
        size: resize every image to this; left out, see ``spacing``.
        spacing: resample to this (mm); ``auto``: size, spacing and patch are chosen from the training cases, see
            ``evaluators.planning.rules``; null: images keep their size.
        patch: size of training patches and of the inference window; chosen when left out.
        normalisation: of intensities: ``case``, each channel of each image for itself; ``nonzero``, likewise over what
            is not zero; ``foreground``, clipped and scaled by the structures of all training cases; ``[low, high]``,
            clipped to a window; ``auto`` chooses, see ``evaluators.planning.rules``.
    """

    path: str = "phantom2d"
    format: str = "auto"
    classes: dict[str, Whole | list[Whole | str] | str] | None = None
    regions_class_order: list[Whole] | None = None
    dims: Literal[2, 3] | None = None
    slice_axis: Literal[0, 1, 2, "sagittal", "coronal", "axial"] | None = None
    split: dict[str, Share] | None = None
    split_seed: Seed = 0
    fold: Seed | None = None
    groups: bool | None = None
    group_pattern: str | None = None
    nan: Literal["fault", "background"] = "fault"
    duplicates: Literal["fault", "allow"] = "fault"
    geometry: Literal["check", "by_index"] = "check"
    images: str | None = None
    labels: str | None = None
    arrays: dict[Literal["image", "label"], str] | None = None
    size: list[Positive] | None = None
    spacing: list[Annotated[Number, Field(gt=0)]] | Literal["auto"] | None = "auto"
    patch: list[Positive] | None = None
    normalisation: Literal["auto", "case", "nonzero", "foreground"] | list[Number] = "auto"

    @field_validator("normalisation")
    @classmethod
    def _a_window(cls, value: str | list[float]) -> str | list[float]:
        if isinstance(value, list) and (len(value) != 2 or value[0] >= value[1]):
            raise ValueError(f"expected the two ends of a window, as [-160, 240]; got {value}")
        return value


class AugmentationSection(Section):
    """How strongly training images are varied; see ``evaluators.augmentation.Augmentation``.

    Attributes:
        flip: probability of mirroring along each axis, or a list with one an axis; chosen when left out.
        affine: probability of a rotation with scaling.
        rotation: largest angle, degrees; in 3D about each axis.
        scale: largest zoom factor; its inverse is the smallest.
        intensity: probability of each of a change of contrast, brightness and gamma.
        noise: probability of Gaussian noise.
    """

    flip: Share | list[Share] | None = None
    affine: Share = 0.3
    rotation: Annotated[Number, Field(ge=0, le=180)] = 20.0
    scale: Annotated[Number, Field(ge=1)] = 1.25
    intensity: Share = 0.3
    noise: Share = 0.1


Loss = Literal["dice_ce", "dice_focal"]


class TrainingSection(Section):
    """How a candidate is trained during the search; see ``evaluators.training.TrainingEvaluator``.

    Attributes:
        steps: of the optimiser, of one search trial; chosen when left out, see ``evaluators.planning.rules``.
        batch: images or patches a step; chosen when left out.
        loss: ``dice_ce`` or ``dice_focal``; chosen when left out.
        learning_rate: the highest of the one-cycle schedule; chosen when left out.
        weight_decay: of AdamW.
        warmup: share of the steps in which the learning rate rises.
        clip: largest norm of a gradient.
        augmentation: see there.
    """

    steps: Positive | None = None
    batch: Positive | None = None
    loss: Loss | None = None
    learning_rate: Annotated[Number, Field(gt=0)] | None = None
    weight_decay: Annotated[Number, Field(ge=0)] = 1e-2
    warmup: Annotated[Number, Field(gt=0, lt=1)] = 0.2
    clip: Annotated[Number, Field(gt=0)] = 1.0
    augmentation: AugmentationSection = AugmentationSection()


class FidelitySection(Section):
    """How far a search trial is worked, see ``nas.engine.halving.Halving``.

    Attributes:
        rungs: shares of ``training.steps`` after which it is scored on the way.
        reduction: of so many trials at a rung one goes on now, the others wait; with 1 all go on.
    """

    rungs: list[Annotated[Number, Field(gt=0, lt=1)]] = [0.25, 0.5]
    reduction: Annotated[Number, Field(ge=1)] = 1.0

    @field_validator("rungs")
    @classmethod
    def _rising(cls, value: list[float]) -> list[float]:
        if value != sorted(set(value)):
            raise ValueError(f"expected rising shares; got {value}")
        return value


class FinalsSection(Section):
    """The retraining of the front at full fidelity, scored on the test cases.

    Attributes:
        steps: training steps; left out, three times those of the search.
        seeds: trainings of each finalist and control, 0 for no finals.
        racing: whether these are a mean: each gets two, the others go where the front is least sure.
        candidates: most finalists, the plain network among them.
        controls: whether each finalist with attention is held against a plain network of equal size too, see
            ``search_spaces.architecture.counterpart``. Controls come beside the finalists, and have as many seeds.
        leave_out: whether the finalist with attention that the search holds for the best is trained without each of its
            filled slots in turn too, see ``nas.evidence.left_out``; ``nas effects`` shows what each is worth.
        folds: trainings of each finalist and seed that score training cases too, each those that it has not seen, for a
            task with few test cases; see ``evaluators.folds``. Left out: one, that scores the test cases.
        mirror: average predictions over images mirrored along the axes along which training mirrors.
        distances: also compute the 95th-percentile Hausdorff distance and surface Dice.
        tolerance: of surface Dice, mm; left out, the longest edge of the median voxel.
        calibration: also compute expected calibration error and Brier score.
        cleaning: keep only the largest part of a class where validation cases show that this is right, in exports too.
        cost: measure time and memory of a prediction with each finalist, once all are trained.
    """

    steps: Positive | None = None
    seeds: Annotated[Whole, Field(ge=0)] = 3
    racing: bool = True
    candidates: Positive = 4
    controls: bool = True
    leave_out: bool = False
    folds: Annotated[Whole, Field(ge=2)] | None = None
    mirror: bool = False
    distances: bool = True
    tolerance: Annotated[Number, Field(ge=0)] | None = None
    calibration: bool = True
    cleaning: bool = True
    cost: bool = True


class LimitsSection(Section):
    """What a search may use.

    Attributes:
        params: most parameters of a candidate (``500k``).
        macs: most multiply-accumulates of one patch (``2G``).
        trials: most trials of the search, finals not counted.
        time: most wall-clock time of the search (``90min``), finals not counted.
        trial_time: most wall-clock time of one search trial (``10min``), after which it has failed; a final may take as
            much longer as it has more steps.
        depth: most halvings of a candidate whose host has that choice; chosen from the patch when left out.
    """

    params: Count | None = None
    macs: Count | None = None
    depth: Positive | None = None
    trials: Positive = 50
    time: Duration | None = None
    trial_time: Duration | None = None


class ResourcesSection(Section):
    """What one trial gets, and how many run at once.

    Attributes:
        workers: most trials at once; left out, as many as fit.
        cpus_per_trial: cores of a trial, and its torch threads.
        gpus_per_trial: share of a GPU, 0.25 puts four trials on one; ``auto``: as many share one as fit its memory, by
            what trainings are predicted to take; 0 trains on the CPU.
    """

    workers: Positive | None = None
    cpus_per_trial: Positive = 1
    gpus_per_trial: Annotated[Number, Field(ge=0)] | Literal["auto"] = 0.0

    @field_validator("gpus_per_trial")
    @classmethod
    def _share_or_whole(cls, value: float | Literal["auto"]) -> float | Literal["auto"]:
        if value == "auto":
            return value
        if 0 < value < 1e-4:
            raise ValueError(f"expected 0, or at least 0.0001 of a GPU; got {value:g}")
        if value > 1 and not value.is_integer():
            raise ValueError(f"expected a share of one GPU or a whole number of them; got {value:g}")
        return value


class StrategySection(BaseModel):
    """A strategy and, as keys beside its name, its own settings.

    Attributes:
        name: of a registered strategy, or the dotted path of one (``my_module.MyStrategy``).
    """

    model_config = ConfigDict(extra="allow", frozen=True)
    name: str = "model"

    @property
    def settings(self) -> dict[str, Any]:
        return dict(self.model_extra or {})


class EvaluatorSection(BaseModel):
    """An evaluator and, as keys beside its name, its own settings.

    Attributes:
        name: of a registered evaluator, or the dotted path of one.
    """

    model_config = ConfigDict(extra="allow", frozen=True)
    name: str = "train"

    @property
    def settings(self) -> dict[str, Any]:
        return dict(self.model_extra or {})


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
    plugins: list[str] = []
    task: TaskSection = TaskSection()
    space: str | dict[str, Any] = "unet"
    strategy: StrategySection = StrategySection()
    start: Architectures = []
    references: Architectures = []
    limits: LimitsSection = LimitsSection()
    evaluator: str | EvaluatorSection = "train"
    training: TrainingSection = TrainingSection()
    fidelity: FidelitySection = FidelitySection()
    finals: FinalsSection = FinalsSection()
    resources: ResourcesSection = ResourcesSection()
    tracking: dict[str, bool | str] = {}

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


def read_config(path: Path) -> dict[str, Any]:
    """The mapping a YAML config holds. Raises ``InputError`` when there is none."""
    try:
        data = yaml.safe_load(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise InputError(f"config '{path}' does not exist") from None
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"config '{path}' cannot be read: {error}") from None
    except (yaml.YAMLError, ValueError) as error:  # ValueError: of a date that no calendar has
        raise InputError(f"config '{path}' is not YAML: {' '.join(str(error).split())}") from None
    if data is None:
        return {}
    if not isinstance(data, dict):
        raise InputError(f"config '{path}': expected a mapping of keys, got {type(data).__name__}")
    return data


def apply_settings(data: dict[str, Any], settings: Sequence[str]) -> dict[str, Any]:
    """``data`` with ``section.key=value`` settings put in; values are YAML. Raises ``InputErrors`` on other forms."""
    result = copied(data)
    faults: list[str] = []
    for setting in settings:
        key, equals, value = setting.partition("=")
        parts = [part.strip() for part in key.split(".")]
        if not equals or not all(parts):
            faults.append(f"--set {setting}: expected KEY=VALUE, for example training.steps=800")
            continue
        place = result
        for depth, part in enumerate(parts[:-1], start=1):
            if place.get(part) is None:
                place[part] = {}
            elif not isinstance(place[part], dict):
                held = f"'{'.'.join(parts[:depth])}' is {shown(place[part])}"
                faults.append(f"--set {setting}: expected a key that holds keys, {held}")
                break
            place = place[part]
        else:
            try:
                place[parts[-1]] = yaml.safe_load(value)
            except (yaml.YAMLError, ValueError) as error:
                faults.append(f"--set {setting}: the value is not YAML: {' '.join(str(error).split())}")
    if faults:
        raise InputErrors(faults)
    return result


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


def copied(data: Any) -> Any:
    """Mappings within mappings, anew."""
    return {key: copied(value) for key, value in data.items()} if isinstance(data, dict) else data
