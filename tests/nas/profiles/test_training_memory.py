"""The predicted memory of a training step beside what a real one takes."""

from __future__ import annotations

import weakref
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode

from evaluators.labelling import Labelling
from evaluators.losses import DiceAndEntropy, training_loss
from nas.profiles.parts import tensors
from nas.profiles.training_memory import CONTEXT, DRAWN, LARGEST, bytes_on_a_gpu, demanding, training_bytes
from search_spaces.architecture.architecture import Architecture
from search_spaces.space.space_file import load_space

SIZE = {2: (64, 64), 3: (16, 16, 16)}
BATCH = 2


class Peak(TorchDispatchMode):
    """The most bytes of tensors that are alive at once, counted independently of any prediction."""

    def __init__(self) -> None:
        super().__init__()
        self.alive: dict[int, int] = {}
        self.most = 0

    def count(self, tensor: Tensor) -> None:
        storage = tensor.untyped_storage()
        if storage._cdata not in self.alive:
            self.alive[storage._cdata] = storage.nbytes()
            weakref.finalize(storage, self.alive.pop, storage._cdata)
            self.most = max(self.most, sum(self.alive.values()))

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        result = func(*args, **(kwargs or {}))
        for tensor in tensors(result):
            self.count(tensor)
        return result


def taken(architecture: Architecture) -> int:
    """Bytes that two real steps take at their peak."""
    size = SIZE[architecture.dims]
    network = architecture.build(1, 1).train()
    images, labels = torch.randn(BATCH, 1, *size), torch.randint(0, 2, (BATCH, *size))
    criterion = DiceAndEntropy(Labelling.exclusive(["disc"]), torch.device("cpu"))
    with Peak() as peak:
        for parameter in network.parameters():
            peak.count(parameter)
        optimiser = torch.optim.AdamW(network.parameters())
        for _ in range(2):
            training_loss(network.outputs(images), images, labels, criterion).backward()
            optimiser.step()
            optimiser.zero_grad()
    return peak.most


@pytest.mark.parametrize("dims", [2, 3])
@pytest.mark.parametrize("draw", [0, 1])
def test_a_training_step_takes_what_is_predicted(dims: int, draw: int) -> None:
    space = load_space("unet", dims)
    architecture = space.sample(np.random.default_rng((0, draw)), sparse=False) if draw else space.plain()
    predicted = training_bytes(architecture, 1, 1, SIZE[dims], BATCH)
    assert predicted / 2 < taken(architecture) < predicted * 1.1


def test_it_grows_with_batch_and_patch_and_a_gpu_wants_more_than_the_step() -> None:
    plain = load_space("unet", 2).plain()
    one, two, wide = (training_bytes(plain, 1, 1, s, b) for s, b in (((96, 96), 1), ((96, 96), 2), ((192, 192), 2)))
    weights = 2 * one - two
    assert (wide - weights) == pytest.approx(4 * (two - weights), rel=0.05)
    assert bytes_on_a_gpu(one) > one + CONTEXT


def test_what_is_measured_is_admitted_holds_the_largest_plain_network_and_networks_full_of_attention() -> None:
    space = load_space({"host": "unet", "options": {"width": [4, 8], "depth": [2, 3]}, "mechanisms": ["se", "eca"]}, 2)

    def macs(architecture: Architecture) -> int:
        return architecture.cost(1, 1, (32, 32)).macs

    limit = max(map(macs, space.plain_networks()))
    found = demanding(space, lambda architecture: macs(architecture) <= limit, macs, seed=0)
    assert max(map(macs, found)) == limit
    assert len(found) == len(set(found)) <= LARGEST + DRAWN
    assert sum(not architecture.is_plain for architecture in found) >= DRAWN // 2
