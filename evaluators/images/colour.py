"""Colours and palettes, which mean one thing in an image and another in a label."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from search_spaces.errors import InputError


def one_value(array: np.ndarray, path: Path) -> np.ndarray:
    """A label ``(channels, *spatial)`` whose channels are equal, as one channel; other colours are an error."""
    if (array != array[:1]).any():
        raise InputError(f"{path}: a colour label; expected a grey or palette picture, one value per class")
    return array[:1]


def through_palette(indices: np.ndarray, palette: np.ndarray, role: str) -> np.ndarray:
    """``(*spatial)`` indices into ``(colours, 3)`` as ``(channels, *spatial)``.

    A grey palette gives the grey values (0/255 masks). Of a coloured one an image gets the colours; a label keeps its
    indices, class numbers behind display colours.
    """
    missing = int(indices.max(initial=0)) + 1 - len(palette)
    palette = np.pad(palette, ((0, max(0, missing)), (0, 0)))
    if (palette == palette[:, :1]).all():
        return np.asarray(palette[:, 0][indices][None])
    return np.asarray(np.moveaxis(palette[indices], -1, 0)) if role == "image" else indices[None]
