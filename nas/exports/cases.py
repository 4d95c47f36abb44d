"""Cases of a run's task, and what a file makes of them beside the network that it was made of."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from evaluators.scoring import dice_scores, mean_score
from evaluators.tasks.task import Sample
from nas.config.checks import open_section
from nas.config.config import parse_config
from nas.config.reading import as_given
from nas.exports.model import ExportedModel
from nas.exports.prediction import segment
from nas.run import Run

FEW = 4  # cases on which a file is compared that computes what its network does
MANY = 16  # and one that does not; cases from which ranges of numbers are learnt


def cases_of(run: Run, split: str, most: int) -> list[Sample]:
    """The first cases of a part of a run's task, with labels. Raises ``InputError`` where the data are not there."""
    config = parse_config(as_given(run.config)).config
    task = open_section(config, config.task.path, lambda what, done, total: None)
    return [task.read(case) for case in task.split(split)[:most]]


def held_against(
    model: ExportedModel, own: Sequence[np.ndarray], other: ExportedModel, samples: Sequence[Sample]
) -> dict[str, Any]:
    """What the network of ``other`` says of real images beside that of ``model``, whose labels are ``own``; plain data.

    ``dice`` of whole predictions and ``dice_of_network``, that of the network itself; ``logits``, the largest
    difference on a patch of each image, on another size and on several images at once, and ``of``, the largest logit.
    """
    theirs = [segment(other, sample) for sample in samples]
    difference = largest = 0.0
    for sample in samples:
        patch = patch_of(model, sample)
        for images in (patch, _smaller(patch), torch.cat([patch, patch.flip(-1), patch / 2])):
            with torch.inference_mode():
                expected, found = model.network(images), other.network(images)
            difference = max(difference, (found - expected).abs().max().item())
            largest = max(largest, expected.abs().max().item())
    told = {"dice": _dice(theirs, model, samples), "dice_of_network": _dice(own, model, samples)}
    return {"cases": len(samples), **told, "logits": float(f"{difference:.3g}"), "of": float(f"{largest:.3g}")}


def patch_of(model: ExportedModel, sample: Sample) -> Tensor:
    """``(1, channels, *patch)`` from the middle of an image, prepared."""
    layout = model.preprocessing.for_image(sample.image.shape[1:], sample.spacing, sample.orientation)
    image = torch.from_numpy(layout.image(sample.image, sample.spacing))[None]
    for axis, length in enumerate(layout.box, start=2):
        image = image.narrow(axis, max(0, (image.shape[axis] - length) // 2), min(length, image.shape[axis]))
    return image if layout.slice_axis is None else image.squeeze(2 + layout.slice_axis)


def _smaller(images: Tensor) -> Tensor:
    """A position less along each axis that has some to spare: odd where the size was even."""
    for axis in range(2, images.dim()):
        images = images.narrow(axis, 0, images.shape[axis] - (images.shape[axis] > 8))
    return images


def _dice(labels: Sequence[np.ndarray], model: ExportedModel, samples: Sequence[Sample]) -> float | None:
    """Mean foreground Dice; None where no reference shows any."""
    scores = {
        str(number): dice_scores(label, sample.label, model.preprocessing.labelling)
        for number, (label, sample) in enumerate(zip(labels, samples, strict=True))
        if sample.label is not None
    }
    mean = mean_score(scores)
    return None if math.isnan(mean) else round(mean, 4)
