"""A network in training: the average of its weights."""

from __future__ import annotations

import pytest
import torch

from evaluators.labelling import Labelling
from evaluators.losses import DiceAndEntropy
from evaluators.optimisation import AVERAGED, Optimisation
from search_spaces.architecture.architecture import Architecture

STEPS = 100
SETTINGS = {"learning_rate": 1e-2, "weight_decay": 0.0, "warmup": 0.2, "clip": 1.0}


def test_the_average_follows_the_weights_over_a_share_of_the_steps():
    network = Architecture.create("unet", 2, {"depth": 1, "width": 2, "norm": "batch"}).build(1, 1)
    work = Optimisation(network, DiceAndEntropy(Labelling.exclusive(["disc"])), STEPS, **SETTINGS, averaged=True)
    images, labels = torch.randn(2, 1, 8, 8), torch.randint(0, 2, (2, 8, 8))
    keep = 1 - 1 / (AVERAGED * STEPS)
    expected: dict[str, torch.Tensor] = {}
    for _ in range(6):
        work.step(images, labels)
        for name, value in network.state_dict().items():
            if value.is_floating_point():
                expected[name] = value.clone() if name not in expected else keep * expected[name] + (1 - keep) * value

    average = work.average.state_dict()
    for name, value in expected.items():
        torch.testing.assert_close(average[name], value, rtol=1e-4, atol=1e-6)
    assert not work.average.training
    assert any(not torch.equal(average[name], value) for name, value in network.state_dict().items())


def test_without_an_average_there_is_none():
    network = Architecture.create("unet", 2, {"depth": 1, "width": 2}).build(1, 1)
    work = Optimisation(network, DiceAndEntropy(Labelling.exclusive(["disc"])), STEPS, **SETTINGS)
    with pytest.raises(AssertionError):
        _ = work.average
