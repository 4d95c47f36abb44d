"""The loss of a training step: of the logits, and of what else a network is to learn beside them."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn import functional as F

from search_spaces.hosts import Auxiliary, Outputs
from search_spaces.layers import MAX_POOL, resize

Criterion = Callable[[Tensor, Tensor], Tensor]  # (logits, labels (batch, 1, *spatial)) to a number
MAXIMA: dict[int, Callable[..., Tensor]] = {2: F.adaptive_max_pool2d, 3: F.adaptive_max_pool3d}


def training_loss(outputs: Outputs, images: Tensor, labels: Tensor, criterion: Criterion) -> Tensor:
    """The criterion of the logits plus the weighted losses of the auxiliary outputs.

    Args:
        outputs: of a host in training.
        images: ``(batch, channels, *spatial)``.
        labels: class indices ``(batch, *spatial)``.
        criterion: of logits at any size against labels of that size.
    """
    loss = criterion(outputs.logits.float(), labels[:, None])
    for auxiliary in outputs.auxiliary:
        loss = loss + auxiliary.weight * _auxiliary_loss(auxiliary, images, labels, criterion)
    return loss


def _auxiliary_loss(auxiliary: Auxiliary, images: Tensor, labels: Tensor, criterion: Criterion) -> Tensor:
    prediction = auxiliary.prediction.float()
    size = prediction.shape[2:]
    if auxiliary.target == "image":
        return F.mse_loss(prediction, resize(images.float(), size))
    if auxiliary.target == "boundary":
        return F.binary_cross_entropy_with_logits(prediction, MAXIMA[len(size)](boundary(labels).float(), size))
    return criterion(prediction, nearest(labels, size))


def nearest(labels: Tensor, size: torch.Size) -> Tensor:
    """Class indices ``(batch, *spatial)`` to ``(batch, 1, *size)``: at each position the nearest label."""
    if labels.shape[1:] == size:
        return labels[:, None]
    return F.interpolate(labels[:, None].float(), size=size, mode="nearest-exact").long()


def boundary(labels: Tensor) -> Tensor:
    """``(batch, 1, *spatial)``, bool: positions with a neighbour, diagonal ones too, of another class."""
    values = labels[:, None].float()
    pool = MAX_POOL[values.dim() - 2](3, 1, 1)
    return pool(values) != -pool(-values)
