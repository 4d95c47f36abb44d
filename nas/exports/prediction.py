"""Segment image files with an exported model."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import MappingProxyType

import numpy as np

from evaluators.components import keep_largest
from evaluators.files import check_can_hold
from evaluators.images import SUFFIXES, result_path, write_label
from evaluators.images.folder import images_at
from evaluators.inference import Show, predict_label, shares
from evaluators.scoring import Scores, dice_scores
from evaluators.tasks.case_reader import CaseReader, count_channels
from evaluators.tasks.channel_files import channels_of_cases
from evaluators.tasks.faults import raise_faults
from evaluators.tasks.label_map import LabelMap
from evaluators.tasks.task import Case, Sample
from evaluators.threads import spread
from evaluators.voxel_sizes import UNKNOWN, is_known
from nas.exports.model import ExportedModel
from nas.exports.references import label_map_of
from search_spaces.errors import InputError

Cases = Mapping[str, tuple[Path, ...]]  # name to the files of its channels


@dataclass(frozen=True)
class Prediction:
    """What came of one case: the file written, or why there is none; and what a user should know of its reading.

    ``dice``: of each class that the case's reference shows; empty without a reference.
    """

    name: str
    path: Path | None
    faults: Sequence[str] = ()
    notes: Sequence[str] = ()
    dice: Scores = field(default_factory=dict)


def find_images(paths: Sequence[Path], channels: int = 1, array: str = "") -> dict[str, tuple[Path, ...]]:
    """Case name to its files: every image given or lying in a folder given; a folder of DICOM files is an image.

    Files ``CASE_0000``, ``CASE_0001``, ... are the channels of one case where the model has as many. ``array``: name
    of the image in an NPZ. Raises ``InputError`` when something does not exist, no image is there or two have one name.
    """
    files: list[Path] = []
    for path in paths:
        if not path.exists():
            raise InputError(f"image '{path}' does not exist")
        files += images_at(path)
    if not files:
        raise InputError(f"no image found in {', '.join(map(str, paths))}; expected one of {', '.join(SUFFIXES)}")
    return channels_of_cases(files, channels, lambda file: _channels_in(file, array))


def check_spared(cases: Cases, folder: Path, format: str) -> None:
    """Raise ``InputError`` when a result in ``folder`` would take the place of an image that was given, or of another.

    Also when the format is unknown, or nothing can be written there.
    """
    check_can_hold(folder)
    given = {file.resolve() for files in cases.values() for file in files}
    faults = []
    for name, files in cases.items():
        result = result_path(folder, name, files[0], format)
        if result.resolve() in given:
            faults.append(f"--out '{folder}': the result of '{name}' would overwrite the image {result}")
    raise_faults(faults)


def predict_all(
    model: ExportedModel,
    cases: Cases,
    folder: Path,
    format: str,
    device: str = "cpu",
    show: Callable[[float], object] = lambda done: None,
    references: Mapping[str, Path] = MappingProxyType({}),
) -> list[Prediction]:
    """Write the label of every case as a file that lies where its image lies; a case that fails stops no other.

    Args:
        model: the model.
        cases: see ``find_images``.
        folder: where the labels are written.
        format: see ``result_path``.
        device: ``cpu`` or ``cuda``.
        show: called with how many cases are done, parts of large ones included.
        references: label files by case, of those that have one; see ``find_references``.
    """
    labels = label_map_of(model) if references else None
    at_once, threads = shares(model.preprocessing, device)
    done = dict.fromkeys(cases, 0.0)

    def work(name: str) -> Prediction:
        def seen(count: int, total: int) -> None:
            done[name] = count / total
            show(sum(done.values()))

        try:
            sample = read_case(model, name, cases[name], references.get(name), labels)
            label = segment(model, sample, device, threads, seen)
            assert sample.source is not None
            path = write_label(folder, name, model.preprocessing.labelling.to_values(label), sample.source, format)
            scores = {} if sample.label is None else dice_scores(label, sample.label, model.preprocessing.labelling)
            return Prediction(name, path, notes=sample.notes, dice=scores)
        except InputError as error:
            return Prediction(name, None, faults=error.faults)
        except Exception as error:  # whatever one image does, it does not to the others
            said = f": {' '.join(str(error).split())}" if str(error) else ""
            return Prediction(name, None, faults=[f"{cases[name][0]}: {type(error).__name__}{said}"])
        finally:
            seen(1, 1)

    return list(spread(work, cases, at_once))


def read_case(
    model: ExportedModel,
    name: str,
    files: tuple[Path, ...],
    reference: Path | None = None,
    labels: LabelMap | None = None,
) -> Sample:
    """The image of one case as the model takes it, and its reference where there is one, read by ``labels``.

    Raises ``InputError`` where one cannot be read or does not fit.
    """
    layout = model.preprocessing
    axis, flat = layout.slice_axis, layout.dims == 2
    reader = CaseReader(layout.dims, layout.channels, labels, slice_axis=axis, reading=layout.reading, volumes=flat)
    sample = reader(Case(name, "test", files, reference))
    fault = layout.for_image(sample.image.shape[1:], sample.spacing, sample.orientation).resampling_fault(sample)
    if fault:
        raise InputError(f"{files[0]}: {fault}")
    if layout.spacing is not None and not is_known(sample):
        return replace(sample, notes=(*sample.notes, UNKNOWN))
    return sample


def segment(
    model: ExportedModel,
    sample: Sample,
    device: str = "cpu",
    threads: int | None = None,
    show: Show = lambda done, total: None,
) -> np.ndarray:
    """Label indices ``(*spatial)``, uint8, of an image, on its own grid."""
    size = sample.image.shape[1:]
    layout = model.preprocessing.for_image(size, sample.spacing, sample.orientation)
    image = layout.image(sample.image, sample.spacing)
    try:
        label = predict_label(
            model.network, image, layout, size, mirror=model.mirror, device=device, threads=threads, show=show
        )
    except FloatingPointError as error:
        files = sample.source.path if sample.source else "the image"
        raise InputError(f"{files}: {error}") from None
    return keep_largest(label, model.largest_part) if model.largest_part else label


def _channels_in(file: Path, array: str) -> int:
    """1 where the file cannot be read: that is told when its case is."""
    try:
        return count_channels([file], 2, array)
    except InputError:
        return 1
