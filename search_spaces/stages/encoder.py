"""The stages on the way down: each but the first halves the map of the one before."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from torch import nn

from search_spaces.stages.convolution import Stage


def encoder(
    in_channels: int,
    channels: Sequence[int],
    blocks: Mapping[str, nn.Module],
    *,
    path: str = "",
    pooled: Collection[int] = (),
    **form: Any,
) -> nn.ModuleList:
    """A stage for each of ``channels``, finest first; strided convolutions halve.

    ``blocks`` are the modules for block slots by place, which begins with ``path``; ``pooled`` are the levels that are
    given a feature of their own size, which something else has halved; ``form`` goes to every ``Stage``.
    """
    inputs = [in_channels, *channels[:-1]]
    return nn.ModuleList(
        Stage(
            inputs[level],
            channels[level],
            stride=1 if level == 0 or level in pooled else 2,
            block=blocks.get(path + place),
            **form,
        )
        for level, place in enumerate(places(len(channels) - 1))
    )


def places(depth: int) -> list[str]:
    """Names of the slots after the stages of an encoder of ``depth`` halvings."""
    return [*(f"encoder.{level}" for level in range(depth)), "bottleneck"]
