"""How much memory of its device a training takes, predicted before anything is built.

Weights, their gradients and the two moments of AdamW, four bytes each; what autograd keeps of the forward pass, an
image at a time (``Meter``), and the largest tensors that come and go; the loss over all classes; in place of all these,
where it is more, what AdamW needs to step; and what a process holds of a GPU before it does anything.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterable, Sequence

import numpy as np

from nas.profiles.meter import Meter
from nas.profiles.parts import assemble
from search_spaces.architecture.architecture import Architecture
from search_spaces.space.union import SearchSpace

FLOAT = 4  # bytes
COPIES = 4  # of every weight: itself, its gradient, the two moments of AdamW
ROOTS = 2  # copies that AdamW makes of a weight as it steps: on a CPU of each in turn, on a GPU one of all at once
OF_LOSS = 8  # values a class and pixel that the loss holds at once: logits, probabilities, the reference, products
AT_ONCE = 4  # tensors as large as the largest that are held beside those kept: results, and their gradients
MARGIN = 1.25  # for the workspaces of kernels, and what an allocator cannot use
CONTEXT = 700 * 2**20  # bytes that CUDA and its libraries take a process
DRAWN = 16  # architectures of a space that are measured
LARGEST = 3  # plain networks a host that are, those with the most multiply-accumulates
TRIES = 10  # draws for each of them: limits may leave few


def training_bytes(architecture: Architecture, in_channels: int, classes: int, size: Sequence[int], batch: int) -> int:
    """Bytes that a training step with ``batch`` images ``(in_channels, *size)`` takes, in float32.

    Half precision takes less. That is no upper bound: kernels choose workspaces as they please.
    """
    assembled = assemble(architecture, in_channels, classes)
    meter = Meter(assembled)
    meter.run((in_channels, *size), training=True)
    sizes = [tensor.numel() for tensor in assembled.network.parameters()]
    weights = sum(sizes)
    stepping = FLOAT * max(weights, ROOTS * max(sizes))  # when the forward pass is forgotten again
    loss = OF_LOSS * (1 + classes) * math.prod(size)
    image = in_channels * math.prod(size)
    activations = sum(meter.kept_by.values()) + AT_ONCE * meter.largest
    return COPIES * FLOAT * weights + max(batch * (activations + FLOAT * (loss + image)), stepping)


def bytes_on_a_gpu(needed: int) -> int:
    """What a process takes of a GPU's memory whose training takes ``needed`` bytes."""
    return math.ceil(needed * MARGIN) + CONTEXT


def demanding(
    space: SearchSpace, admits: Callable[[Architecture], bool], macs: Callable[[Architecture], int], seed: int
) -> list[Architecture]:
    """Admitted architectures among which those that take much memory are: large plain networks, and many slots filled.

    Args:
        space: what is searched.
        admits: whether an architecture is within the limits.
        macs: multiply-accumulates of an architecture.
        seed: of the draws.
    """
    plain = sorted(filter(admits, space.plain_networks()), key=lambda network: network.host)
    largest: list[Architecture] = []
    for _, networks in itertools.groupby(plain, key=lambda network: network.host):
        largest += sorted(networks, key=macs)[-LARGEST:]
    draws = (space.sample(np.random.default_rng((seed, index)), sparse=False) for index in range(DRAWN * TRIES))
    return [*largest, *_first(filter(admits, draws), DRAWN)]


def _first(found: Iterable[Architecture], count: int) -> list[Architecture]:
    return list(dict.fromkeys(itertools.islice(found, count)))
