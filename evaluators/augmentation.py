"""Random changes of a training batch: draw first, then do.

Drawing touches no image, so the changes of step ``t`` depend on the seed and ``t`` alone; doing works on the
whole batch at once, which keeps it at a few percent of a training step.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional


@dataclass(frozen=True)
class Augmentation:
    """How strongly training images are varied.

    Attributes:
        flip: probability of mirroring along each axis; one number for all axes, or one an axis.
        affine: probability of a rotation with scaling.
        rotation: largest angle, degrees; in 3D about each axis.
        scale: largest zoom factor; its inverse is the smallest.
        intensity: probability of each of a change of contrast, brightness and gamma.
        noise: probability of Gaussian noise of up to 0.1 deviations.
    """

    flip: float | tuple[float, ...] = 0.5
    affine: float = 0.3
    rotation: float = 20.0
    scale: float = 1.25
    intensity: float = 0.3
    noise: float = 0.1


def mirrored_axes(flip: float | Sequence[float], dims: int) -> list[int]:
    """The axes along which images are mirrored at all, by the ``flip`` of an ``Augmentation``."""
    return np.flatnonzero(np.broadcast_to(flip, dims)).tolist()


@dataclass(frozen=True)
class Draw:
    """The changes of one batch.

    Attributes:
        matrices: ``(batch, dims, dims)`` float32, output to input coordinates, in voxels about the centre.
        contrast, brightness, gamma: ``(batch,)`` float32; 1, 0 and 1 leave an image as it is.
        noise: ``(batch,)`` float32 deviations.
        noise_seed: seed of the noise field.
    """

    matrices: np.ndarray
    contrast: np.ndarray
    brightness: np.ndarray
    gamma: np.ndarray
    noise: np.ndarray
    noise_seed: int


def draw(settings: Augmentation, batch: int, dims: int, rng: np.random.Generator) -> Draw:
    """Draw the changes of one batch of ``batch`` images."""
    matrices = np.empty((batch, dims, dims), dtype=np.float32)
    for index in range(batch):
        mirror = np.where(rng.random(dims) < np.asarray(settings.flip), -1.0, 1.0)
        turn = rng.random() < settings.affine
        angles = np.radians(rng.uniform(-settings.rotation, settings.rotation, 3 if dims == 3 else 1))
        zoom = math.exp(rng.uniform(-1, 1) * math.log(settings.scale))
        matrices[index] = _rotation(angles) * mirror / zoom if turn else np.diag(mirror)

    def sometimes(probability: float, values: np.ndarray, neutral: float) -> np.ndarray:
        return np.where(rng.random(batch) < probability, values, neutral).astype(np.float32)

    return Draw(
        matrices,
        contrast=sometimes(settings.intensity, rng.uniform(0.75, 1.25, batch), 1.0),
        brightness=sometimes(settings.intensity, rng.uniform(-0.2, 0.2, batch), 0.0),
        gamma=sometimes(settings.intensity, np.exp(rng.uniform(-0.4, 0.4, batch)), 1.0),
        noise=sometimes(settings.noise, rng.uniform(0, 0.1, batch), 0.0),
        noise_seed=int(rng.integers(2**62)),
    )


def apply(drawn: Draw, images: Tensor, labels: Tensor) -> tuple[Tensor, Tensor]:
    """Do what was drawn.

    Args:
        drawn: changes of this batch.
        images: float32 ``(batch, channels, *spatial)``.
        labels: uint8 ``(batch, *spatial)``, class indices.

    Returns:
        Images and labels of the same shapes; labels stay class indices.
    """
    images, labels = _move(drawn.matrices, images, labels)
    return _recolour(drawn, images), labels


def _move(matrices: np.ndarray, images: Tensor, labels: Tensor) -> tuple[Tensor, Tensor]:
    diagonal = (np.abs(matrices) == np.eye(matrices.shape[1])).all((1, 2))  # mirrored at most: exact and cheap
    moved_images, moved_labels = images.clone(), labels.clone()
    for index in np.flatnonzero(diagonal):
        axes = [axis + 1 for axis in range(matrices.shape[1]) if matrices[index, axis, axis] < 0]
        if axes:
            moved_images[index] = images[index].flip(axes)
            moved_labels[index] = labels[index].flip([axis - 1 for axis in axes])
    turned = np.flatnonzero(~diagonal)
    if len(turned):
        rows = torch.from_numpy(turned).to(images.device)
        grid = _grid(matrices[turned], images[rows])
        moved_images[rows] = functional.grid_sample(
            images[rows], grid, mode="bilinear", padding_mode="reflection", align_corners=False
        )
        moved_labels[rows] = functional.grid_sample(
            labels[rows, None].float(), grid, mode="nearest", padding_mode="reflection", align_corners=False
        )[:, 0].to(labels.dtype)
    return moved_images, moved_labels


def _grid(matrices: np.ndarray, images: Tensor) -> Tensor:
    """Sampling grid of voxel-space matrices; torch wants axes reversed and lengths scaled to [-1, 1]."""
    size = np.array(images.shape[2:], dtype=np.float32)
    scaled = matrices * size[None, None, :] / size[None, :, None]
    reversed_axes = np.ascontiguousarray(scaled[:, ::-1, ::-1])
    theta = torch.from_numpy(np.concatenate([reversed_axes, np.zeros((*reversed_axes.shape[:2], 1), "f4")], 2))
    return functional.affine_grid(theta.to(images.device), list(images.shape), align_corners=False)


def _recolour(drawn: Draw, images: Tensor) -> Tensor:
    """Contrast, brightness, gamma, noise; each touches only the images for which it was drawn. Works in place."""
    generator = torch.Generator().manual_seed(drawn.noise_seed)
    for index, image in enumerate(images):
        contrast, brightness = float(drawn.contrast[index]), float(drawn.brightness[index])
        if contrast != 1 or brightness != 0:
            image.mul_(contrast).add_(brightness)
        if drawn.gamma[index] != 1:
            low, high = image.min(), image.max()
            span = (high - low).clamp_min(1e-6)
            image.sub_(low).div_(span).pow_(float(drawn.gamma[index])).mul_(span).add_(low)
        if drawn.noise[index] > 0:
            image.add_(torch.randn(image.shape, generator=generator).to(image.device), alpha=float(drawn.noise[index]))
    return images


def _rotation(angles: np.ndarray) -> np.ndarray:
    """Rotation matrix of one angle (2D) or of three, about each axis in turn (3D), radians."""
    if len(angles) == 1:
        c, s = math.cos(angles[0]), math.sin(angles[0])
        return np.array([[c, -s], [s, c]])
    matrix = np.eye(3)
    for axis, angle in enumerate(angles):
        turn = np.eye(3)
        first, second = [other for other in range(3) if other != axis]
        turn[first, first] = turn[second, second] = math.cos(angle)
        turn[first, second], turn[second, first] = -math.sin(angle), math.sin(angle)
        matrix = matrix @ turn
    return matrix
