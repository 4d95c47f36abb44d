"""U-Net with a second decoder, for the image itself or for boundaries, that can feed the first.

Tomar et al.: DDANet, Dual Decoder Attention Network for Automatic Polyp Segmentation, ICPR Workshops 2021,
https://arxiv.org/abs/2012.15245

s_i = D_i(s_{i+1}, skip_i),  r_i = D'_i(r_{i+1}, skip_i),  s_i <- s_i * sigmoid(conv1x1 r_i)
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

import torch
from torch import Tensor, nn

from search_spaces.hosts.host import Auxiliary, Host, Outputs, blocks, host
from search_spaces.hosts.slot import Slot
from search_spaces.hosts.unet import level_channels
from search_spaces.layers import CONV
from search_spaces.stages.convolution import Stage
from search_spaces.stages.sampling import Up, halve
from search_spaces.stages.squeezed_residual import SqueezedResidual

WIDEST = 512


class DecoderStage(nn.Module):
    """A stage on the up-sampled coarser feature beside a skip.

    Args:
        in_channels: channels of the coarser feature.
        skip_channels: channels of the skip.
        channels: channels of the result.
        block: ``plain``, ``residual`` or ``squeezed``, see ``stage``.
        form: ``dims``, ``norm`` and ``activation``.
        replaced: what a block slot holds.
    """

    def __init__(
        self,
        in_channels: int,
        skip_channels: int,
        channels: int,
        block: str,
        form: Mapping[str, Any],
        replaced: nn.Module | None = None,
    ) -> None:
        super().__init__()
        self.up = Up(in_channels, channels, dims=form["dims"], kernel=4)
        self.stage = stage(skip_channels + channels, channels, block, form, replaced)

    def forward(self, x: Tensor, skip: Tensor) -> Tensor:
        """``x``: ``(batch, in_channels, *coarser)``; the result has the spatial size of ``skip``."""
        return self.stage(torch.cat([self.up(x, skip), skip], dim=1))


class Cross(nn.Module):
    """The first decoder's feature, weighted at each position by what the second one sees there."""

    def __init__(self, channels: int, *, dims: int) -> None:
        super().__init__()
        self.score = CONV[dims](channels, 1, 1)

    def forward(self, x: Tensor, other: Tensor) -> Tensor:
        """Both, and the result: ``(batch, channels, *spatial)``."""
        return x * torch.sigmoid(self.score(other))


