"""Small real files for the tests: images whose left half is dark and labels whose middle is foreground."""

from __future__ import annotations

import csv
import json
import zlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import nibabel
import numpy as np
from PIL import Image


def grey(height: int = 6, width: int = 8, fill: int = 200) -> np.ndarray:
    image = np.full((height, width), fill, np.uint8)
    image[:, : width // 2] = 30
    return image


def colour(height: int = 6, width: int = 8) -> np.ndarray:
    return np.stack([grey(height, width), 2 * grey(height, width, 50), np.zeros((height, width), np.uint8)], -1)


def mask(height: int = 6, width: int = 8, values: Sequence[int] = (255,)) -> np.ndarray:
    """Background 0 with one row of each of ``values``."""
    label = np.zeros((height, width), np.uint8)
    for row, value in enumerate(values, start=1):
        label[row, 2:-2] = value
    return label


def volume_mask(size: tuple[int, int, int] = (5, 6, 7), values: Sequence[int] = (1,)) -> np.ndarray:
    label = np.zeros(size, np.uint8)
    for slab, value in enumerate(values, start=1):
        label[slab, 2:4, 2:4] = value
    return label


def write_picture(path: Path, array: np.ndarray, **options: Any) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(array).save(path, **options)
    return path


def write_nifti(path: Path, array: np.ndarray, zooms: Sequence[float] | None = None) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    affine = np.diag([*(zooms or (1, 1, 1))[:3], 1.0])
    nibabel.save(nibabel.Nifti1Image(array, affine), path)
    return path


def write_json(path: Path, content: object) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content))
    return path


def write_table(folder: Path, rows: Sequence[Sequence[str]], header: str = "image,label,split,group") -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    table = folder / "split.csv"
    with table.open("w", newline="") as lines:
        csv.writer(lines).writerows([header.split(","), *rows])
    return table


def write_pairs(root: Path, names: Sequence[str], images: str = "images", labels: str = "labels") -> None:
    """A grey PNG, of which no two are the same, and a 0/255 PNG mask per name."""
    for name in names:
        image = grey()
        image[0, :4] = list(zlib.crc32(name.encode()).to_bytes(4))
        write_picture(root / images / f"{name}.png", image)
        write_picture(root / labels / f"{name}.png", mask())


def write_csv_task(root: Path, splits: Sequence[str], groups: Sequence[str] | None = None) -> Path:
    """A ``split.csv`` task with one case per entry of ``splits``."""
    names = [f"case{number}" for number in range(len(splits))]
    write_pairs(root, names)
    rows = [
        (f"images/{name}.png", f"labels/{name}.png", split, group)
        for name, split, group in zip(names, splits, groups or [""] * len(splits), strict=True)
    ]
    write_table(root, rows)
    return root


def write_decathlon_task(root: Path, count: int = 5) -> Path:
    names = [f"organ_{number:03d}.nii.gz" for number in range(count)]
    for name in names:
        write_nifti(root / "imagesTr" / name, np.ones((5, 6, 7), np.float32))
        write_nifti(root / "labelsTr" / name, volume_mask(values=(1, 2)))
    write_json(
        root / "dataset.json",
        {
            "name": "ORGAN",
            "modality": {"0": "MRI"},
            "labels": {"0": "background", "1": "Anterior", "2": "Posterior"},
            "training": [{"image": f"./imagesTr/{name}", "label": f"./labelsTr/{name}"} for name in names],
            "test": ["./imagesTs/organ_900.nii.gz"],
        },
    )
    return root


def write_nnunet_task(root: Path, count: int = 5, tests: int = 0, channels: int = 2) -> Path:
    for part, number in (("Tr", count), ("Ts", tests)):
        for case in range(number):
            for channel in range(channels):
                write_picture(root / f"images{part}" / f"c{part}_{case}_{channel:04d}.png", grey(fill=100 + channel))
            write_picture(root / f"labels{part}" / f"c{part}_{case}.png", mask(values=(1, 2)))
    write_json(
        root / "dataset.json",
        {
            "channel_names": {str(channel): f"channel {channel}" for channel in range(channels)},
            "labels": {"background": 0, "cell": 1, "border": 2},
            "numTraining": count,
            "file_ending": ".png",
        },
    )
    return root
