"""From intensities as they are stored to what a network sees: of zero mean and unit deviation, by one of three ways.

``case``: each channel of each image for itself, for scanners and cameras whose units mean nothing. ``nonzero``: the
same over the voxels that are not zero, where much of an image is empty (Isensee et al., nnU-Net, Nature Methods 2021,
https://doi.org/10.1038/s41592-020-01008-z). ``window``: clipped and scaled by the same numbers for all images, where a
value means the same in each, as Hounsfield units do.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal

import numpy as np

CONSTANT = 1e-6  # deviation, as a share of the largest value, below which a channel is taken as constant: rounding


@dataclass(frozen=True)
class Window:
    """How a channel is clipped and scaled, the same for all images."""

    low: float
    high: float
    mean: float
    deviation: float

    @classmethod
    def between(cls, low: float, high: float) -> Window:
        """That brings ``low`` to -1 and ``high`` to 1."""
        return cls(low, high, (low + high) / 2, (high - low) / 2)


@dataclass(frozen=True)
class Normalisation:
    """How the channels of an image are brought to one scale.

    Attributes:
        kind: see above.
        windows: of each channel, or one for all; of ``window`` only.
    """

    kind: Literal["case", "nonzero", "window"] = "case"
    windows: tuple[Window, ...] = ()

    def __call__(self, image: np.ndarray) -> np.ndarray:
        """``(channels, *spatial)`` of any real type to float32."""
        if self.kind == "window":
            return self._windowed(image)
        return normalise(image, (image != 0).any(0) if self.kind == "nonzero" else None)

    def _windowed(self, image: np.ndarray) -> np.ndarray:
        windows = self.windows * len(image) if len(self.windows) == 1 else self.windows
        result = np.empty(image.shape, np.float32)
        for channel, window, values in zip(result, windows, image, strict=True):
            np.clip(values, window.low, window.high, out=channel, casting="unsafe")
            channel -= window.mean
            channel /= window.deviation
        return result

    def to_dict(self) -> dict[str, Any]:
        return {"kind": self.kind, "windows": [asdict(window) for window in self.windows]}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Normalisation:
        return cls(data["kind"], tuple(Window(**window) for window in data["windows"]))


def normalise(image: np.ndarray, counted: np.ndarray | None = None) -> np.ndarray:
    """Each channel of ``(channels, *spatial)`` to zero mean and unit deviation, float32; a constant one to zero.

    Mean and deviation are those of the voxels that are ``counted`` ``(*spatial)``; the others become zero.
    """
    if counted is not None and not counted.all():
        result = np.zeros(image.shape, np.float32)
        if counted.any():
            result[:, counted] = normalise(image[:, counted])
        return result
    axes = tuple(range(1, image.ndim))
    mean = image.mean(axes, keepdims=True, dtype=np.float64)
    deviation = image.std(axes, keepdims=True, dtype=np.float64)
    constant = deviation <= CONSTANT * np.abs(image).max(axes, keepdims=True)
    return np.where(constant, 0, (image - mean) / np.where(constant, 1, deviation)).astype(np.float32)
