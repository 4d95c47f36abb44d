"""Voxel sizes that are not known, or so far from those of the network that a file must tell them wrongly."""

from __future__ import annotations

import math
from collections.abc import Sequence

from evaluators.images.geometry import size_text
from evaluators.tasks.task import Sample

MOST_TIMES = 32.0  # as many voxels along an axis, or as few: slices may lie some 10 times as far apart as pixels
MOST_GROWTH = 256.0  # times the voxels of an image in all
UNKNOWN = "the file does not say how large its voxels are; 1 mm is assumed"


def is_known(sample: Sample) -> bool:
    """Whether the file of ``sample`` says how large its voxels are."""
    lies = sample.source is not None and sample.source.affine is not None
    return lies or set(sample.spacing) != {1.0}


def resampling_fault(sample: Sample, working: Sequence[int], spacing: Sequence[float]) -> str:
    """Why an image cannot be brought to ``spacing``, where it would have ``working`` voxels; empty where it can."""
    size = sample.image.shape[1:]
    changes = [want / have for have, want in zip(size, working, strict=True)]
    if math.prod(changes) <= MOST_GROWTH and all(1 / MOST_TIMES <= change <= MOST_TIMES for change in changes):
        return ""
    have = f"has voxels of {size_text(sample.spacing)} mm"
    if not is_known(sample):
        have = "does not say how large its voxels are (1 mm is assumed)"
    return (
        f"{have}; brought to the {size_text(spacing)} mm of the network, its {size_text(size)} voxels would become "
        f"{size_text(working)}"
    )
