"""Strips: means of a map over all spatial axes but one."""

from __future__ import annotations

from torch import Tensor


def strips(x: Tensor) -> list[Tensor]:
    """``(batch, channels, *spatial)`` to ``(batch, channels, length)`` for each spatial axis."""
    axes = range(2, x.dim())
    return [x.mean([other for other in axes if other != axis]) for axis in axes]


def along(strip: Tensor, axis: int, dims: int) -> Tensor:
    """``(batch, channels, length)`` as a map of ``dims`` axes, batch and channels among them, that runs along one."""
    return strip.reshape(*strip.shape[:2], *(strip.shape[2] if other == axis else 1 for other in range(2, dims)))
