"""Mechanisms and inputs to test them with, for any registered name."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor
from torch.utils._pytree import tree_leaves, tree_map

from search_spaces.attention import MECHANISMS
from search_spaces.hosts.slot import size_at
from search_spaces.initialisation import initialise

CHANNELS = 8
GATE_CHANNELS = 12
CLASSES = 3
COARSER_LEVELS = (12, 16)
EVERY = [(name, dims) for name in MECHANISMS for dims in MECHANISMS[name].dims]
IDS = [f"{name}-{dims}d" for name, dims in EVERY]
SIZE: dict[int, tuple[int, ...]] = {2: (5, 7), 3: (3, 6, 5)}
EXTREME_SIZES: dict[int, list[tuple[int, ...]]] = {2: [(5, 7), (1, 1), (3, 40)], 3: [(9, 6, 11), (1, 1, 1), (2, 1, 5)]}


def told(name: str, channels: int = CHANNELS) -> dict[str, Any]:
    """What a mechanism is told of its place."""
    return {
        "gated": {"gate_channels": GATE_CHANNELS},
        "guided": {"prediction_channels": CLASSES},
        "pyramid": {"pyramid_channels": (channels, *COARSER_LEVELS)},
    }.get(MECHANISMS[name].inputs, {})


def build(
    name: str,
    dims: int,
    *,
    channels: int = CHANNELS,
    options: Mapping[str, Any] | None = None,
    dtype: torch.dtype = torch.float64,
    seed: int = 0,
) -> Any:
    """A mechanism in eval mode, all its parameters and statistics away from special values such as 0 and 1."""
    arguments = dict(options or {})
    arguments |= told(name, channels)
    module = MECHANISMS[name].module(channels, dims=dims, **arguments).to(dtype).eval()
    initialise(module, seed)
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for parameter in module.parameters():
            parameter.add_(0.3 * torch.randn(parameter.shape, generator=generator, dtype=torch.float64))
        for key, buffer in module.named_buffers():
            if key.endswith(("running_mean", "running_var")):
                buffer.add_(0.5 * torch.rand(buffer.shape, generator=generator, dtype=torch.float64))
    return module


def leaves(arguments: Any) -> list[Tensor]:
    """All tensors of a mechanism's arguments, the feature that gives the result its shape first."""
    return tree_leaves(arguments)


def each(function: Callable[[Tensor], Any], arguments: Any) -> Any:
    """The same arguments with ``function`` applied to each tensor."""
    return tree_map(function, arguments)


def inputs(
    name: str,
    size: Sequence[int],
    *,
    batch: int = 2,
    channels: int = CHANNELS,
    gate_size: Sequence[int] | None = None,
    dtype: torch.dtype = torch.float64,
    seed: int = 1,
) -> tuple[Any, ...]:
    """What the mechanism's forward takes for a feature of the spatial ``size``, normally distributed."""
    generator = torch.Generator().manual_seed(seed)

    def feature(channels: int, size: Sequence[int]) -> Tensor:
        return torch.randn(batch, channels, *size, generator=generator, dtype=torch.float64).to(dtype)

    kind = MECHANISMS[name].inputs
    coarser = [-(-length // 2) for length in size] if gate_size is None else gate_size
    if kind == "gated":
        return feature(channels, size), feature(GATE_CHANNELS, coarser)
    if kind == "guided":
        return feature(channels, size), feature(CLASSES, coarser)
    if kind == "pyramid":
        widths = (channels, *COARSER_LEVELS)
        return ([feature(width, size_at(size, level)) for level, width in enumerate(widths)],)
    return (feature(channels, size),)
