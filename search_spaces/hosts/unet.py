"""U-Net with attention slots. Ronneberger, Fischer, Brox: U-Net, MICCAI 2015, https://arxiv.org/abs/1505.04597

By default strided convolutions go down and transposed convolutions up, as in nnU-Net (Isensee et al., Nature Methods
2021, https://doi.org/10.1038/s41592-020-01008-z), which also supervises the coarser decoder levels.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from search_spaces.hosts.host import Auxiliary, Host, Outputs, blocks, host
from search_spaces.hosts.slot import Slot
from search_spaces.layers import CONV
from search_spaces.stages.aggregation import AggregationStage
from search_spaces.stages.convolution import Stage
from search_spaces.stages.encoder import encoder
from search_spaces.stages.sampling import UP, Up, halve


@host(
    "unet",
    title="U-Net",
    options={
        "depth": (2, 3, 4, 5),
        "width": (4, 6, 8, 12, 16, 24, 32),
        "block": ("plain", "residual", "depthwise"),
        "norm": ("instance", "batch"),
        "activation": ("leaky_relu", "relu", "silu"),
        "down": ("strided", "max_pool", "aggregation"),
        "up": (*UP, "aggregation"),
        "join": ("sum", "concatenate"),
        "widest": (512,),
        "supervision": (False, True),
    },
    costless=("norm", "activation"),
)
class UNet(Host):
    """U-Net of any depth and size, 2D and 3D, with a slot at every stage and skip, and one in every stage.

    Level ``i`` has ``width * 2**i`` channels, at most ``widest``. Odd sizes are rounded up on the way down and cropped
    on the way up, so every input size is accepted.

    Args:
        in_channels: channels of the image.
        classes: number of foreground classes; the logits have one channel more.
        dims: 2 or 3.
        attention: slot name to module.
        depth: number of halvings.
        width: channels of the finest level.
        block: ``plain`` or ``residual``, or ``depthwise`` for plain stages of separable convolutions, with about a
            fifth of the weights in 2D; what a block slot holds replaces the second convolution of its stage.
        norm: key of ``NORM``.
        activation: key of ``ACTIVATION``.
        down: a ``strided`` convolution, or ``max_pool`` before the first of two convolutions. ``aggregation`` puts
            an ``AggregationStage`` before those of the bottleneck, where all pairs of positions are affordable, as in
            Non-local U-Nets; the levels above are strided.
        up: ``transposed`` or ``linear``, see ``Up``; ``aggregation`` is an ``AggregationStage`` out of the bottleneck,
            and ``transposed`` above.
        join: how the decoder's feature meets the skip, ``sum`` or ``concatenate``.
        widest: most channels of a level; nnU-Net has 512 in 2D and 320 in 3D. A setting and no choice: on networks that
            are not that wide it changes nothing.
        supervision: whether the coarser decoder levels have a loss of their own, halved at each level.
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
        activation: str = "leaky_relu",
        down: str = "strided",
        up: str = "transposed",
        join: str = "concatenate",
        widest: int = 512,
        supervision: bool = False,
    ) -> None:
        super().__init__(attention)
        channels, placed = level_channels(depth, width, widest), blocks(attention)
        form: dict[str, Any] = {"dims": dims, "norm": norm, "activation": activation}
        form |= {"residual": block == "residual", "separable": block == "depthwise"}
        self.depth = depth
        self.join = join
        pooled = [_down(dims, down, norm, channels, level) for level in range(depth)]
        self.down = nn.ModuleList(nn.Identity() if layer is None else layer for layer in pooled)
        halved = [level + 1 for level, layer in enumerate(pooled) if layer is not None]
        self.encoder = encoder(in_channels, channels, placed, pooled=halved, **form)
        self.up = nn.ModuleList(_up(dims, up, norm, channels, level) for level in range(depth))
        self.decoder = nn.ModuleList(
            Stage(
                (1 if join == "sum" else 2) * channels[level],
                channels[level],
                block=placed.get(f"decoder.{level}"),
                **form,
            )
            for level in range(depth)
        )
        self.head = CONV[dims](channels[0], 1 + classes, 1)
        self.supervision = nn.ModuleList(
            CONV[dims](channels[level], 1 + classes, 1) for level in range(1, depth if supervision else 1)
        )

    @classmethod
    def slots(cls, *, dims: int, **options: Any) -> list[Slot]:
        depth, norm = options["depth"], options["norm"]
        channels = level_channels(depth, options["width"], options["widest"])
        levels = range(depth)
        replaced = {"replaces": norm, "separable": options["block"] == "depthwise"}
        return [
            *(Slot(f"encoder.{level}", channels[level], level) for level in levels),
            Slot("bottleneck", channels[depth], depth),
            *(Slot(f"skip.{level}", channels[level], level, gate_channels=channels[level + 1]) for level in levels),
            *(Slot(f"decoder.{level}", channels[level], level, gate_channels=channels[level + 1]) for level in levels),
            Slot("output", channels[0], 0, pyramid_channels=tuple(channels[:depth])),
            *(Slot(f"block.encoder.{level}", channels[level], level, **replaced) for level in levels),
            Slot("block.bottleneck", channels[depth], depth, **replaced),
            *(Slot(f"block.decoder.{level}", channels[level], level, **replaced) for level in levels),
        ]

    def outputs(self, image: Tensor) -> Outputs:
        """``(batch, in_channels, *spatial)`` to logits ``(batch, 1 + classes, *spatial)``."""
        skips: list[Tensor] = []
        x = image
        for level in range(self.depth):
            x = self.attend(f"encoder.{level}", self.encoder[level](self.down[level - 1](x) if level else x))
            skips.append(x)
        x = self.attend("bottleneck", self.encoder[self.depth](self.down[-1](x)))
        pyramid: list[Tensor] = []
        predictions: list[Tensor] = []
        for level in reversed(range(self.depth)):
            gate = x
            skip = self.attend(f"skip.{level}", skips[level], gate, made=predictions)
            x = self.up[level](gate, skip)
            x = self.decoder[level](skip + x if self.join == "sum" else torch.cat([skip, x], dim=1))
            x = self.attend(f"decoder.{level}", x, gate, made=predictions)
            pyramid.insert(0, x)
        logits = self.head(self.attend("output", pyramid))
        if not self.training:
            return Outputs(logits)
        auxiliary = [Auxiliary(prediction) for prediction in predictions]
        for level, (head, feature) in enumerate(zip(self.supervision, pyramid[1:], strict=False), start=1):
            auxiliary.append(Auxiliary(head(feature), weight=0.5**level))
        return Outputs(logits, auxiliary)


def _down(dims: int, mode: str, norm: str, channels: Sequence[int], level: int) -> nn.Module | None:
    """What halves a feature of ``level``; None where the next stage does."""
    if mode == "max_pool":
        return halve(dims)
    if mode == "aggregation" and level == len(channels) - 2:
        return AggregationStage(channels[level], channels[level], dims=dims, step="down", norm=norm)
    return None


def _up(dims: int, mode: str, norm: str, channels: Sequence[int], level: int) -> nn.Module:
    """What brings the feature one level down to the size of ``level``."""
    if mode != "aggregation":
        return Up(channels[level + 1], channels[level], dims=dims, mode=mode)
    if level == len(channels) - 2:
        return AggregationStage(channels[level + 1], channels[level], dims=dims, step="up", norm=norm)
    return Up(channels[level + 1], channels[level], dims=dims)


def level_channels(depth: int, width: int, widest: int) -> list[int]:
    """Channels of each level, finest first, the bottleneck last."""
    return [min(width * 2**level, widest) for level in range(depth + 1)]
