"""The stream of training batches: which cases, which patches, which augmentations, all from the seed alone."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence

import numpy as np
import torch
from torch import Tensor

from evaluators.augmentation import Augmentation, apply, draw
from evaluators.preprocessing import PreparedCase, Preprocessing

FOREGROUND_EVERY = 3  # one patch of so many is centred on a foreground voxel, as in nnU-Net


def batches(
    cases: Sequence[PreparedCase],
    layout: Preprocessing,
    batch: int,
    steps: int,
    augmentation: Augmentation,
    seed: int,
    device: torch.device | str = "cpu",
    first: int = 0,
) -> Iterator[tuple[Tensor, Tensor]]:
    """From step ``first`` on, yield the rest of ``steps`` batches.

    A batch is images ``(batch, channels, *patch)`` and labels ``(batch, *patch)``, int64. Cases come in a shuffled
    order, each once before any comes again. Every step has a random stream of its own, so two candidates with the same
    seed see the same batches, whatever else differs, and a training that goes on sees those it would have seen. A slice
    of a volume is a patch one voxel thick, drawn as any other.
    """
    order = itertools.islice(_order(len(cases), seed), first * batch, None)
    for step in range(first, steps):
        rng = np.random.default_rng((seed, step))
        drawn = draw(augmentation, batch, layout.dims, rng)
        picked = [
            _patch(cases[next(order)], layout.box, centred=place % FOREGROUND_EVERY == 0, rng=rng)
            for place in range(step * batch, (step + 1) * batch)
        ]
        images = torch.from_numpy(np.stack([image for image, _ in picked])).to(device)
        labels = torch.from_numpy(np.stack([label for _, label in picked])).to(device)
        if layout.slice_axis is not None:
            images, labels = images.squeeze(2 + layout.slice_axis), labels.squeeze(1 + layout.slice_axis)
        images, labels = apply(drawn, images, labels)
        yield images, labels.long()


def _order(cases: int, seed: int) -> Iterator[int]:
    """Positions of cases without end, each once before any comes again."""
    rng = np.random.default_rng((seed, 0, 1))  # no step's stream: those have two numbers
    while True:
        yield from rng.permutation(cases).tolist()


def _patch(
    case: PreparedCase, patch: tuple[int, ...], centred: bool, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Cut one patch; where the image is smaller, image and label are padded with their edge, so that they agree."""
    size = case.label.shape
    place = rng.random(len(patch))
    chosen = rng.random()
    starts = [int(p * (max(length - want, 0) + 1)) for p, length, want in zip(place, size, patch, strict=True)]
    if centred and len(case.foreground):
        point = case.foreground[int(chosen * len(case.foreground))]
        starts = [
            int(np.clip(centre - want // 2, 0, max(length - want, 0)))
            for centre, length, want in zip(point, size, patch, strict=True)
        ]
    window = tuple(slice(start, start + want) for start, want in zip(starts, patch, strict=True))
    image, label = case.image[(slice(None), *window)], case.label[window]
    if label.shape != patch:
        missing = [want - have for want, have in zip(patch, label.shape, strict=True)]
        pad = [(m // 2, m - m // 2) for m in missing]
        image = np.pad(image, [(0, 0), *pad], mode="edge")
        label = np.pad(label, pad, mode="edge")
    return image, label
