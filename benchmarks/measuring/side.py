"""One side of a comparison: a module with its inputs, and its training step."""

from __future__ import annotations

import contextlib
import copy
import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils._pytree import tree_leaves, tree_map

from search_spaces.pricing.flop_counter import FlopCounter

LEAST = 0.5  # seconds that steps are measured for: the median of a few short ones says little


@dataclass(frozen=True)
class Side:
    """A module in training mode and what its forward call takes; the inputs want gradients.

    ``mixed``: operations run in bfloat16 where autocast lets them.
    """

    module: nn.Module
    inputs: tuple[Any, ...]
    mixed: bool = False

    def as_trained(self) -> Side:
        """The same in bfloat16, as training on a GPU has it: inputs from layers before, weights kept in float32."""
        inputs = tree_map(lambda x: x.detach().to(torch.bfloat16).requires_grad_(), self.inputs)
        return replace(self, inputs=inputs, mixed=True)

    def step(self, gradient: Callable[[Tensor], Tensor] = torch.ones_like) -> tuple[Tensor, list[Tensor | None]]:
        """Forward and backward: the result, and the gradients of inputs and parameters.

        ``gradient`` makes the one that comes back to the result, of the result.
        """
        device = tree_leaves(self.inputs)[0].device.type
        with torch.autocast(device, torch.bfloat16) if self.mixed else contextlib.nullcontext():
            y = self.module(*self.inputs)
        sources = [leaf for leaf in [*tree_leaves(self.inputs), *self.module.parameters()] if leaf.requires_grad]
        return y.detach(), list(torch.autograd.grad(y, sources, gradient(y), allow_unused=True))

    def seconds(self) -> float:
        """Time of one step."""
        device = tree_leaves(self.inputs)[0].device
        _wait(device)
        began = time.perf_counter()
        self.step()
        _wait(device)
        return time.perf_counter() - began

    def macs(self) -> int:
        """Multiply-accumulates of one forward pass of the whole batch, counted on the meta device.

        In float32: the count is that of any type, and autocast knows no meta device.
        """
        inputs = tree_map(lambda x: x.detach().to("meta", torch.float32), self.inputs)
        twin = copy.deepcopy(self.module).to("meta", torch.float32).eval()
        with torch.no_grad(), torch.device("meta"), FlopCounter() as counter:
            twin(*inputs)
        return counter.flops // 2


def take_turns(sides: Sequence[Side], rounds: int, seconds: float) -> list[float]:
    """Median seconds of a step of each side; they take turns, so that a busy moment of the machine hits all of them.

    There is at least one round, and no further one once all took ``seconds`` together; more than ``rounds`` where
    they are over in no time.
    """
    times: list[list[float]] = []
    spent = 0.0
    while sides and (not times or (spent <= seconds and (len(times) < rounds or spent <= LEAST))):
        times.append([side.seconds() for side in sides])
        spent += sum(times[-1])
    return [statistics.median(column) for column in zip(*times, strict=True)]


def _wait(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize(device)
