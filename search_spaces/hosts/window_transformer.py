"""Window attention at every level of a U.

Cao et al.: Swin-Unet, ECCV Workshops 2022, https://arxiv.org/abs/2105.05537 (a decoder of window attention)
Hatamizadeh et al.: Swin UNETR, MICCAI BrainLes 2021, https://arxiv.org/abs/2201.01266 (a convolutional decoder)
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from torch import Tensor, nn

from search_spaces.attention.window import WindowAttention
from search_spaces.errors import InputError
from search_spaces.hosts.host import Auxiliary, Host, Outputs, blocks, host
from search_spaces.hosts.slot import Slot
from search_spaces.layers import CONV, ChannelNorm, crop
from search_spaces.stages.convolution import Stage
from search_spaces.stages.decoding import ExpandingStep, TransposedStep
from search_spaces.stages.patches import PatchEmbedding, PatchExpanding, PatchMerging


@host(
    "window_transformer",
    title="U-Net of window-attention stages",
    options={
        "depth": (3, 4, 5),
        "width": (4, 8, 16, 24),
        "decoder": ("expanding", "convolutional"),
        "patch": (2, 4),
        "window": (4, 7),
        "heads": (1, 2, 4),
        "ratio": (2, 4),
        "layers": (2,),
    },
)
class WindowTransformer(Host):
    """Patches become tokens, window attention alternates with merging on the way down; one of two decoders goes up.

    The ``expanding`` decoder mirrors the encoder: patches are expanded, and window attention follows; the last
    expansion restores the image's size. Nothing is finer than the patches, so there is no ``output`` slot. The
    ``convolutional`` decoder has a residual stage at every level, on the skips and at the bottleneck too; skips finer
    than the patches come from residual stages on the image.

    As in both papers each level has a block in windows and one in shifted windows, or more of both in turn, and the
    skip leaves before them; what comes out passes slot ``encoder.i`` and is merged. The level of the patches has
    ``width`` channels, finer ones as many, and every deeper one twice as many.

    Args:
        in_channels: channels of the image.
        classes: number of foreground classes; the logits have one channel more.
        dims: 2 or 3.
        attention: slot name to module.
        depth: number of halvings in all, those that make the patches among them.
        width: channels of a token at the finest level.
        decoder: ``expanding`` or ``convolutional``.
        patch: side of a patch, a power of 2.
        window: side of a window, or one for each axis.
        heads: at the finest level, twice as many at each deeper one; or the number of each level, finest first.
        ratio: of the perceptrons' width to the channels; any number.
        layers: number of blocks of a level; or of each level, that of the patches first, the bottleneck last. A setting
            and no choice.
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
        decoder: str = "expanding",
        patch: int = 2,
        window: int | Sequence[int] = 4,
        heads: int | Sequence[int] = 2,
        ratio: float = 2,
        layers: int | Sequence[int] = 2,
    ) -> None:
        super().__init__(attention)
        finest = patch_level(patch, depth)
        channels, placed, expanding = level_channels(depth, width, finest), blocks(attention), decoder == "expanding"

        def windows(level: int) -> nn.Module:
            index = level - finest
            count = heads * 2**index if isinstance(heads, int) else heads[index]
            length = layers if isinstance(layers, int) else layers[index]
            return WindowAttention(channels[level], dims=dims, window=window, heads=count, ratio=ratio, layers=length)

        def residual(before: int, level: int, place: str, stride: int = 1) -> nn.Module:
            return Stage(before, channels[level], dims=dims, residual=True, stride=stride, block=placed.get(place))

        self.embed = PatchEmbedding(in_channels, width, dims=dims, patch=patch, norm=expanding)
        self.image, self.encoder, self.merge = nn.ModuleDict(), nn.ModuleDict(), nn.ModuleDict()
        self.skip, self.decoder = nn.ModuleDict(), nn.ModuleDict()
        for level in () if expanding else range(finest):
            stage = residual(width if level else in_channels, level, f"encoder.{level}", 2 if level else 1)
            self.image[str(level)] = stage
        for level in range(finest, depth):
            self.encoder[str(level)] = windows(level)
            self.merge[str(level)] = PatchMerging(channels[level], channels[level + 1], dims=dims)
            self.skip[str(level)] = nn.Identity()
            if not expanding:
                convolved = level < depth - 1  # the coarsest skip has no convolution of its own, as published
                stage = residual(channels[level], level, f"skip.{level}") if convolved else nn.Identity()
                self.skip[str(level)] = nn.Sequential(bare_norm(channels[level]), stage)
        for level in range(finest if expanding else 0, depth):
            before, after = channels[level + 1], channels[level]
            self.decoder[str(level)] = (
                ExpandingStep(before, after, dims=dims, blocks=windows(level))
                if expanding
                else TransposedStep(before, after, dims=dims, block=placed.get(f"decoder.{level}"))
            )
        self.expand: nn.Module | None = None
        if expanding:
            self.bottleneck = nn.Sequential(windows(depth), ChannelNorm(channels[depth]))
            self.expand = nn.Sequential(ChannelNorm(width), PatchExpanding(width, width, dims=dims, patch=patch))
        else:
            stage = residual(channels[depth], depth, "bottleneck")
            self.bottleneck = nn.Sequential(bare_norm(channels[depth]), stage)
        self.head = CONV[dims](width, 1 + classes, 1, bias=not expanding)

    @classmethod
    def slots(cls, *, dims: int, **options: Any) -> list[Slot]:
        depth, finest = options["depth"], patch_level(options["patch"], options["depth"])
        channels, expanding = level_channels(depth, options["width"], finest), options["decoder"] == "expanding"
        levels = range(finest if expanding else 0, depth)
        found = [
            *(Slot(f"encoder.{level}", channels[level], level) for level in levels),
            Slot("bottleneck", channels[depth], depth),
            *(Slot(f"skip.{level}", channels[level], level, gate_channels=channels[level + 1]) for level in levels),
            *(Slot(f"decoder.{level}", channels[level], level, gate_channels=channels[level + 1]) for level in levels),
        ]
        if expanding:
            return found
        places = [
            *((f"encoder.{level}", level) for level in range(finest)),
            *((f"skip.{level}", level) for level in range(finest, depth - 1)),
            ("bottleneck", depth),
            *((f"decoder.{level}", level) for level in levels),
        ]
        return [
            *found,
            Slot("output", channels[0], 0, pyramid_channels=tuple(channels[:depth])),
            *(Slot(f"block.{place}", channels[level], level, replaces="instance") for place, level in places),
        ]

    def outputs(self, image: Tensor) -> Outputs:
        """``(batch, in_channels, *spatial)`` to logits ``(batch, 1 + classes, *spatial)``."""
        skips: dict[str, Tensor] = {}
        x = image
        for level, stage in self.image.items():
            x = skips[level] = self.attend(f"encoder.{level}", stage(x))
        x = self.embed(image)
        for level, stage in self.encoder.items():
            skips[level] = self.skip[level](x)
            x = self.merge[level](self.attend(f"encoder.{level}", stage(x)))
        x = self.attend("bottleneck", self.bottleneck(x))
        pyramid: list[Tensor] = []
        predictions: list[Tensor] = []
        for level in reversed(skips):
            gate = x
            skip = self.attend(f"skip.{level}", skips[level], gate, made=predictions)
            x = self.attend(f"decoder.{level}", self.decoder[level](gate, skip), gate, made=predictions)
            pyramid.insert(0, x)
        x = self.attend("output", pyramid) if self.expand is None else crop(self.expand(x), image)
        return Outputs(self.head(x), [Auxiliary(prediction) for prediction in predictions] if self.training else [])


def bare_norm(channels: int) -> ChannelNorm:
    """Without parameters, as Swin UNETR normalises what leaves the window attention."""
    return ChannelNorm(channels, elementwise_affine=False)


def patch_level(patch: int, depth: int) -> int:
    """The level of the patches: how often they halve the size; raises ``InputError`` where nothing is left to merge."""
    level = patch.bit_length() - 1
    if patch != 2**level or not 0 < level < depth:
        raise InputError(
            f"window_transformer: expected patches of a power of 2 from 2 to {2 ** (depth - 1)} "
            f"with depth {depth}; got {patch}"
        )
    return level


def level_channels(depth: int, width: int, finest: int) -> list[int]:
    """Channels of each level, finest first, the bottleneck last."""
    return [width * 2 ** max(level - finest, 0) for level in range(depth + 1)]
