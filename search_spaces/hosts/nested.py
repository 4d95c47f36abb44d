"""Nested U-Net with a slot on every dense connection.

Zhou et al.: UNet++, Redesigning Skip Connections to Exploit Multiscale Features in Image Segmentation, IEEE TMI 2020,
https://arxiv.org/abs/1912.05074. With gates in its slots it is ANU-Net (Li et al., Computers & Graphics 2020,
https://doi.org/10.1016/j.cag.2020.05.003).

X[i,j] = stage(concat(X[i,0], ..., X[i,j-1], up(X[i+1,j-1])))
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn

from search_spaces.hosts.host import Auxiliary, Host, Outputs, blocks, host
from search_spaces.hosts.slot import Slot
from search_spaces.hosts.unet import level_channels
from search_spaces.layers import CONV
from search_spaces.stages.convolution import Stage
from search_spaces.stages.encoder import encoder
from search_spaces.stages.sampling import Up, halve

WIDEST = 512


@host(
    "nested",
    title="Nested U-Net (U-Net++)",
    options={
        "depth": (2, 3, 4),
        "width": (4, 8, 16, 32),
        "block": ("plain", "residual"),
        "norm": ("instance", "batch"),
        "activation": ("leaky_relu", "relu"),
        "down": ("strided", "max_pool"),
        "supervision": (False, True),
        "final": ("last", "average"),
    },
    costless=("norm", "activation", "down"),
)
class NestedUNet(Host):
    """A triangle of stages X[i,j]: level i, column j, i + j at most ``depth``; column 0 is the encoder.

    Level ``i`` has ``width * 2**i`` channels, at most 512. The slot ``skip.i.k.j`` is on the connection from X[i,k] to
    X[i,j]; its gate is X[i+1,j-1]. ``decoder.i`` comes after the last node of level i, X[i,depth-i]. Each X[0,j] can
    predict alone; columns up to j need nothing of those after, so ``architecture.pruning`` can drop the deeper ones.

    Args:
        in_channels: channels of the image.
        classes: number of foreground classes; the logits have one channel more.
        dims: 2 or 3.
        attention: slot name to module.
        depth: number of halvings, and of columns beside the encoder's.
        width: channels of the finest level.
        block: ``plain`` or ``residual``; what a block slot holds replaces the second convolution of its stage.
        norm: key of ``NORM``.
        activation: key of ``ACTIVATION``.
        down: a ``strided`` convolution, or ``max_pool`` before the first of two convolutions.
        supervision: whether each column's prediction has a loss of its own, all of weight 1 as in the paper.
        final: the logits are the ``last`` column's, or the ``average`` of all columns'.
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
        down: str = "strided",
        supervision: bool = False,
        final: str = "last",
    ) -> None:
        super().__init__(attention)
        channels, placed = level_channels(depth, width, WIDEST), blocks(attention)
        form: dict[str, Any] = {"dims": dims, "norm": norm, "activation": activation, "residual": block == "residual"}
        self.depth, self.supervision, self.average = depth, supervision, final == "average"
        self.halve = halve(dims) if down == "max_pool" else nn.Identity()
        pooled = range(depth + 1) if down == "max_pool" else ()
        self.encoder = encoder(in_channels, channels, placed, pooled=pooled, **form)
        self.up, self.node, self.head = nn.ModuleDict(), nn.ModuleDict(), nn.ModuleDict()
        for level, column in _nodes(depth):
            block_here = placed.get(f"decoder.{level}") if level + column == depth else None
            inputs = (column + 1) * channels[level]
            self.up[f"{level}_{column}"] = Up(channels[level + 1], channels[level], dims=dims)
            self.node[f"{level}_{column}"] = Stage(inputs, channels[level], block=block_here, **form)
        for column in range(1 if supervision or self.average else depth, depth + 1):
            self.head[str(column)] = CONV[dims](channels[0], 1 + classes, 1)

    @classmethod
    def slots(cls, *, dims: int, **options: Any) -> list[Slot]:
        depth, norm = options["depth"], options["norm"]
        channels = level_channels(depth, options["width"], WIDEST)
        levels = range(depth)
        return [
            *(Slot(f"encoder.{level}", channels[level], level) for level in levels),
            Slot("bottleneck", channels[depth], depth),
            *(
                Slot(f"skip.{level}.{source}.{column}", channels[level], level, gate_channels=channels[level + 1])
                for level, column in _nodes(depth)
                for source in range(column)
            ),
            *(Slot(f"decoder.{level}", channels[level], level, gate_channels=channels[level + 1]) for level in levels),
            Slot("output", channels[0], 0, pyramid_channels=tuple(channels[:depth])),
            *(Slot(f"block.encoder.{level}", channels[level], level, replaces=norm) for level in levels),
            Slot("block.bottleneck", channels[depth], depth, replaces=norm),
            *(Slot(f"block.decoder.{level}", channels[level], level, replaces=norm) for level in levels),
        ]

    @classmethod
    def training_only(cls, **options: Any) -> tuple[str, ...]:
        if options["final"] == "average" or not options["supervision"]:
            return ()
        return tuple(f"head.{column}." for column in range(1, options["depth"]))

    def outputs(self, image: Tensor) -> Outputs:
        """``(batch, in_channels, *spatial)`` to logits ``(batch, 1 + classes, *spatial)``."""
        grid = self._encode(image)
        made: list[Tensor] = []
        for level, column in _nodes(self.depth):
            gate = grid[level + 1][column - 1]
            sources = [
                self.attend(f"skip.{level}.{source}.{column}", x, gate, made=made)
                for source, x in enumerate(grid[level])
            ]
            up = self.up[f"{level}_{column}"](gate, sources[0])
            x = self.node[f"{level}_{column}"](torch.cat([*sources, up], dim=1))
            if level + column == self.depth:
                x = self.attend(f"decoder.{level}", x, gate, made=made)
            grid[level].append(x)
        grid[0][-1] = self.attend("output", [grid[level][-1] for level in range(self.depth)])
        supervised = self.training and self.supervision
        columns = range(1 if supervised or self.average else self.depth, self.depth + 1)
        predictions = [self.head[str(column)](grid[0][column]) for column in columns]
        logits = torch.stack(predictions).mean(0) if self.average else predictions[-1]
        if not self.training:
            return Outputs(logits)
        auxiliary = [Auxiliary(prediction) for prediction in made]
        if supervised:
            beside = predictions if self.average else predictions[:-1]
            auxiliary += [Auxiliary(prediction, weight=1.0) for prediction in beside]
        return Outputs(logits, auxiliary)

    def _encode(self, image: Tensor) -> list[list[Tensor]]:
        """Column 0, a list for each level."""
        grid: list[list[Tensor]] = []
        x = image
        for level, stage in enumerate(self.encoder):
            place = f"encoder.{level}" if level < self.depth else "bottleneck"
            x = self.attend(place, stage(self.halve(x) if level else x))
            grid.append([x])
        return grid


def _nodes(depth: int) -> list[tuple[int, int]]:
    """Level and column of every node beside the encoder's, in the order in which they can be computed."""
    return [(level, column) for column in range(1, depth + 1) for level in range(depth + 1 - column)]
