"""Prediction and Dice as one would first write them: whole planes of every class in memory at once."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from monai.inferers import SlidingWindowInferer
from monai.metrics import compute_dice
from torch import Tensor, nn
from torch.nn import functional

from evaluators.preprocessing import Preprocessing, resize


def predict_probabilities(
    network: nn.Module, image: np.ndarray, layout: Preprocessing, size: tuple[int, ...]
) -> Tensor:
    """MONAI's sliding windows, then softmax, then the original grid."""
    window = [n if n <= 2 * want else want for n, want in zip(image.shape[1:], layout.patch, strict=True)]
    inferer = SlidingWindowInferer(window, sw_batch_size=4, overlap=0.5, mode="gaussian")
    with torch.inference_mode():
        logits = inferer(torch.tensor(image)[None], network)
        assert isinstance(logits, Tensor)
        return resize(torch.zeros(1) + logits.float().softmax(1), size)[0]


def predict_label(network: nn.Module, image: np.ndarray, layout: Preprocessing, size: tuple[int, ...]) -> np.ndarray:
    """The most probable class."""
    probabilities = predict_probabilities(network, image, layout, size)
    assert probabilities.isfinite().all()
    return probabilities.argmax(0).to(torch.uint8).numpy()


def dice_scores(prediction: np.ndarray, reference: np.ndarray, classes: Sequence[str]) -> dict[str, float]:
    """Of each class, from one-hot planes."""
    planes = [
        functional.one_hot(torch.from_numpy(label.astype(np.int64)), 1 + len(classes)).movedim(-1, 0)[None].float()
        for label in (prediction, reference)
    ]
    scores = compute_dice(*planes, include_background=False, ignore_empty=False)[0].tolist()
    return dict(zip(classes, scores, strict=True))
