"""UNeXt. Valanarasu, Patel: UNeXt, MLP-based Rapid Medical Image Segmentation Network, MICCAI 2022,
https://arxiv.org/abs/2203.04967

Convolutions at the three fine levels; at the two coarse ones perceptrons over channels, whose fifths are shifted by -2
to 2 positions, first along the height, then along the width: y = x + W2 shift_w gelu dw3 W1 shift_h LN x.

Places of norms, skips that are added and initial weights are those of the authors' code (jeya-maria-jose/UNeXt-pytorch
at 6ad08551, MIT), which has 1,471,921 parameters with three channels and one output; 1.47M are published. It shifts
along two axes before two layers, so it stays 2D.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from search_spaces.layers import BatchNorm, resize
from search_spaces.rivals.fan_out import fan_out

CONVOLUTIONAL = 3  # fine levels; perceptrons are below them
REACH = 2  # positions of the farthest shift


def shifted(x: Tensor, axis: int) -> Tensor:
    """``(batch, channels, height, width)`` with its fifths moved by -2, -1, 0, 1, 2 along ``axis``, zeros moved in."""
    length = x.shape[axis]
    margins = (0, 0, REACH, REACH) if axis == 2 else (REACH, REACH)
    parts = nn.functional.pad(x, margins).chunk(2 * REACH + 1, 1)
    return torch.cat([part.narrow(axis, 2 * REACH - place, length) for place, part in enumerate(parts)], dim=1)


class TokenNorm(nn.LayerNorm):
    """Normalises the channels of each position of ``(batch, channels, height, width)``."""

    def forward(self, input: Tensor) -> Tensor:
        """``input`` and the result have one shape."""
        return super().forward(input.movedim(1, -1)).movedim(-1, 1)


class ShiftedPerceptron(nn.Module):
    """A residual perceptron over channels with a shift before either layer; keeps ``channels``."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.norm = TokenNorm(channels)
        self.first = nn.Linear(channels, channels)
        self.depthwise = nn.Conv2d(channels, channels, 3, padding=1, groups=channels)
        self.activation = nn.GELU()
        self.second = nn.Linear(channels, channels)
        fan_out(self)
        for layer in (self.first, self.second):
            nn.init.trunc_normal_(layer.weight, std=0.02)
            nn.init.zeros_(layer.bias)

    def forward(self, x: Tensor) -> Tensor:
        """``x`` and the result: ``(batch, channels, height, width)``."""
        y = self.first(shifted(self.norm(x), 2).movedim(1, -1)).movedim(-1, 1)
        y = shifted(self.activation(self.depthwise(y)), 3)
        return x + self.second(y.movedim(1, -1)).movedim(-1, 1)


class UNeXt(nn.Module):
    """Three convolutional levels, two of shifted perceptrons, and a decoder of the same with added skips.

    Args:
        in_channels: of the image.
        out_channels: classes and the background.
        widths: channels of each level, the last two of perceptrons; 5 or more there.
    """

    def __init__(self, in_channels: int, out_channels: int, widths: Sequence[int] = (16, 32, 128, 160, 256)) -> None:
        super().__init__()
        fine, coarse = widths[:CONVOLUTIONAL], widths[CONVOLUTIONAL:]
        self.encoder = nn.ModuleList(
            nn.Sequential(nn.Conv2d(before, width, 3, padding=1), BatchNorm(width), nn.MaxPool2d(2), nn.ReLU())
            for before, width in zip((in_channels, *fine), fine, strict=False)
        )
        self.tokens = nn.ModuleList(
            nn.Sequential(
                nn.Conv2d(before, width, 3, stride=2, padding=1),
                TokenNorm(width),
                ShiftedPerceptron(width),
                TokenNorm(width),
            )
            for before, width in zip(widths[CONVOLUTIONAL - 1 :], coarse, strict=False)
        )
        fan_out(nn.ModuleList(next(level.children()) for level in self.tokens))
        finer = widths[-2::-1]
        self.decoder = nn.ModuleList(
            nn.Sequential(nn.Conv2d(below, width, 3, padding=1), BatchNorm(width))
            for below, width in zip(widths[::-1], finer, strict=False)
        )
        self.perceptrons = nn.ModuleList(
            nn.Sequential(ShiftedPerceptron(width), TokenNorm(width)) for width in finer[: len(coarse)]
        )
        self.last = nn.Conv2d(widths[0], widths[0], 3, padding=1)
        self.head = nn.Conv2d(widths[0], out_channels, 1)

    def forward(self, image: Tensor) -> Tensor:
        """``(batch, in_channels, height, width)`` to logits ``(batch, out_channels, height, width)``."""
        skips, x = [], image
        for level in (*self.encoder, *self.tokens):
            x = level(x)
            skips.append(x)
        for place, (stage, skip) in enumerate(zip(self.decoder, skips[-2::-1], strict=True)):
            x = torch.relu(resize(stage(x), skip.shape[2:])) + skip
            if place < len(self.perceptrons):
                x = self.perceptrons[place](x)
        return self.head(torch.relu(resize(self.last(x), image.shape[2:])))
