"""A network trained as MONAI's tutorials train theirs: the other side of ``recipe.py``.

Crops around foreground and background alike, mirroring, quarter turns, changes of intensity, Adam at 1e-3 on Dice and
cross-entropy with a cosine: what the segmentation tutorials have in common (https://github.com/Project-MONAI/tutorials).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import torch
from torch import Tensor

from evaluators.preprocessing import PreparedCase, Preprocessing
from search_spaces.hosts import Host

RATE = 1e-3


def train(
    network: Host, cases: Sequence[PreparedCase], layout: Preprocessing, batch: int, steps: int, seed: int
) -> None:
    """Train ``network`` in place on the prepared ``cases``."""
    from monai.losses import DiceCELoss

    torch.manual_seed(seed)
    loss = DiceCELoss(to_onehot_y=True, softmax=True)
    optimiser = torch.optim.Adam(network.parameters(), RATE)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, steps)
    network.train()
    stream = _batches(cases, layout, batch, seed)
    for _ in range(steps):
        images, labels = next(stream)
        optimiser.zero_grad()
        loss(network(images), labels).backward()
        optimiser.step()
        schedule.step()
    network.eval()


def _batches(
    cases: Sequence[PreparedCase], layout: Preprocessing, batch: int, seed: int
) -> Iterator[tuple[Tensor, Tensor]]:
    """Endless batches ``(batch, channels, *patch)`` and labels ``(batch, 1, *patch)``; each case once an epoch."""
    from monai.transforms import (
        Compose,
        RandCropByPosNegLabeld,
        RandFlipd,
        RandRotate90d,
        RandScaleIntensityd,
        RandShiftIntensityd,
        SpatialPadd,
    )

    keys, square = ("image", "label"), len(set(layout.patch[-2:])) == 1
    turns = [RandRotate90d(keys, prob=0.1, spatial_axes=(layout.dims - 2, layout.dims - 1))] if square else []
    change = Compose(
        [
            SpatialPadd(keys, layout.patch),
            RandCropByPosNegLabeld(keys, "label", layout.patch, num_samples=1, allow_smaller=False),
            *(RandFlipd(keys, prob=0.5, spatial_axis=axis) for axis in range(layout.dims)),
            *turns,
            RandScaleIntensityd("image", factors=0.1, prob=0.5),
            RandShiftIntensityd("image", offsets=0.1, prob=0.5),
        ]
    )
    change.set_random_state(seed)
    rng = np.random.default_rng(seed)
    waiting: list[int] = []
    while True:
        picked = []
        for _ in range(batch):
            waiting = waiting or rng.permutation(len(cases)).tolist()
            case = cases[waiting.pop()]
            picked += change({"image": torch.from_numpy(case.image), "label": torch.from_numpy(case.label)[None]})
        yield (
            torch.stack([one["image"].as_tensor() for one in picked]),
            torch.stack([one["label"].as_tensor() for one in picked]).long(),
        )
