"""Efficient Channel Attention. Wang et al.: ECA-Net, CVPR 2020, https://arxiv.org/abs/1910.03151

y = sigmoid(conv_k(mean(x))) * x, the one-dimensional convolution running along the channels
"""

from __future__ import annotations

import math
from typing import Literal

import torch
from torch import Tensor, nn

from search_spaces.attention.mechanism import Mechanism, check_option, mechanism
from search_spaces.errors import InputError
from search_spaces.layers import SPATIAL_AXES

PADDING: dict[str, Literal["zeros", "circular"]] = {"zero": "zeros", "circular": "circular"}


@mechanism(
    "eca",
    family="conventional",
    type="channel",
    title="Efficient Channel Attention",
    paper="Wang, Wu, Zhu, Li, Zuo, Hu: ECA-Net, Efficient Channel Attention for Deep CNNs, CVPR",
    year=2020,
    address="https://arxiv.org/abs/1910.03151",
    cost="O(C n + C k)",
    choices={"kernel": ("adaptive", 3, 5, 7)},
    effective={"kernel": lambda channels, settings: kernel_length(channels, settings["kernel"])},
)
class EfficientChannelAttention(Mechanism):
    """Reweights channels by a short convolution over their means; no squeeze, no bias, k parameters.

    A kernel longer than ``2 * channels - 1`` is cut to that: its outer taps would never see a channel.

    Args:
        channels: channels of the feature map.
        dims: 2 or 3; the mean runs over all spatial axes.
        kernel: odd length k, or ``adaptive``: the paper's rule, see ``adaptive_kernel``.
        padding: what lies beyond the first and last channel, ``zero`` or ``circular``.
        gamma: slope of the adaptive rule.
        beta: offset of the adaptive rule.
    """

    def __init__(
        self,
        channels: int,
        *,
        dims: int,
        kernel: int | str = "adaptive",
        padding: str = "zero",
        gamma: float = 2.0,
        beta: float = 1.0,
    ) -> None:
        super().__init__()
        check_option("eca padding", padding, PADDING)
        length = kernel_length(channels, kernel, gamma, beta)
        self.axes = SPATIAL_AXES[dims]
        self.conv = nn.Conv1d(1, 1, length, padding=length // 2, padding_mode=PADDING[padding], bias=False)

    def forward(self, x: Tensor) -> Tensor:
        """``x`` and the result: ``(batch, channels, *spatial)``."""
        means = x.mean(self.axes, keepdim=True)
        scores = self.conv(means.flatten(1).unsqueeze(1))
        return x * torch.sigmoid(scores).reshape(means.shape)


def kernel_length(channels: int, kernel: int | str, gamma: float = 2.0, beta: float = 1.0) -> int:
    """The length used: an odd number, at most what covers all channels from each of them."""
    length = adaptive_kernel(channels, gamma, beta) if kernel == "adaptive" else kernel
    if not isinstance(length, int) or length < 1 or length % 2 == 0:
        raise InputError(f"eca kernel: expected an odd length or 'adaptive', got {kernel!r}")
    return min(length, 2 * channels - 1)


def adaptive_kernel(channels: int, gamma: float = 2.0, beta: float = 1.0) -> int:
    """The odd kernel length ``|log2(channels) + beta| / gamma``, at least 3 so that every channel has neighbours."""
    length = int(abs(math.log2(channels) + beta) / gamma)
    return max(length if length % 2 else length + 1, 3)
