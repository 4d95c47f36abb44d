"""Two folders of images and labels, paired by file name; below train, val and test folders or above them, or neither.

    images/a.png   train/images/a.png   images/train/a.png   cases/a.npz
    labels/a.png   train/labels/a.png   labels/train/a.png   (holding both)

A label's file may carry a suffix (``a_mask.png``) and have another type than its image; an image may be a folder of
DICOM files. Hidden files, files of other types, and a test folder without labels (it cannot be scored) are passed over.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from evaluators.tasks.case_names import unique_names
from evaluators.tasks.faults import raise_faults
from evaluators.tasks.file_task import file_task
from evaluators.tasks.paired_files import pair_files
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


def _recognises(path: Path, request: Request) -> bool:
    if not path.is_dir():
        return False
    arrays = request.array("image") or "image", request.array("label") or "label"
    roots = [path, *(folder for names in PARTS.values() for folder in _named(path, names))]
    return any((_named(root, IMAGES) and _named(root, LABELS)) or _holds_both(root, arrays) for root in roots)


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
        pairs, unpaired = pair_files(image_folder, label_folder)
        faults += unpaired
        triples += [(split, *pair) for pair in pairs]
    raise_faults(faults)
    names = unique_names([[image] for _, image, _ in triples], path)
    cases = [Case(name, split, (image,), label) for name, (split, image, label) in zip(names, triples, strict=True)]
    return file_task(path, cases, request, notes=_unlabelled(path, wanted))


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


def _unlabelled(path: Path, wanted: _Wanted) -> list[str]:
    """A note for each test folder that is passed over."""
    roots = [root for root in _named(path, PARTS["test"]) if not _is_part(root, "test", wanted)]
    return [f"{root} holds images without labels, which are left out" for root in roots if _has_images(root, wanted)]


def _is_part(root: Path, split: str, wanted: _Wanted) -> bool:
    """Whether ``root`` holds images, and labels too where it is the test part: without, it cannot be scored."""
    has_labels = (root / wanted.labels).is_dir() if wanted.labels else bool(_named(root, LABELS))
    return _holds_both(root, wanted.arrays) or (_has_images(root, wanted) and (has_labels or split != "test"))


def _has_images(root: Path, wanted: _Wanted) -> bool:
    return (root / wanted.images).is_dir() if wanted.images else bool(_named(root, IMAGES))


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


def _holds_both(folder: Path, arrays: tuple[str, str] = ("image", "label")) -> bool:
    """Whether ``folder`` has .npz files, the first of which holds an image and its label, called ``arrays``."""
    first = next(
        (file for file in sorted(folder.glob("*.npz")) if file.is_file() and not file.name.startswith(".")), None
    )
    if first is None:
        return False
    try:
        with first.open("rb") as stream:
            return set(arrays) <= set(np.load(stream, allow_pickle=False).files)
    except Exception:  # a damaged file is not this folder's kind; reading says so where it is asked for
        return False
