"""A transformer at the bottom of a convolutional U. Chen et al.: TransUNet, 2021, https://arxiv.org/abs/2102.04306"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from torch import Tensor, nn

from search_spaces.hosts.host import Auxiliary, Host, Outputs, blocks, host
from search_spaces.hosts.slot import Slot, size_at
from search_spaces.layers import ACTIVATION, CONV, MAX_POOL
from search_spaces.stages.bottleneck import Bottleneck, root
from search_spaces.stages.convolution import ConvNorm, Stage
from search_spaces.stages.decoding import InterpolatedStep
from search_spaces.stages.transformer import POSITIONS, Transformer

UNITS = {"bottleneck": (1,), "resnet50": (3, 4, 9)}  # bottlenecks at levels 2, 3, ...; the last number for all deeper


@host(
    "transformer",
    title="U-Net with a transformer at the bottleneck",
    options={
        "depth": (2, 3, 4),
        "width": (4, 8, 16, 32),
        "stem": ("plain", *UNITS),
        "norm": ("instance", "batch"),
        "activation": ("leaky_relu", "relu"),
        "tokens": (16, 32, 64),
        "layers": (1, 2, 4),
        "heads": (1, 2, 4),
        "ratio": (2, 4),
        "position": POSITIONS,
    },
    costless=("norm", "activation", "heads"),
)
class TransformerUNet(Host):
    """A convolutional stem, a transformer over all positions of its deepest map, and a convolutional decoder.

    What the stem hands to the transformer passes slot ``encoder.DEPTH``, what the transformer hands to the decoder
    ``bottleneck``. Level ``i`` of the decoder has ``width * 2**i`` channels. The stem has as many, or, made of
    bottlenecks, ``2 * width`` at level 1 and ``2 * width * 2**i`` at the deeper ones; it has then no stage, skip or
    slots at level 0, where the decoder has half the width.

    Args:
        in_channels: channels of the image.
        classes: number of foreground classes; the logits have one channel more.
        dims: 2 or 3.
        attention: slot name to module.
        depth: number of halvings.
        width: channels of the finest level.
        stem: ``plain`` (two convolutions at each level, the first strided), ``bottleneck`` (a 7x7 convolution, then a
            bottleneck of standardised convolutions at each level) or ``resnet50`` (3, 4 and 9 of them, as published).
        norm: of the decoder and the plain stem, key of ``NORM``.
        activation: of the decoder and the plain stem, key of ``ACTIVATION``.
        tokens: channels of a token.
        layers: number of transformer blocks.
        heads: number of heads; the most, up to that, that divide ``tokens`` are used.
        ratio: of the perceptrons' width to ``tokens``.
        position: what tells the transformer where a token is, see ``Transformer``.
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
        stem: str = "plain",
        norm: str = "instance",
        activation: str = "leaky_relu",
        tokens: int = 64,
        layers: int = 2,
        heads: int = 4,
        ratio: int = 2,
        position: str = "learned",
    ) -> None:
        super().__init__(attention)
        encoder, decoder, placed = (
            encoder_channels(stem, depth, width),
            decoder_channels(stem, depth, width),
            blocks(attention),
        )
        form: dict[str, Any] = {"dims": dims, "norm": norm, "activation": activation}
        self.depth = depth
        self.encoder = nn.ModuleDict()
        for level, channels in encoder.items():
            before = encoder.get(level - 1, in_channels)
            if stem == "plain":
                block = placed.get(f"encoder.{level}")
                stage: nn.Module = Stage(before, channels, stride=2 if level else 1, block=block, **form)
            elif level == 1:
                stage = root(before, channels, dims=dims)
            else:
                units = UNITS[stem][min(level - 2, len(UNITS[stem]) - 1)]
                stage = bottlenecks(before, channels, dims=dims, units=units, pool=level == 2)
            self.encoder[str(level)] = stage
        self.transformer = Transformer(
            encoder[depth], tokens, dims=dims, layers=layers, heads=heads, ratio=ratio, position=position
        )
        self.bottleneck = nn.Sequential(
            ConvNorm(tokens, decoder[depth], dims=dims, norm=norm), ACTIVATION[activation]()
        )
        self.decoder = nn.ModuleList(
            InterpolatedStep(
                decoder[level + 1],
                encoder.get(level, 0),
                decoder[level],
                block=placed.get(f"decoder.{level}"),
                **form,
            )
            for level in range(depth)
        )
        self.head = CONV[dims](decoder[0], 1 + classes, 3, padding=1)

    @classmethod
    def slots(cls, *, dims: int, **options: Any) -> list[Slot]:
        stem, depth, width, norm = (options[name] for name in ("stem", "depth", "width", "norm"))
        encoder, decoder = encoder_channels(stem, depth, width), decoder_channels(stem, depth, width)
        levels = range(depth)
        convolutions = encoder if stem == "plain" else {}
        return [
            *(Slot(f"encoder.{level}", channels, level) for level, channels in encoder.items()),
            Slot("bottleneck", decoder[depth], depth),
            *(
                Slot(f"skip.{level}", encoder[level], level, gate_channels=decoder[level + 1])
                for level in levels
                if level in encoder
            ),
            *(Slot(f"decoder.{level}", decoder[level], level, gate_channels=decoder[level + 1]) for level in levels),
            Slot("output", decoder[0], 0, pyramid_channels=tuple(decoder[level] for level in levels)),
            *(Slot(f"block.encoder.{level}", c, level, replaces=norm) for level, c in convolutions.items()),
            *(Slot(f"block.decoder.{level}", decoder[level], level, replaces=norm) for level in levels),
        ]

    def outputs(self, image: Tensor) -> Outputs:
        """``(batch, in_channels, *spatial)`` to logits ``(batch, 1 + classes, *spatial)``."""
        skips: dict[int, Tensor] = {}
        x = image
        for key, stage in self.encoder.items():
            x = skips[int(key)] = self.attend(f"encoder.{key}", stage(x))
        x = self.attend("bottleneck", self.bottleneck(self.transformer(x)))
        pyramid: list[Tensor] = []
        predictions: list[Tensor] = []
        for level in reversed(range(self.depth)):
            gate, skip = x, skips.get(level)
            if skip is not None:
                skip = self.attend(f"skip.{level}", skip, gate, made=predictions)
            x = self.decoder[level](gate, size_at(image.shape[2:], level), skip)
            x = self.attend(f"decoder.{level}", x, gate, made=predictions)
            pyramid.insert(0, x)
        logits = self.head(self.attend("output", pyramid))
        return Outputs(logits, [Auxiliary(prediction) for prediction in predictions] if self.training else [])


def bottlenecks(in_channels: int, channels: int, *, dims: int, units: int, pool: bool) -> nn.Sequential:
    """Bottlenecks in series that halve the size first: by a pooling before them, or by a stride of the first."""
    first = Bottleneck(in_channels, channels, dims=dims, stride=1 if pool else 2)
    pooling = [MAX_POOL[dims](3, 2, 1)] if pool else []
    return nn.Sequential(*pooling, first, *(Bottleneck(channels, channels, dims=dims) for _ in range(1, units)))


def encoder_channels(stem: str, depth: int, width: int) -> dict[int, int]:
    """Channels of the stem by level, finest first, the deepest last."""
    if stem == "plain":
        return {level: width * 2**level for level in range(depth + 1)}
    return {level: 2 * width * (2**level if level > 1 else 1) for level in range(1, depth + 1)}


def decoder_channels(stem: str, depth: int, width: int) -> list[int]:
    """Channels of the decoder, finest first, what it is given at the bottleneck last."""
    return [width if stem == "plain" else -(-width // 2), *(width * 2**level for level in range(1, depth + 1))]
