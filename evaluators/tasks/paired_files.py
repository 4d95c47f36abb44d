"""Images and labels of two folders, paired by their names."""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path

from evaluators.images import SUFFIXES
from evaluators.images.folder import images_in
from evaluators.tasks.case_names import bare_name, repeated

ROLES = ("image", "img", "mask", "masks", "segmentation", "seg", "label", "labels", "gt", "annotation", "groundtruth")


def pair_files(images: Path, labels: Path) -> tuple[list[tuple[Path, Path]], list[str]]:
    """Image and label files of the same name, and a line for every file without a partner."""
    if images == labels:
        return [(file, file) for file in images_in(images) if file.suffix.lower() == ".npz"], []
    by_name: dict[str, list[Path]] = defaultdict(list)
    exact = {bare_name(image) for image in images_in(images)}
    for label in images_in(labels):
        stem = bare_name(label)
        by_name[stem if stem in exact else _bare(stem)].append(label)
    pairs: list[tuple[Path, Path]] = []
    faults: list[str] = []
    met: set[Path] = set()
    for image in images_in(images):
        stem = bare_name(image)
        found = by_name.get(stem) or by_name.get(_bare(stem), [])
        met.update(found)
        if len(found) == 1:
            pairs.append((image, _only_file(found[0])))
        else:
            came = "none" if not found else " and ".join(label.name for label in found)
            faults.append(f"{image}: expected one label of that name in {labels}, found {came}")
    faults += [f"{label}: label without an image in {images}" for label in images_in(labels) if label not in met]
    faults += [f"{label}: label of more than one image in {images}" for label in repeated([b for _, b in pairs])]
    if not pairs and not faults:
        faults.append(f"{images}: expected files of the types {', '.join(SUFFIXES)}, found none")
    return pairs, faults


def _only_file(label: Path) -> Path:
    """The one DICOM file in a folder, as archives keep a segmentation; else ``label`` as it is."""
    inside = list(label.glob("*.dcm")) if label.is_dir() else []
    return inside[0] if len(inside) == 1 else label


def _bare(stem: str) -> str:
    """``stem`` without a last word that says whether it is the image or the label."""
    for separator in ("_", "-"):
        head, found, tail = stem.rpartition(separator)
        if found and head and tail.lower() in ROLES:
            return head
    return stem