@host(
    "dual_decoder",
    title="Dual-decoder U-Net (DDANet)",
    options={
        "depth": (2, 3, 4),
        "width": (4, 8, 16, 32),
        "block": ("plain", "residual", "squeezed"),
        "norm": ("batch", "instance"),
        "activation": ("leaky_relu", "relu"),
        "target": ("boundary", "image"),
        "cross": (False, True),
    },
    costless=("norm", "activation"),
)
class DualDecoder(Host):
    """An encoder with two decoders of one form: the first segments, the second redraws the image or its boundaries.

    As in DDANet, encoder stage ``i`` has ``width * 2**i`` channels (at most 512) and decoder stages half of that; the
    last halving is followed by no stage, so ``bottleneck`` sees the pooled last encoder stage. Slots on skips and
    decoder stages belong to the first decoder; the second one is given the skips as they come from the encoder. Where
    it does not feed the first it runs in training alone, and an export leaves it out; the parameters of a cost are
    those that are trained, it included.

    Args:
        in_channels: channels of the image.
        classes: number of foreground classes; the logits have one channel more.
        dims: 2 or 3.
        attention: slot name to module.
        depth: number of halvings, of encoder stages and of decoder stages.
        width: channels of the finest encoder stage.
        block: ``plain`` or ``residual`` (two convolutions a stage), or ``squeezed`` (DDANet's, two blocks a stage);
            what a block slot holds replaces the second convolution of its stage, of its second block.
        norm: key of ``NORM``.
        activation: key of ``ACTIVATION``.
        target: of the second decoder, ``image`` or ``boundary``.
        cross: whether the second decoder weights the positions of the first at every level.
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
        block: str = "residual",
        norm: str = "batch",
        activation: str = "leaky_relu",
        target: Literal["image", "boundary"] = "image",
        cross: bool = True,
    ) -> None:
        super().__init__(attention)
        channels, narrow = level_channels(depth - 1, width, WIDEST), _decoder_channels(depth, width)
        placed, conv = blocks(attention), CONV[dims]
        form = {"dims": dims, "norm": norm, "activation": activation}
        self.depth, self.target = depth, target
        self.halve = halve(dims)
        self.encoder = nn.ModuleList(
            stage(
                channels[level - 1] if level else in_channels,
                channels[level],
                block,
                form,
                placed.get(f"encoder.{level}"),
            )
            for level in range(depth)
        )

        def decoder(held: Mapping[str, nn.Module]) -> nn.ModuleList:
            return nn.ModuleList(
                DecoderStage(
                    narrow[level + 1], channels[level], narrow[level], block, form, held.get(f"decoder.{level}")
                )
                for level in range(depth)
            )

        self.decoder, self.second = decoder(placed), decoder({})
        self.cross = nn.ModuleList(Cross(narrow[level], dims=dims) for level in range(depth if cross else 0))
        self.head = conv(narrow[0], 1 + classes, 1)
        self.second_head = conv(narrow[0], in_channels if target == "image" else 1, 1)

    @classmethod
    def slots(cls, *, dims: int, **options: Any) -> list[Slot]:
        depth, width, norm = options["depth"], options["width"], options["norm"]
        channels, narrow = level_channels(depth - 1, width, WIDEST), _decoder_channels(depth, width)
        levels = range(depth)
        return [
            *(Slot(f"encoder.{level}", channels[level], level) for level in levels),
            Slot("bottleneck", narrow[depth], depth),
            *(Slot(f"skip.{level}", channels[level], level, gate_channels=narrow[level + 1]) for level in levels),
            *(Slot(f"decoder.{level}", narrow[level], level, gate_channels=narrow[level + 1]) for level in levels),
            Slot("output", narrow[0], 0, pyramid_channels=tuple(narrow[:depth])),
            *(Slot(f"block.encoder.{level}", channels[level], level, replaces=norm) for level in levels),
            *(Slot(f"block.decoder.{level}", narrow[level], level, replaces=norm) for level in levels),
        ]

    @classmethod
    def training_only(cls, **options: Any) -> tuple[str, ...]:
        return ("second_head.",) if options["cross"] else ("second_head.", "second.")

    def outputs(self, image: Tensor) -> Outputs:
        """``(batch, in_channels, *spatial)`` to logits ``(batch, 1 + classes, *spatial)``."""
        skips: list[Tensor] = []
        x = image
        for level, encode in enumerate(self.encoder):
            skips.append(self.attend(f"encoder.{level}", encode(x)))
            x = self.halve(skips[-1])
        x = other = self.attend("bottleneck", x)
        pyramid: list[Tensor] = []
        made: list[Tensor] = []
        for level in reversed(range(self.depth)):
            gate = x
            x = self.decoder[level](gate, self.attend(f"skip.{level}", skips[level], gate, made=made))
            if self.training or self.cross:
                other = self.second[level](other, skips[level])
            if self.cross:
                x = self.cross[level](x, other)
            x = self.attend(f"decoder.{level}", x, gate, made=made)
            pyramid.insert(0, x)
        logits = self.head(self.attend("output", pyramid))
        if not self.training:
            return Outputs(logits)
        second = Auxiliary(self.second_head(other), self.target, weight=1.0)
        return Outputs(logits, [*(Auxiliary(prediction) for prediction in made), second])


def stage(
    in_channels: int, channels: int, block: str, form: Mapping[str, Any], replaced: nn.Module | None = None
) -> nn.Module:
    """``(batch, in_channels, *spatial)`` to ``(batch, channels, *spatial)``; see ``DualDecoder`` for ``block``."""
    if block == "squeezed":
        first = SqueezedResidual(in_channels, channels, **form)
        return nn.Sequential(first, SqueezedResidual(channels, channels, block=replaced, **form))
    return Stage(in_channels, channels, residual=block == "residual", block=replaced, **form)


def _decoder_channels(depth: int, width: int) -> list[int]:
    """Channels of each decoder level, finest first, and of the bottleneck below them."""
    channels = level_channels(depth - 1, width, WIDEST)
    return [max(width // 2, 1), *channels]
