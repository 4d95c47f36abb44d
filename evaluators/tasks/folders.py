"""Two folders of images and labels, paired by file name; below train, val and test folders or above them, or neither.

    images/a.png   train/images/a.png   images/train/a.png   cases/a.npz
    labels/a.png   train/labels/a.png   labels/train/a.png   (holding both)

A label's file may carry a suffix (``a_mask.png``) and have another type than its image; an image may be a folder of
DICOM files. Hidden files, files of other types, and a test folder without labels (it cannot be scored) are passed over.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from evaluators.images import SUFFIXES, file_suffix, is_series
from evaluators.tasks.case_names import bare_name, repeated, unique_names
from evaluators.tasks.faults import raise_faults
from evaluators.tasks.file_task import file_task
from evaluators.tasks.task import Case, Task
from evaluators.tasks.task_format import Request, task_format
from search_spaces.errors import InputError

IMAGES = ("images", "image", "imgs", "img")
LABELS = (
    *("labels", "label", "masks", "mask", "annotations", "annotation", "segmentations", "segmentation"),
    *("groundtruth", "ground_truth", "gt"),
)
PARTS = {
    "train": ("train", "training"),
    "val": ("val", "valid", "validation"),
    "test": ("test", "testing"),
}
ROLES = ("image", "img", "mask", "masks", "segmentation", "seg", "label", "labels", "gt", "annotation", "groundtruth")


def _recognises(path: Path) -> bool:
    if not path.is_dir():
        return False
    roots = [path, *(folder for names in PARTS.values() for folder in _named(path, names))]
    return any((_named(root, IMAGES) and _named(root, LABELS)) or _holds_both(root) for root in roots)


@task_format(
    "folders",
    looks_for="folders such as images and labels, perhaps inside train, val and test, or .npz files that hold both",
    recognises=_recognises,
    precedence=4,
)
def open_folders(path: Path, request: Request, *, images: str = "", labels: str = "") -> Task:
    """Open the folder ``path``.

    Args:
        path: the folder.
        request: see ``open_task``.
        images: name of the image folder; without it, one of ``IMAGES``.
        labels: name of the label folder; without it, one of ``LABELS``.
    """
    if not path.is_dir():
        raise InputError(f"task '{path}': expected a folder")
    faults: list[str] = []
    triples: list[tuple[str, Path, Path]] = []
    wanted = _Wanted(images, labels, (request.array("image") or "image", request.array("label") or "label"))
    for split, image_folder, label_folder in _folders(path, wanted):
        pairs, unpaired = _pair(image_folder, label_folder)
        faults += unpaired
        triples += [(split, *pair) for pair in pairs]
    raise_faults(faults)
    names = unique_names([[image] for _, image, _ in triples], path)
    cases = [
        Case(name, split, (image,), _only_file(label))
        for name, (split, image, label) in zip(names, triples, strict=True)
    ]
    return file_task(path, cases, request)


@dataclass(frozen=True)
class _Wanted:
    """Names of the image folder and the label folder, empty where they have a usual one, and of both arrays in .npz."""

    images: str
    labels: str
    arrays: tuple[str, str]


def _folders(path: Path, wanted: _Wanted) -> list[tuple[str, Path, Path]]:
    """Split, image folder and label folder of every part that is there."""
    inside = [
        (split, *_pair_of_folders(root, wanted))
        for split, names in PARTS.items()
        for root in _named(path, names)
        if _is_part(root, split, wanted)
    ]
    if inside:
        return inside
    image_folder, label_folder = _pair_of_folders(path, wanted)
    above = []
    for split, names in PARTS.items():
        of_images, of_labels = _named(image_folder, names), _named(label_folder, names)
        if bool(of_images) != bool(of_labels):
            raise InputError(f"{(of_images + of_labels)[0]}: no folder of that name beside it for its images or labels")
        above += [(split, *pair) for pair in zip(of_images, of_labels, strict=False)]
    return above or [("train", image_folder, label_folder)]


def _is_part(root: Path, split: str, wanted: _Wanted) -> bool:
    """Whether ``root`` holds images, and labels too where it is the test part: without, it cannot be scored."""
    has_images = (root / wanted.images).is_dir() if wanted.images else bool(_named(root, IMAGES))
    has_labels = (root / wanted.labels).is_dir() if wanted.labels else bool(_named(root, LABELS))
    return _holds_both(root, wanted.arrays) or (has_images and (has_labels or split != "test"))


def _pair_of_folders(root: Path, wanted: _Wanted) -> tuple[Path, Path]:
    if not wanted.images and not wanted.labels and _holds_both(root, wanted.arrays):
        return root, root
    return _one(root, wanted.images, IMAGES, "images"), _one(root, wanted.labels, LABELS, "labels")


def _one(root: Path, given: str, names: tuple[str, ...], option: str) -> Path:
    if given:
        if not (root / given).is_dir():
            raise InputError(f"{root / given}: no such folder (option {option})")
        return root / given
    found = _named(root, names)
    if len(found) != 1:
        came = "none" if not found else " and ".join(folder.name for folder in found)
        raise InputError(f"{root}: expected one folder of {option} ({', '.join(names)}), found {came}; give {option}:")
    return found[0]


def _named(root: Path, names: tuple[str, ...]) -> list[Path]:
    return sorted(f for f in root.iterdir() if f.name.lower() in names and f.is_dir()) if root.is_dir() else []


def _files(folder: Path) -> list[Path]:
    """Images or labels in ``folder``: files of known types, and folders of DICOM files."""
    shown = (f for f in folder.iterdir() if not f.name.startswith("."))
    return sorted(f for f in shown if (f.is_file() and file_suffix(f) in SUFFIXES) or is_series(f))


def _only_file(label: Path) -> Path:
    """The one DICOM file in a folder, as archives keep a segmentation; else ``label`` as it is."""
    inside = list(label.glob("*.dcm")) if label.is_dir() else []
    return inside[0] if len(inside) == 1 else label


def _holds_both(folder: Path, arrays: tuple[str, str] = ("image", "label")) -> bool:
    """Whether ``folder`` has .npz files, the first of which holds an image and its label, called ``arrays``."""
    first = next((file for file in sorted(folder.glob("*.npz")) if not file.name.startswith(".")), None)
    if first is None:
        return False
    try:
        with first.open("rb") as stream:
            return set(arrays) <= set(np.load(stream, allow_pickle=False).files)
    except Exception:  # a damaged file is not this folder's kind; reading says so where it is asked for
        return False


def _pair(images: Path, labels: Path) -> tuple[list[tuple[Path, Path]], list[str]]:
    """Image and label files of the same name, and a line for every file without a partner."""
    if images == labels:
        return [(file, file) for file in _files(images) if file.suffix.lower() == ".npz"], []
    by_name: dict[str, list[Path]] = defaultdict(list)
    exact = {bare_name(image) for image in _files(images)}
    for label in _files(labels):
        stem = bare_name(label)
        by_name[stem if stem in exact else _bare(stem)].append(label)
    pairs: list[tuple[Path, Path]] = []
    faults: list[str] = []
    met: set[Path] = set()
    for image in _files(images):
        stem = bare_name(image)
        found = by_name.get(stem) or by_name.get(_bare(stem), [])
        if len(found) == 1:
            pairs.append((image, found[0]))
        else:
            came = "none" if not found else " and ".join(label.name for label in found)
            faults.append(f"{image}: expected one label of that name in {labels}, found {came}")
            met.update(found)
    met.update(label for _, label in pairs)
    faults += [f"{label}: label without an image in {images}" for label in _files(labels) if label not in met]
    faults += [f"{label}: label of more than one image in {images}" for label in repeated([b for _, b in pairs])]
    if not pairs and not faults:
        faults.append(f"{images}: expected files of the types {', '.join(SUFFIXES)}, found none")
    return pairs, faults


def _bare(stem: str) -> str:
    """``stem`` without a last word that says whether it is the image or the label."""
    for separator in ("_", "-"):
        head, found, tail = stem.rpartition(separator)
        if found and head and tail.lower() in ROLES:
            return head
    return stem
