"""Where a network looks at an image that is larger than its patch, and how what it says there is put together.

Positions and weights are those of MONAI's ``SlidingWindowInferer`` with an overlap of a half and Gaussian weights. That
one keeps the outputs of the whole image until the last window, and its import takes seconds and 200 MB.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

Place = tuple[slice, ...]  # of a window within the image

DEVIATION = 0.125  # of the Gaussian, as a share of the window
LEAST = 1e-3  # weight of a voxel in the corner of a window


@dataclass(frozen=True)
class Windows:
    """Windows over an image that overlap by half, in the order of their places along one axis.

    Attributes:
        size: of the image.
        window: of each window.
        axis: the axis.
    """

    size: tuple[int, ...]
    window: tuple[int, ...]
    axis: int

    @classmethod
    def over(cls, size: Sequence[int], patch: Sequence[int], axis: int | None = None) -> Windows:
        """An axis up to twice the patch is seen whole, but for patches of one voxel, which are slices.

        Without ``axis``, it is the one of which a window is least.
        """
        window = [
            length if length <= 2 * want and want > 1 else min(length, want)
            for length, want in zip(size, patch, strict=True)
        ]
        return cls(tuple(size), tuple(window), int(np.argmin(np.divide(window, size))) if axis is None else axis)

    def __len__(self) -> int:
        return math.prod(map(len, self._starts()))

    def __iter__(self) -> Iterator[Place]:
        starts = self._starts()
        first = starts.pop(self.axis)
        for start, others in itertools.product(first, itertools.product(*starts)):
            place = (*others[: self.axis], start, *others[self.axis :])
            yield tuple(slice(begin, begin + length) for begin, length in zip(place, self.window, strict=True))

    def _starts(self) -> list[list[int]]:
        steps = [max(length // 2, 1) for length in self.window]
        lasts = [length - part for length, part in zip(self.size, self.window, strict=True)]
        return [
            [min(start, last) for start in range(0, last + step, step)] for last, step in zip(lasts, steps, strict=True)
        ]

    def weights(self) -> Tensor:
        """``(*window)``: how much each voxel of a window counts; those at its border know little of what is beyond."""
        weights = torch.ones(())
        for length in self.window:
            distance = torch.arange(length) - (length - 1) / 2
            weights = weights[..., None] * torch.exp(-0.5 * (distance / (DEVIATION * length)) ** 2)
        return weights.clamp(min=LEAST)

    def put_together(self, parts: Iterator[Tensor]) -> Iterator[Tensor]:
        """The weighted mean of what the windows say, plane by plane along the axis: as soon as all of it has been said.

        Args:
            parts: ``(outputs, *window)`` of each window.

        Yields:
            ``(outputs, planes, *plane)``, to be used before the next is asked for.
        """
        if len(self) == 1:
            yield from (part.movedim(self.axis + 1, 1) for part in parts)
            return
        depth, begin = self.window[self.axis], 0
        plane = [*self.size[: self.axis], *self.size[self.axis + 1 :]]
        total = torch.zeros(0)
        for place in self:
            part = next(parts)
            if not len(total):
                weights = self.weights().to(part.device).movedim(self.axis, 0)
                sums = torch.zeros(1, depth, *plane, device=part.device)
                total = torch.zeros(len(part), depth, *plane, device=part.device)
            passed = place[self.axis].start - begin
            if passed:
                yield total[:, :passed].div_(sums[:, :passed])
                _move_up(total, passed)
                _move_up(sums, passed)
                begin += passed
            within = (slice(None), slice(None), *place[: self.axis], *place[self.axis + 1 :])
            total[within].addcmul_(part.movedim(self.axis + 1, 1), weights)
            sums[within] += weights
            del part  # else what the network said is held while it says the next
        yield total.div_(sums)


def brought_to(blocks: Iterable[Tensor], matrix: Tensor) -> Iterator[Tensor]:
    """Consecutive ``(outputs, planes, *plane)`` to others, each a sum of some of them: ``matrix`` ``(new, old)``.

    What is held is a block and the planes before it that are still needed.
    """
    used = matrix != 0
    first, last = used.int().argmax(1), used.shape[1] - 1 - used.flip(1).int().argmax(1)
    held: Tensor | None = None
    begin = done = 0
    for block in blocks:
        held = block if held is None else torch.cat([held, block], 1)
        end = begin + held.shape[1]
        ready = int((last < end).sum())
        if ready > done:
            yield torch.einsum("no,co...->cn...", matrix[done:ready, begin:end], held)
            done = ready
        needed = min(int(first[done]), end) if done < len(matrix) else end
        held, begin = held[:, needed - begin :], needed


def _move_up(held: Tensor, planes: int) -> None:
    """The first ``planes`` of ``(outputs, planes, *plane)`` go, empty ones come at the end; in place."""
    left = held.shape[1] - planes
    for plane in range(left):  # one by one: where they come from and where they go may overlap
        held[:, plane] = held[:, plane + planes]
    held[:, left:] = 0
