"""The sections of a config, and the kinds of values that keys take."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, field_validator
from pydantic_core import PydanticKnownError

from nas.quantities import parse_count, parse_duration


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
Seed = Annotated[Whole, Field(ge=0, le=2**31 - 1)]  # less than all of torch, NumPy and Optuna take
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
        match_references: whether each reference is met at its own number of parameters: by the network that the search
            holds for the best of those with no more, which becomes a finalist, and by a plain U-Net of as many.
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
    seeds: Annotated[Whole, Field(ge=0, le=1000)] = 3
    racing: bool = True
    candidates: Positive = 4
    controls: bool = True
    match_references: bool = False
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
