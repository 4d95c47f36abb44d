"""Two encoders that tell each other what they see, and one decoder. In the manner of M3-Net (Qu et al., Medical Image
Analysis 2022, https://doi.org/10.1016/j.media.2021.102232), of which no code is public: an interpretation.

x_a, x_b = exchange(stage_a(x_a), stage_b(x_b)) at each level;  skip = f(W [x_a; x_b]);  a U-Net's decoder
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn

from search_spaces.hosts.host import Auxiliary, Host, Outputs, blocks, host
from search_spaces.hosts.slot import Slot
from search_spaces.layers import ACTIVATION, CONV
from search_spaces.stages.convolution import ConvNorm, Stage
from search_spaces.stages.encoder import encoder, places
from search_spaces.stages.interaction import Interaction
from search_spaces.stages.sampling import Up

WIDEST = 512
PATHS = ("first", "second")


@host(
    "dual_path",
    title="Two encoders with stage-wise interaction (M3-Net)",
    options={
        "depth": (2, 3, 4),
        "width": (4, 8, 16),
        "block": ("plain", "residual"),
        "norm": ("instance", "batch"),
        "activation": ("leaky_relu", "relu"),
        "exchange": ("none", "sum", "concat"),
        "location": (False, True),
    },
    costless=("norm", "activation"),
)
class DualPathNetwork(Host):
    """Two phases, modalities or views of one patient, each with an encoder of its own.

    The first half of the image's channels goes to the first encoder, the rest to the second; of an odd number the
    first gets one more, and a single channel goes to both. Level ``i`` of each has ``width * 2**i`` channels, at most
    512. What passes between the paths:

    - slot ``cross.i`` (and ``cross.bottleneck``) sees the features of both side by side, twice the channels of a path,
      and is cut in two again: a mechanism there weighs one path by the other, an empty slot lets nothing across;
    - ``exchange`` at each level, and ``location`` at the encoders' ends, come before that slot.

    What they then have is joined by a 1x1 convolution; from there on slots and decoder are those of a U-Net.

    Args:
        in_channels: channels of the image.
        classes: number of foreground classes; the logits have one channel more.
        dims: 2 or 3.
        attention: slot name to module.
        depth: number of halvings.
        width: channels of the finest level of a path.
        block: ``plain`` or ``residual``; what a block slot holds replaces the second convolution of its stage.
        norm: key of ``NORM``.
        activation: key of ``ACTIVATION``.
        exchange: what the paths tell each other at each level, ``none`` or ``sum`` or ``concat`` of ``EXCHANGE``.
        location: whether each path asks the other by location attention at the encoders' ends.
    """

    def __init__(
        self,
        in_channels: int,
        classes: int,
        *,
        dims: int,
        attention: Mapping[str, nn.Module],
        depth: int = 3,
        width: int = 8,
        block: str = "plain",
        norm: str = "instance",
        activation: str = "leaky_relu",
        exchange: str = "none",
        location: bool = False,
    ) -> None:
        super().__init__(attention)
        channels, placed = _channels(depth, width), blocks(attention)
        common: dict[str, Any] = {"dims": dims, "norm": norm, "activation": activation}
        form = {**common, "residual": block == "residual"}
        self.places = places(depth)
        self.shares = _shares(in_channels)
        self.first = encoder(self.shares[0][1], channels, placed, path="first.", **form)
        self.second = encoder(self.shares[1][1], channels, placed, path="second.", **form)
        self.exchange = nn.ModuleList(
            Interaction(exchange, width, **common) for width in (channels if exchange != "none" else [])
        )
        self.location = Interaction("location", channels[-1], **common) if location else None
        self.join = nn.ModuleList(
            nn.Sequential(ConvNorm(2 * width, width, dims=dims, norm=norm, kernel=1), ACTIVATION[activation]())
            for width in channels
        )
        self.up = nn.ModuleList(Up(channels[level + 1], channels[level], dims=dims) for level in range(depth))
        self.decoder = nn.ModuleList(
            Stage(2 * channels[level], channels[level], block=placed.get(f"decoder.{level}"), **form)
            for level in range(depth)
        )
        self.head = CONV[dims](channels[0], 1 + classes, 1)

    @classmethod
    def slots(cls, *, dims: int, **options: Any) -> list[Slot]:
        depth, norm = options["depth"], options["norm"]
        channels = _channels(depth, options["width"])
        stages = [(place, channels[level], level) for level, place in enumerate(places(depth))]
        levels = range(depth)
        gated = [(level, channels[level], channels[level + 1]) for level in levels]
        return [
            *(Slot(f"{path}.{place}", width, level) for path in PATHS for place, width, level in stages),
            *(Slot(_cross(place), 2 * width, level) for place, width, level in stages),
            Slot("bottleneck", channels[depth], depth),
            *(Slot(f"skip.{level}", width, level, gate_channels=coarser) for level, width, coarser in gated),
            *(Slot(f"decoder.{level}", width, level, gate_channels=coarser) for level, width, coarser in gated),
            Slot("output", channels[0], 0, pyramid_channels=tuple(channels[:depth])),
            *(
                Slot(f"block.{path}.{place}", width, level, replaces=norm)
                for path in PATHS
                for place, width, level in stages
            ),
            *(Slot(f"block.decoder.{level}", channels[level], level, replaces=norm) for level in levels),
        ]

    def outputs(self, image: Tensor) -> Outputs:
        """``(batch, in_channels, *spatial)`` to logits ``(batch, 1 + classes, *spatial)``."""
        *skips, bottleneck = self._encode(image)
        x = self.attend("bottleneck", bottleneck)
        pyramid: list[Tensor] = []
        predictions: list[Tensor] = []
        for level in reversed(range(len(skips))):
            gate = x
            skip = self.attend(f"skip.{level}", skips[level], gate, made=predictions)
            x = self.decoder[level](torch.cat([skip, self.up[level](gate, skip)], dim=1))
            x = self.attend(f"decoder.{level}", x, gate, made=predictions)
            pyramid.insert(0, x)
        logits = self.head(self.attend("output", pyramid))
        return Outputs(logits, [Auxiliary(prediction) for prediction in predictions] if self.training else [])

    def _encode(self, image: Tensor) -> list[Tensor]:
        """What both paths saw at each level, finest first."""
        first, second = (image.narrow(1, start, count) for start, count in self.shares)
        joined: list[Tensor] = []
        for level, place in enumerate(self.places):
            first = self.attend(f"first.{place}", self.first[level](first))
            second = self.attend(f"second.{place}", self.second[level](second))
            if self.exchange:
                first, second = self.exchange[level](first, second)
            if self.location is not None and place == self.places[-1]:
                first, second = self.location(first, second)
            both = self.attend(_cross(place), torch.cat([first, second], dim=1))
            first, second = both.chunk(2, dim=1)
            joined.append(self.join[level](both))
        return joined


def _channels(depth: int, width: int) -> list[int]:
    """Channels of each level of a path, finest first."""
    return [min(width * 2**level, WIDEST) for level in range(depth + 1)]


def _shares(in_channels: int) -> tuple[tuple[int, int], tuple[int, int]]:
    """First channel and number of channels of each path."""
    half = -(-in_channels // 2)
    return (0, half), ((half, in_channels - half) if in_channels > 1 else (0, half))


def _cross(place: str) -> str:
    return f"cross.{place.removeprefix('encoder.')}"
