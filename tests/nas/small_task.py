"""A small task of real files: a bright disc or ball in noise, two folders of PNG or NIfTI."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from tests.evaluators.tasks.files import write_nifti, write_picture


def write_small_task(root: Path, dims: int = 2, count: int = 14, length: int = 32) -> Path:
    """``count`` cases of ``length`` pixels an axis (3D: half of it, spacing 1 x 1 x 2 mm); returns ``root``."""
    rng = np.random.default_rng(0)
    size = (length,) * 2 if dims == 2 else (length // 2,) * 3
    for index in range(count):
        image, label = _disc(rng, size)
        if dims == 2:
            write_picture(root / "images" / f"case{index:02d}.png", image)
            write_picture(root / "labels" / f"case{index:02d}.png", label * np.uint8(255))
        else:
            write_nifti(root / "images" / f"case{index:02d}.nii.gz", image.astype(np.float32), (1, 1, 2))
            write_nifti(root / "labels" / f"case{index:02d}.nii.gz", label, (1, 1, 2))
    return root


def _disc(rng: np.random.Generator, size: tuple[int, ...]) -> tuple[np.ndarray, np.ndarray]:
    grid = np.stack(np.meshgrid(*[np.arange(length) for length in size], indexing="ij"))
    centre = rng.uniform(0.35, 0.65, len(size)) * size
    shape = (-1,) + (1,) * len(size)
    label = (((grid - centre.reshape(shape)) ** 2).sum(0) < (0.25 * size[0]) ** 2).astype(np.uint8)
    image = np.clip(90 + 80 * label + rng.normal(0, 20, size), 0, 255).astype(np.uint8)
    return image, label


def small_config(task: Path, **sections: object) -> dict[str, object]:
    """A search of a few seconds on it: small U-Nets with three mechanisms, one trial at a time."""
    return {
        "task": {"path": str(task), "classes": {"disc": 255}},
        "space": {"host": "unet", "options": {"depth": 2, "width": [4, 6, 8]}, "mechanisms": ["se", "eca", "cbam"]},
        "limits": {"trials": 5},
        "training": {"steps": 12, "batch": 4},
        "finals": {"steps": 16, "seeds": 2, "candidates": 3},
        "resources": {"workers": 1},
        **sections,
    }
