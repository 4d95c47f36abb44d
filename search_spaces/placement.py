"""A placement: a mechanism with its hyper-parameters, as it sits in a slot, and the module that it becomes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from torch import Tensor, nn

from search_spaces.attention import MECHANISMS, Mechanism
from search_spaces.attention.mechanism import Value
from search_spaces.slot import Slot

Options = tuple[tuple[str, Value], ...]


@dataclass(frozen=True)
class Placement:
    """A registered mechanism and its hyper-parameters."""

    mechanism: str
    options: Options = ()

    def build(self, slot: Slot, dims: int) -> Mechanism:
        """The module for ``slot``; the kind of its inputs decides what of the slot it is told."""
        entry = MECHANISMS[self.mechanism]
        arguments: dict[str, Any] = dict(self.options)
        if entry.inputs == "gated":
            arguments["gate_channels"] = slot.gate_channels
        if entry.inputs == "pyramid":
            arguments["pyramid_channels"] = slot.pyramid_channels
        return entry.module(slot.channels, dims=dims, **arguments)

    def __str__(self) -> str:
        values = ", ".join(f"{name}={value}" for name, value in self.options)
        return f"{self.mechanism}({values})" if values else self.mechanism


class PlacedAttention(nn.Module):
    """Mechanisms in series in one slot; each is given what its kind of input asks for.

    After a mechanism that takes a pyramid comes one feature, the finest.
    """

    def __init__(self, modules: Sequence[Mechanism], placements: Sequence[Placement]) -> None:
        super().__init__()
        self.kinds = [MECHANISMS[placement.mechanism].inputs for placement in placements]
        self.series = nn.ModuleList(modules)

    def forward(self, x: Tensor, gate: Tensor | None = None) -> Tensor:
        """``x`` and the result: ``(batch, channels, *spatial)``; ``gate``: the coarser decoder feature."""
        for kind, module in zip(self.kinds, self.series, strict=True):
            x = module(x, gate) if kind == "gated" else module(x)
        return x
