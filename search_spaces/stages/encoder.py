"""The stages on the way down: each but the first halves the map of the one before."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from torch import nn

from search_spaces.stages.convolution import Stage


def encoder(
    in_channels: int, channels: Sequence[int], blocks: Mapping[str, nn.Module], *, path: str = "", **form: Any
) -> nn.ModuleList:
    """A stage for each of ``channels``, finest first; strided convolutions halve.

    ``blocks`` are the modules for block slots by place, which begins with ``path``; ``form`` goes to every ``Stage``.
    """
    inputs = [in_channels, *channels[:-1]]
    return nn.ModuleList(
        Stage(inputs[level], channels[level], stride=2 if level else 1, block=blocks.get(path + place), **form)
        for level, place in enumerate(places(len(channels) - 1))
    )


def places(depth: int) -> list[str]:
    """Names of the slots after the stages of an encoder of ``depth`` halvings."""
    return [*(f"encoder.{level}" for level in range(depth)), "bottleneck"]
