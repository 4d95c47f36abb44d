"""U-Net with attention slots. Ronneberger, Fischer, Brox: U-Net, MICCAI 2015, https://arxiv.org/abs/1505.04597

Strided convolutions go down and transposed convolutions up, as in nnU-Net (Isensee et al., Nature Methods 2021,
https://doi.org/10.1038/s41592-020-01008-z); the residual block is that of He et al., CVPR 2016,
https://arxiv.org/abs/1512.03385.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor, nn

from search_spaces.hosts.host import Host, host
from search_spaces.layers import CONV, TRANSPOSED_CONV, BatchNorm, instance_norm
from search_spaces.slot import Slot

NORMS: dict[str, Callable[[int], nn.Module]] = {"instance": instance_norm, "batch": BatchNorm}
MAX_CHANNELS = {2: 512, 3: 320}


class Stage(nn.Module):
    """Two 3x3 convolutions, each normalised and activated; the first may halve the size.

    A residual stage adds its input before the last activation, through a 1x1 convolution where shapes differ.
    """

    def __init__(
        self, in_channels: int, channels: int, *, dims: int, norm: str, residual: bool = False, stride: int = 1
    ) -> None:
        super().__init__()
        conv = CONV[dims]
        self.conv1 = conv(in_channels, channels, 3, stride, 1, bias=False)
        self.norm1 = NORMS[norm](channels)
        self.conv2 = conv(channels, channels, 3, 1, 1, bias=False)
        self.norm2 = NORMS[norm](channels)
        self.activation = nn.LeakyReLU(0.01, inplace=True)
        self.residual = residual
        if residual:
            same = in_channels == channels and stride == 1
            self.shortcut = nn.Identity() if same else conv(in_channels, channels, 1, stride, bias=False)

    def reset_parameters(self) -> None:
        """Kaiming normal for leaky ReLU, as nnU-Net."""
        for conv in (self.conv1, self.conv2):
            nn.init.kaiming_normal_(conv.weight, a=0.01)

    def forward(self, x: Tensor) -> Tensor:
        y = self.activation(self.norm1(self.conv1(x)))
        y = self.norm2(self.conv2(y))
        return self.activation(y + self.shortcut(x) if self.residual else y)


@host(
    "unet",
    title="U-Net",
    options={
        "depth": (2, 3, 4, 5),
        "width": (4, 6, 8, 12, 16, 24, 32),
        "block": ("plain", "residual"),
        "norm": ("instance", "batch"),
    },
)
class UNet(Host):
    """U-Net of any depth and size, 2D and 3D, with a slot at every stage and skip.

    Level ``i`` has ``width * 2**i`` channels (at most 512 in 2D, 320 in 3D). Odd sizes are rounded up on the way
    down and cropped on the way up, so every input size is accepted.

    Args:
        in_channels: channels of the image.
        classes: number of foreground classes; the logits have one channel more.
        dims: 2 or 3.
        attention: slot name to module; gated slots are called with ``(x, gate)``.
        depth: number of halvings.
        width: channels of the finest level.
        block: ``plain`` or ``residual``.
        norm: ``instance`` or ``batch``.
    """

    def __init__(
        self,
        in_channels: int,
        classes: int,
        *,
        dims: int,
        attention: Mapping[str, nn.Module],
        depth: int = 4,
        width: int = 8,
        block: str = "plain",
        norm: str = "instance",
    ) -> None:
        super().__init__()
        channels = level_channels(dims, depth, width)
        residual = block == "residual"
        self.encoder = nn.ModuleList(
            Stage(
                channels[level - 1] if level else in_channels,
                channels[level],
                dims=dims,
                norm=norm,
                residual=residual,
                stride=2 if level else 1,
            )
            for level in range(depth + 1)
        )
        self.up = nn.ModuleList(
            TRANSPOSED_CONV[dims](channels[level + 1], channels[level], 2, 2) for level in range(depth)
        )
        self.decoder = nn.ModuleList(
            Stage(2 * channels[level], channels[level], dims=dims, norm=norm, residual=residual)
            for level in range(depth)
        )
        self.head = CONV[dims](channels[0], 1 + classes, 1)
        self.depth = depth
        self.attention = nn.ModuleDict({_key(slot): module for slot, module in attention.items()})

    @classmethod
    def slots(cls, *, dims: int, **options: Any) -> list[Slot]:
        depth = options["depth"]
        channels = level_channels(dims, depth, options["width"])
        levels = range(depth)
        return [
            *(Slot(f"encoder.{level}", channels[level], level) for level in levels),
            Slot("bottleneck", channels[depth], depth),
            *(Slot(f"skip.{level}", channels[level], level, gate_channels=channels[level + 1]) for level in levels),
            *(Slot(f"decoder.{level}", channels[level], level, gate_channels=channels[level + 1]) for level in levels),
            Slot("output", channels[0], 0, pyramid_channels=tuple(channels[:depth])),
        ]

    def forward(self, image: Tensor) -> Tensor:
        """``(batch, in_channels, *spatial)`` to logits ``(batch, 1 + classes, *spatial)``."""
        skips: list[Tensor] = []
        x = image
        for level in range(self.depth):
            x = self._attend(f"encoder.{level}", self.encoder[level](x))
            skips.append(x)
        x = self._attend("bottleneck", self.encoder[self.depth](x))
        pyramid: list[Tensor] = []
        for level in reversed(range(self.depth)):
            gate = x
            skip = self._attend(f"skip.{level}", skips[level], gate)
            x = torch.cat([skip, _crop(self.up[level](gate), skip)], dim=1)
            x = self._attend(f"decoder.{level}", self.decoder[level](x), gate)
            pyramid.insert(0, x)
        if "output" in self.attention:
            x = self.attention["output"](pyramid)
        return self.head(x)

    def _attend(self, slot: str, *inputs: Tensor) -> Tensor:
        key = _key(slot)
        return self.attention[key](*inputs) if key in self.attention else inputs[0]


def level_channels(dims: int, depth: int, width: int) -> list[int]:
    """Channels of each level, finest first, the bottleneck last."""
    return [min(width * 2**level, MAX_CHANNELS[dims]) for level in range(depth + 1)]


def _key(slot: str) -> str:
    return slot.replace(".", "_")  # a module's name may not hold a dot


def _crop(x: Tensor, like: Tensor) -> Tensor:
    """Cut ``x`` at the end of each spatial axis to the size of ``like``."""
    for axis in range(2, x.dim()):
        x = x.narrow(axis, 0, like.shape[axis])
    return x
