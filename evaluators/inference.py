"""From a network and a preprocessed image to class probabilities on the grid of the original image."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor, nn

from evaluators.preprocessing import resize


def predict_probabilities(
    network: nn.Module,
    image: np.ndarray,
    *,
    patch: Sequence[int],
    size: Sequence[int],
    mirror: bool = False,
    device: torch.device | str = "cpu",
) -> Tensor:
    """Class probabilities ``(1 + classes, *size)`` of one image.

    An axis up to twice the patch is seen whole; longer ones through a sliding window, with half overlap and
    Gaussian weights.

    Args:
        network: logits of ``(batch, channels, *spatial)``; in eval mode.
        image: float32 ``(channels, *spatial)``, preprocessed.
        patch: training patch, the size of the window.
        size: spatial size of the original image.
        mirror: average over the image mirrored along every combination of axes.
        device: where the network is.
    """
    from monai.inferers import SlidingWindowInferer

    tensor = torch.tensor(image, device=device)[None]  # a copy: arrays that workers share are read-only
    window = [length if length <= 2 * want else want for length, want in zip(image.shape[1:], patch, strict=True)]
    inferer = SlidingWindowInferer(window, sw_batch_size=4, overlap=0.5, mode="gaussian")
    axes = range(2, tensor.dim())
    combinations: list[list[int]] = [[]]
    if mirror:
        combinations = [[a for bit, a in enumerate(axes) if mask >> bit & 1] for mask in range(2 ** len(axes))]
    total = torch.zeros(1)
    with torch.inference_mode(), half_precision(device):
        for flipped in combinations:
            logits = inferer(tensor.flip(flipped), network)
            assert isinstance(logits, Tensor)
            total = total.to(logits.device) + logits.float().softmax(1).flip(flipped)
    return resize(total / len(combinations), size)[0]


def half_precision(device: torch.device | str) -> torch.autocast:
    """The precision of training and inference: bfloat16 on a GPU that has it, else float16; float32 on the CPU."""
    cuda = torch.device(device).type == "cuda"
    bfloat = not cuda or torch.cuda.is_bf16_supported(including_emulation=False)
    return torch.autocast("cuda" if cuda else "cpu", torch.bfloat16 if bfloat else torch.float16, enabled=cuda)
