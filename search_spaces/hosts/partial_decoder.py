"""Parallel partial decoder with reverse-attention stages. Lou, Guan, Ko, Loew: CaraNet, Context Axial Reverse
Attention Network, Medical Imaging 2022, https://arxiv.org/abs/2108.07368; without its pyramids and axes it is PraNet
(Fan et al., MICCAI 2020, https://arxiv.org/abs/2006.11392).

p = partial_decoder(x_deepest, ..., x_finest);  from coarse to fine: p = conv(attend(cfp(x_i), p)) + up(p)
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from torch import Tensor, nn

from search_spaces.hosts.host import Auxiliary, Host, Outputs, blocks, host
from search_spaces.hosts.slot import Slot, size_at
from search_spaces.layers import resize
from search_spaces.stages.channel_pyramid import ChannelPyramid
from search_spaces.stages.encoder import encoder, places
from search_spaces.stages.partial_decoder import PartialDecoder
from search_spaces.stages.refinement import Refinement, conv_prelu


@host(
    "partial_decoder",
    title="Parallel partial decoder with reverse-attention stages (PraNet, CaraNet)",
    options={
        "depth": (2, 3, 4, 5),
        "width": (4, 8, 16, 32),
        "block": ("plain", "residual"),
        "norm": ("instance", "batch"),
        "activation": ("leaky_relu", "relu"),
        "levels": (2, 3),
        "features": (8, 16, 32),
        "cfp": (False, True),
    },
    costless=("activation",),
)
class PartialDecoderNetwork(Host):
    """The deeper levels alone give a coarse prediction, then each corrects it where nothing was found yet.

    Level ``i`` of the encoder has ``width * 2**i`` channels. The deepest ``levels`` are reduced to ``features``
    channels (slot ``skip.i``, its gate the next coarser one), decoded together, and taken once more from coarse to
    fine: slot ``decoder.i`` is given the coarser prediction, which the stage then corrects. A guided mechanism belongs
    there; in an empty slot the feature passes. The published networks predict one foreground channel, here it is the
    logits of all classes. The partial decoder's prediction has the size of the finest of these levels; the deepest
    slot is given it reduced.

    Args:
        in_channels: channels of the image.
        classes: number of foreground classes; the logits have one channel more.
        dims: 2 or 3.
        attention: slot name to module.
        depth: number of halvings.
        width: channels of the finest level.
        block: ``plain`` or ``residual``; what a block slot holds replaces the second convolution of its stage.
        norm: key of ``NORM``.
        activation: key of ``ACTIVATION``, of the encoder; as in CaraNet the decoder has PReLUs.
        levels: number of the deepest levels that are decoded, at most ``depth + 1``.
        features: channels of the decoder.
        cfp: whether a channel-wise feature pyramid precedes the slot ``decoder.i``.
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
        levels: int = 3,
        features: int = 16,
        cfp: bool = False,
    ) -> None:
        super().__init__(attention)
        channels, placed, logits = [width * 2**level for level in range(depth + 1)], blocks(attention), 1 + classes
        form: dict[str, Any] = {"dims": dims, "norm": norm, "activation": activation, "residual": block == "residual"}
        self.places = places(depth)
        self.decoded = _decoded(depth, levels)
        self.encoder = encoder(in_channels, channels, placed, **form)
        self.reduce = nn.ModuleDict(
            {f"{level}": conv_prelu(channels[level], features, dims=dims, norm=norm) for level in self.decoded}
        )
        self.partial = PartialDecoder(features, len(self.decoded), logits, dims=dims)
        self.pyramid = nn.ModuleDict(
            {f"{level}": ChannelPyramid(features, dims=dims, norm=norm) for level in self.decoded if cfp}
        )
        self.decoder = nn.ModuleDict(
            {
                f"{level}": Refinement(features, logits, dims=dims, norm=norm, block=placed.get(f"decoder.{level}"))
                for level in self.decoded
            }
        )

    @classmethod
    def slots(cls, *, dims: int, **options: Any) -> list[Slot]:
        depth, width, norm, features = (options[name] for name in ("depth", "width", "norm", "features"))
        decoded = _decoded(depth, options["levels"])
        stages = [(place, width * 2**level, level) for level, place in enumerate(places(depth))]
        return [
            *(Slot(place, channels, level) for place, channels, level in stages),
            *(Slot(f"skip.{level}", features, level, gate_channels=features) for level in decoded[1:]),
            *(Slot(f"decoder.{level}", features, level, predicted=True) for level in decoded),
            *(Slot(f"block.{place}", channels, level, replaces=norm) for place, channels, level in stages),
            *(Slot(f"block.decoder.{level}", features, level, replaces=norm) for level in decoded),
        ]

    def outputs(self, image: Tensor) -> Outputs:
        """``(batch, in_channels, *spatial)`` to logits ``(batch, 1 + classes, *spatial)``."""
        maps: list[Tensor] = []
        x = image
        for place, stage in zip(self.places, self.encoder, strict=True):
            x = self.attend(place, stage(x))
            maps.append(x)
        predictions: list[Tensor] = []
        features: list[Tensor] = []
        for level in self.decoded:
            x = self.reduce[f"{level}"](maps[level])
            features.append(self.attend(f"skip.{level}", x, features[-1], made=predictions) if features else x)
        predictions.append(self.partial(features))
        for level, x in zip(self.decoded, features, strict=True):
            coarse = predictions[-1]
            if f"{level}" in self.pyramid:
                x = self.pyramid[f"{level}"](x)
            handed = resize(coarse, size_at(x.shape[2:], 1))
            x = self.attend(f"decoder.{level}", x, prediction=handed)
            predictions.append(self.decoder[f"{level}"](x, coarse))
        logits = resize(predictions.pop(), image.shape[2:])
        if not self.training:
            return Outputs(logits)
        return Outputs(logits, [Auxiliary(prediction, weight=1.0) for prediction in predictions])


def _decoded(depth: int, levels: int) -> list[int]:
    """The levels that are decoded, deepest first."""
    return list(range(depth, max(depth - levels, -1), -1))
