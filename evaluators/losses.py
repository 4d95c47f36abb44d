"""The loss of a training step: of the logits, and of what else a network is to learn beside them."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from evaluators.labelling import IGNORED, Labelling
from search_spaces.hosts import Auxiliary, Outputs
from search_spaces.layers import MAX_POOL, resize

Criterion = Callable[[Tensor, Tensor], Tensor]  # (logits, labels (batch, 1, *spatial)) to a number
FOCUS = {"dice_ce": 0.0, "dice_focal": 2.0}  # by the name of a loss, the exponent of its entropy
MAXIMA: dict[int, Callable[..., Tensor]] = {2: F.adaptive_max_pool2d, 3: F.adaptive_max_pool3d}


class DiceAndEntropy:
    """Dice loss of the classes plus cross-entropy, over the voxels that count.

    Classes that share no voxel: softmax and cross-entropy over all outputs. Regions: each output for itself, sigmoid
    and binary cross-entropy; output 0 learns which voxels are in no class. Where no voxel counts, the loss is 0.

    Args:
        labelling: what label indices mean.
        device: where the logits are.
        focus: the entropy of a voxel counts less the surer it is of the truth, by (1 - p) to this power (focal loss:
            Lin et al., ICCV 2017, https://arxiv.org/abs/1708.02002).
    """

    def __init__(self, labelling: Labelling, device: torch.device | str = "cpu", focus: float = 0.0) -> None:
        from monai.losses import DiceLoss

        # Squared denominators (V-Net's Dice): without them one run in six never found the phantom's thin class.
        self.dice = DiceLoss(batch=True, squared_pred=True)
        self.regions, self.focus = labelling.regions, focus
        table = np.vstack([~labelling.membership.any(0), labelling.membership])
        self.targets = torch.from_numpy(table.astype(np.float32)).to(device)  # of each output, for each index

    def __call__(self, logits: Tensor, labels: Tensor) -> Tensor:
        counted = (labels != IGNORED).float()
        targets = self.targets[:, labels[:, 0]].movedim(0, 1)
        if self.regions:
            probabilities = logits.sigmoid()
            entropy = binary_entropy(logits, targets, counted, self.focus)
        else:
            probabilities = logits.softmax(1)
            each = F.cross_entropy(logits, labels[:, 0], ignore_index=IGNORED, reduction="none")
            entropy = _focused(each, self.focus).sum() / counted.sum().clamp(min=1)
        dice: Tensor = self.dice(probabilities[:, 1:] * counted, targets[:, 1:] * counted)
        return dice + entropy


def binary_entropy(logits: Tensor, targets: Tensor, counted: Tensor, focus: float = 0.0) -> Tensor:
    """Mean binary cross-entropy of ``(batch, channels, *spatial)`` where ``counted`` ``(batch, 1, *spatial)`` is 1."""
    each = F.binary_cross_entropy_with_logits(logits, targets, weight=counted, reduction="none")
    return _focused(each, focus).mean() * (counted.numel() / counted.sum().clamp(min=1))


def _focused(entropy: Tensor, focus: float) -> Tensor:
    """``entropy`` of each voxel, the negative logarithm of what is given to the truth, by how unsure it is."""
    return entropy * (1 - (-entropy).exp()) ** focus if focus else entropy


def training_loss(outputs: Outputs, images: Tensor, labels: Tensor, criterion: Criterion) -> Tensor:
    """The criterion of the logits plus the weighted losses of the auxiliary outputs.

    Args:
        outputs: of a host in training.
        images: ``(batch, channels, *spatial)``.
        labels: indices ``(batch, *spatial)``.
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
        shrink = MAXIMA[len(size)]
        return binary_entropy(prediction, shrink(boundary(labels).float(), size), 1 - shrink(unknown(labels), size))
    return criterion(prediction, nearest(labels, size))


def nearest(labels: Tensor, size: torch.Size) -> Tensor:
    """Indices ``(batch, *spatial)`` to ``(batch, 1, *size)``: at each position the nearest label."""
    if labels.shape[1:] == size:
        return labels[:, None]
    return F.interpolate(labels[:, None].float(), size=size, mode="nearest-exact").long()


def boundary(labels: Tensor) -> Tensor:
    """``(batch, 1, *spatial)``, bool: positions with a neighbour, diagonal ones too, of another class."""
    values = labels[:, None].float()
    pool = MAX_POOL[values.dim() - 2](3, 1, 1)
    return pool(values) != -pool(-values)


def unknown(labels: Tensor) -> Tensor:
    """``(batch, 1, *spatial)``, 1 where a position or a neighbour is ignored, so that nobody knows its boundary."""
    ignored = (labels == IGNORED)[:, None].float()
    return MAX_POOL[ignored.dim() - 2](3, 1, 1)(ignored)
