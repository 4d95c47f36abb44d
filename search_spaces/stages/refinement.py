"""A coarse prediction corrected by a finer feature. Fan et al.: PraNet, MICCAI 2020, https://arxiv.org/abs/2006.11392

y = conv(conv(conv x)) + up(prediction)
"""

from __future__ import annotations

from typing import Any

from torch import Tensor, nn

from search_spaces.layers import resize
from search_spaces.pricing.parts import Part
from search_spaces.stages.convolution import ConvNorm


class Refinement(Part):
    """Three convolutions from a feature, attended to before, to what the coarser prediction lacks.

    As in CaraNet's code a PReLU with a slope a channel follows each, the last one too. Of the logits only a batch
    normalisation is made: the mean and the scale of an instance are what they are about.

    Args:
        channels: channels of the feature.
        logits: channels of the prediction.
        dims: 2 or 3.
        norm: key of ``NORM``.
        block: what takes the place of the second convolution and its norm, ``channels`` to ``channels``.
    """

    def __init__(
        self, channels: int, logits: int, *, dims: int, norm: str = "batch", block: nn.Module | None = None
    ) -> None:
        super().__init__()
        self.first = conv_prelu(channels, channels, dims=dims, norm=norm)
        self.second = ConvNorm(channels, channels, dims=dims, norm=norm) if block is None else block
        self.activation = nn.PReLU(channels)
        self.head = conv_prelu(channels, logits, dims=dims, norm="batch" if norm == "batch" else "none")

    def forward(self, x: Tensor, prediction: Tensor) -> Tensor:
        """``x``: ``(batch, channels, *spatial)``; ``prediction`` and the result: ``(batch, logits, *any)``."""
        return self.head(self.activation(self.second(self.first(x)))) + resize(prediction, x.shape[2:])


def conv_prelu(in_channels: int, channels: int, **form: Any) -> nn.Sequential:
    """A ``ConvNorm`` and a PReLU with a slope a channel."""
    return nn.Sequential(ConvNorm(in_channels, channels, **form), nn.PReLU(channels))
