"""A supernet is each of its candidates in turn, with weights that they share."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from evaluators.weight_sharing import Supernet, recalibrate
from search_spaces import HOSTS, Architecture, Placement
from search_spaces.errors import InputError
from search_spaces.hosts import Host
from tests.search_spaces.tiny import CHANNELS, CLASSES, filled, images, options, size_for

HOLDING = ("se", "sk", "attention_gate")


def supernet(paths: list[Architecture]) -> Supernet:
    plain = Architecture(paths[0].host, 2, paths[0].options)
    return Supernet(plain, paths, CHANNELS, CLASSES, seed=3).double().eval()


def alone(architecture: Architecture) -> Host:
    return architecture.build(CHANNELS, CLASSES, 3).double().eval()


def image_for(architecture: Architecture) -> Tensor:
    return images(size_for(architecture), 2)[0]


@pytest.mark.parametrize("host", HOSTS)
def test_before_training_each_candidate_is_what_it_is_alone(host: str):
    paths = list(dict.fromkeys(filled(host, 2, mechanism) for mechanism in HOLDING))
    network, image = supernet(paths), image_for(paths[0])
    plain = Architecture(host, 2, paths[0].options)
    for candidate in (*paths, plain, *reversed(paths)):
        network.take(candidate)
        torch.testing.assert_close(network(image), alone(candidate)(image))


def test_a_step_goes_through_the_next_candidate_and_moves_its_weights_alone():
    paths = [filled("unet", 2, mechanism) for mechanism in ("se", "sk")]
    network, image = supernet(paths).train(), image_for(paths[0])
    for path in paths:
        network.zero_grad()
        network.outputs(image).logits.square().mean().backward()
        moved = {id(parameter) for parameter in network.parameters() if parameter.grad is not None}
        assert moved == {id(parameter) for parameter in network.network.parameters()}
        count = sum(parameter.numel() for parameter in network.network.parameters())
        assert count == sum(parameter.numel() for parameter in alone(path).parameters())


def test_it_trains_all_that_its_candidates_have_and_holds_nothing_else():
    paths = [filled("unet", 2, mechanism) for mechanism in ("se", "sk")]
    network = supernet(paths)
    plain = Architecture("unet", 2, paths[0].options)
    costs = [path.cost(CHANNELS, CLASSES, (8, 8)).params for path in (*paths, plain)]
    replaced = supernet([paths[1]])
    held = sum(parameter.numel() for parameter in network.parameters())
    beside = sum(parameter.numel() for parameter in replaced.parameters()) - costs[2]  # sk comes beside a convolution
    assert held == costs[0] + beside


def test_what_was_not_drawn_is_named():
    network = supernet([filled("unet", 2, "se")])
    other = Architecture.create("unet", 2, options("unet"), {"bottleneck": Placement("cbam")})
    with pytest.raises(InputError, match=r"supernet: expected .* got cbam\(.*\) in slot 'bottleneck'.*shared_steps"):
        network.take(other)


def test_recalibration_takes_the_statistics_of_the_batches_and_no_others():
    network = nn.Sequential(nn.BatchNorm2d(1), nn.Dropout(0.5)).eval()
    network[0].running_mean.fill_(9)
    batches = [torch.full((2, 1, 3, 3), value) for value in (1.0, 5.0)]
    recalibrate(network, batches)
    assert network[0].running_mean.item() == pytest.approx(3)
    assert network[0].momentum == 0.1
    assert not any(module.training for module in network.modules())
