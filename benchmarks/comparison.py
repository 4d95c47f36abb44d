"""One row of the table: a mechanism at a shape beside its straightforward form and MONAI's block."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from attention_case import Case, side
from measuring.growth import continued
from measuring.peak_memory import peak_bytes
from measuring.side import Side, take_turns

MIB = 2**20
COPIES = 32  # of the matrix of all pairs that a side could need: heads, scores, weights and their gradients
LARGE = 64 * 64  # positions from which attention is to be light

Make = Callable[[Sequence[int]], Side]


@dataclass
class Cost:
    """Of one side.

    Attributes:
        mib: peak memory of a training step; continued from smaller sizes where the side was not run.
        ms: time of a training step; None where it was not run.
        macs: multiply-accumulates of the forward pass; None where they cannot be counted.
        skipped: why it was not run.
    """

    mib: float | None = None
    ms: float | None = None
    macs: int | None = None
    skipped: str | None = None

    def cells(self) -> list[str]:
        """Time and memory."""
        memory = "-" if self.mib is None else f"{self.mib:.1f}"
        return ["-" if self.ms is None else f"{self.ms:.1f}", f"({memory})" if self.skipped and self.mib else memory]

    def as_json(self) -> dict[str, Any]:
        rounded = {"ms": self.ms and round(self.ms, 3), "mib": self.mib and round(self.mib, 3), "macs": self.macs}
        return rounded | ({"skipped": self.skipped} if self.skipped else {})


@dataclass
class Row:
    """A mechanism at a shape, and what it was measured beside; ``all_pairs`` stores the matrix of all pairs."""

    case: Case
    shape: tuple[int, ...]
    params: int
    ours: Cost
    plain: Cost
    monai: Cost | None
    all_pairs: Cost

    @property
    def large(self) -> bool:
        return math.prod(self.shape[2:]) >= LARGE

    def not_run(self) -> list[str]:
        """Why sides were not run, a line each."""
        sides = {"ours": self.ours, "plain": self.plain, "MONAI": self.monai}
        return [f"{self.case.name}, {name}: {cost.skipped}" for name, cost in sides.items() if cost and cost.skipped]

    @property
    def faster(self) -> float | None:
        return ratio(self.plain.ms, self.ours.ms)

    @property
    def lighter(self) -> float | None:
        return ratio(self.plain.mib, self.ours.mib)

    @property
    def lighter_than_all_pairs(self) -> float | None:
        return ratio(self.all_pairs.mib, self.ours.mib) if self.case.self_similar else None

    def cells(self) -> list[str]:
        ratios = [self.faster, self.lighter, self.lighter_than_all_pairs]
        return [
            self.case.name,
            f"{self.params}",
            "-" if self.ours.macs is None else f"{self.ours.macs / 1e6:.2f}",
            *self.ours.cells(),
            *self.plain.cells(),
            *("-" if value is None else f"{value:.2f}x" for value in ratios),
            *(self.monai.cells() if self.monai else ["", ""]),
        ]

    def as_json(self) -> dict[str, Any]:
        return {
            "mechanism": self.case.name,
            "shape": list(self.shape),
            "params": self.params,
            "ours": self.ours.as_json(),
            "straightforward": self.plain.as_json(),
            "monai": self.monai and self.monai.as_json(),
            "times_faster": self.faster and round(self.faster, 3),
            "times_lighter": self.lighter and round(self.lighter, 3),
            "times_lighter_than_all_pairs": self.lighter_than_all_pairs and round(self.lighter_than_all_pairs, 3),
        }


def ratio(above: float | None, below: float | None) -> float | None:
    return above / below if above and below else None


def compare(
    case: Case,
    shape: tuple[int, ...],
    *,
    device: torch.device,
    rounds: int,
    seconds: float,
    limit: int,
    sides: Collection[str] = ("ours", "plain", "monai"),
    mixed: bool = False,
) -> Row:
    """Measure a mechanism at ``shape``; ``rounds``, ``seconds`` as in ``take_turns``, ``limit`` in bytes a side.

    A step that takes more than ``seconds`` is not repeated: the one whose memory is recorded gives its time too. A side
    that cannot be run, for want of memory or because torch lacks an operation, is skipped with the reason. ``mixed``:
    in bfloat16, see ``Side.as_trained``.
    """
    every: dict[str, Make] = {
        "ours": lambda at: case.ours(at, device),
        "plain": lambda at: case.straightforward(at, device),
    }
    if "monai" in sides:
        from monai_blocks import BLOCKS  # here, for those who compare without MONAI

        if block := BLOCKS.get(case.name):
            every["monai"] = lambda at: side(block.build(at[1], len(at) - 2), case.inputs(at), device)
    makes = {name: _in_type(make, mixed) for name, make in every.items() if name in sides}
    costs = {name: Cost() for name in ("ours", "plain")}
    brisk: dict[str, Side] = {}
    for name, make in makes.items():
        try:
            costs[name] = _unless_too_large(make, shape, device, limit) if case.self_similar else Cost()
            if costs[name].skipped is not None:
                continue
            one = make(shape)
            if device.type == "cuda":
                one.step()  # what only the first call takes, libraries' workspaces, is no part of the peak
            began = time.perf_counter()
            costs[name].mib = peak_bytes(one.step, device) / MIB
        except (ImportError, RuntimeError) as error:  # MONAI imports some packages when a block is called
            costs[name] = Cost(skipped=(str(error).splitlines() or [type(error).__name__])[0])
            continue
        costs[name].ms = 1000 * (time.perf_counter() - began)
        costs[name].macs = one.macs()
        if costs[name].ms < 1000 * seconds:
            brisk[name] = one
    for name, taken in zip(brisk, take_turns(list(brisk.values()), rounds, seconds), strict=True):
        costs[name].ms = 1000 * taken
    params = sum(one.numel() for one in case.build(shape[1], len(shape) - 2).parameters())
    return Row(case, shape, params, costs["ours"], costs["plain"], costs.get("monai"), Cost())


def _in_type(make: Make, mixed: bool) -> Make:
    return (lambda at: make(at).as_trained()) if mixed else make


def _unless_too_large(make: Make, shape: tuple[int, ...], device: torch.device, limit: int) -> Cost:
    """An empty cost, or where the side could not do within ``limit`` bytes, what it is expected to take."""
    positions, dims = math.prod(shape[2:]), len(shape) - 2
    if COPIES * 4 * shape[0] * positions**2 <= limit:
        return Cost()
    sizes = [tuple(length // share for length in shape[2:]) for share in (4, 2)]
    quarter, half = (peak_bytes(make((*shape[:2], *size)).step, device) for size in sizes)
    expected = continued(quarter, half, dims)
    if expected <= limit:
        return Cost()
    return Cost(mib=expected / MIB, skipped=f"would take about {expected / 2**30:.1f} GiB")
