"""A mechanism with its options, put at a shape: beside it the same function, written straightforwardly."""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from measuring.side import Side
from straightforward import FORMS
from torch import Tensor, nn
from torch.utils._pytree import tree_map

from search_spaces.attention import MECHANISMS
from search_spaces.hosts.slot import size_at
from search_spaces.initialisation import initialise

CLASSES = 3
LEVELS = 3


@dataclass(frozen=True)
class Case:
    """A registered mechanism with options; others are at their defaults."""

    mechanism: str
    options: Mapping[str, Any] = field(default_factory=dict)

    @property
    def name(self) -> str:
        return " ".join([self.mechanism, *(f"{key}={value}" for key, value in self.options.items())])

    @property
    def self_similar(self) -> bool:
        return MECHANISMS[self.mechanism].family == "self-similarity"

    def build(self, channels: int, dims: int) -> nn.Module:
        """The mechanism in training mode, all its parameters away from special values such as 0 and 1."""
        told = {
            "gated": {"gate_channels": 2 * channels},
            "guided": {"prediction_channels": CLASSES},
            "pyramid": {"pyramid_channels": pyramid(channels)},
        }.get(MECHANISMS[self.mechanism].inputs, {})
        module = MECHANISMS[self.mechanism].module(channels, dims=dims, **told, **self.options)
        initialise(module, seed=0)
        generator = torch.Generator().manual_seed(0)
        with torch.no_grad():
            for parameter in module.parameters():
                parameter.add_(0.1 * torch.randn(parameter.shape, generator=generator))
        for part in module.modules():
            if isinstance(part, nn.Dropout):
                part.p = 0.0  # a layer of both sides, and noise in the comparison of results
        return module.train()

    def inputs(self, shape: Sequence[int]) -> tuple[Any, ...]:
        """What the forward call takes for a feature of ``shape``; a coarser signal has half the size, as in a U-Net."""
        batch, channels, *size = shape
        generator = torch.Generator().manual_seed(1)

        def feature(channels: int, size: Sequence[int]) -> Tensor:
            return torch.randn(batch, channels, *size, generator=generator)

        kind = MECHANISMS[self.mechanism].inputs
        if kind == "gated":
            return feature(channels, size), feature(2 * channels, size_at(tuple(size), 1))
        if kind == "guided":
            return feature(channels, size), feature(CLASSES, size_at(tuple(size), 1))
        if kind == "pyramid":
            return ([feature(width, size_at(tuple(size), n)) for n, width in enumerate(pyramid(channels))],)
        return (feature(channels, size),)

    def ours(self, shape: Sequence[int], device: torch.device, dtype: torch.dtype = torch.float32) -> Side:
        return side(self.build(shape[1], len(shape) - 2), self.inputs(shape), device, dtype)

    def straightforward(self, shape: Sequence[int], device: torch.device, dtype: torch.dtype = torch.float32) -> Side:
        """The form of ``FORMS``, with a mechanism of its own that has the same weights."""
        form = Straightforward(self.mechanism, self.build(shape[1], len(shape) - 2))
        return side(form, self.inputs(shape), device, dtype)


CASES = (
    *map(Case, MECHANISMS),
    Case("attention_gate", {"variant": "same_resolution"}),
    Case("aspp", {"fusion": "concatenate"}),
    Case("axial", {"span": 0}),
)


class Straightforward(nn.Module):
    """A mechanism's layers, called by its form of ``FORMS``."""

    def __init__(self, name: str, mechanism: nn.Module) -> None:
        super().__init__()
        self.mechanism, self.name = mechanism, name

    def forward(self, *inputs: Any) -> Tensor:
        return FORMS[self.name](self.mechanism, *inputs)


def side(module: nn.Module, inputs: tuple[Any, ...], device: torch.device, dtype: torch.dtype = torch.float32) -> Side:
    return Side(
        copy.deepcopy(module).to(device, dtype),
        tree_map(lambda x: x.to(device, dtype).requires_grad_(), inputs),
    )


def pyramid(channels: int) -> tuple[int, ...]:
    """Channels of the decoder's levels, finest first."""
    return tuple(channels * 2**level for level in range(LEVELS))
