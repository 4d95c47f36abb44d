"""From intensities as they are stored to what a network sees: of zero mean and unit deviation, by one of three ways.

``case``: each channel of each image for itself, for scanners and cameras whose units mean nothing. ``nonzero``: the
same over the voxels that are not zero, where much of an image is empty (Isensee et al., nnU-Net, Nature Methods 2021,
https://doi.org/10.1038/s41592-020-01008-z). ``window``: clipped and scaled by the same numbers for all images, where a
value means the same in each, as Hounsfield units do.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal

import numpy as np

BLOCK = 2**18  # values that are worked on in 64 bits at once
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

    Mean and deviation are those of the voxels that are ``counted`` ``(*spatial)``; the others become zero. A block of
    values at a time: all of a volume in 64 bits at once takes several times its own memory.
    """
    result = np.zeros(image.shape, np.float32)
    for channel, values in zip(result, image, strict=True):
        mean, deviation, largest = _moments(values, counted)
        if deviation > CONSTANT * largest:
            for rows, chosen in _blocks(values, counted):
                channel[rows][chosen] = np.subtract(values[rows][chosen], mean, dtype=np.float64) / deviation
    return result


def _moments(values: np.ndarray, counted: np.ndarray | None) -> tuple[float, float, float]:
    """Mean, deviation and largest absolute value of those that are ``counted``; 0 where there are none."""
    count, total, square, largest = 0, 0.0, 0.0, 0.0
    for rows, chosen in _blocks(values, counted):
        part = values[rows][chosen]
        count, total = count + part.size, total + part.sum(dtype=np.float64)
        largest = max(largest, abs(float(part.min())), abs(float(part.max())))
    mean = total / max(count, 1)
    for rows, chosen in _blocks(values, counted):
        square += np.square(np.subtract(values[rows][chosen], mean, dtype=np.float64)).sum()
    return mean, math.sqrt(square / max(count, 1)), largest


def _blocks(values: np.ndarray, counted: np.ndarray | None) -> Iterator[tuple[slice, Any]]:
    """Rows of ``(*spatial)``, as many as hold ``BLOCK`` values, with which of these count; only where some do."""
    step = max(1, BLOCK // max(1, math.prod(values.shape[1:])))
    for start in range(0, len(values), step):
        rows = slice(start, start + step)
        if counted is None:
            yield rows, ...
        elif counted[rows].any():
            yield rows, counted[rows]
