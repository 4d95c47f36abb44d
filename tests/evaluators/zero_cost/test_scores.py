"""What every zero-cost score keeps to, and each held to its equation on a network that is worked out by hand."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor, nn

from evaluators.evaluator import Diverged
from evaluators.preprocessing import prepare
from evaluators.zero_cost import ZERO_COST, zero_cost_score
from search_spaces import HOSTS, Architecture
from search_spaces.hosts import Host, Outputs
from tests.evaluators.made_tasks import disc_task
from tests.search_spaces.tiny import filled, options

TASK = prepare(disc_task([(16, 16)], train=8))
everywhere = pytest.mark.parametrize("name", list(ZERO_COST))


class Chain(Host):
    """Layers one after another."""

    def __init__(self, *layers: nn.Module) -> None:
        super().__init__({})
        self.layers = nn.Sequential(*layers)

    def outputs(self, image: Tensor) -> Outputs:
        return Outputs(self.layers(image))


def conv(weight: float) -> nn.Conv2d:
    layer = nn.Conv2d(1, 1, 1, bias=False)
    nn.init.constant_(layer.weight, weight)
    return layer


def score(name: str, network: Host, images: Tensor) -> float:
    return ZERO_COST[name](network, images, torch.zeros(len(images), 2, 2, dtype=torch.int64), lambda x, y: x.mean())


@everywhere
@pytest.mark.parametrize("host", HOSTS)
def test_every_host_has_a_score_that_repeats(name: str, host: str):
    architecture = Architecture.create(host, 2, options(host))
    scores = {zero_cost_score(name, architecture, TASK, seed=0) for _ in range(2)}
    assert len(scores) == 1
    assert math.isfinite(*scores)


@everywhere
@pytest.mark.parametrize("mechanism", ["mhsa", "attention_gate", "reverse", "scale", "res2net"])
def test_networks_with_attention_have_a_score(name: str, mechanism: str):
    assert math.isfinite(zero_cost_score(name, filled("unet", 2, mechanism), TASK, seed=0))


@everywhere
def test_a_wider_network_scores_otherwise(name: str):
    narrow, wide = (Architecture.create("unet", 2, {"depth": 2, "width": width}) for width in (4, 16))
    assert zero_cost_score(name, narrow, TASK, 0) != zero_cost_score(name, wide, TASK, 0)


def test_synflow_is_the_flow_through_positive_weights_without_norms():
    network = Chain(conv(-2.0), nn.BatchNorm2d(1, affine=False), conv(3.0))
    flow = 2 * (2 * 3 * 4)  # of each of two weights: the product of both, at four pixels
    assert score("synflow", network, torch.randn(2, 1, 2, 2)) == pytest.approx(math.log(flow))


def test_synflow_of_a_network_that_nothing_flows_through_is_minus_infinity():
    assert score("synflow", Chain(conv(0.0), conv(0.0)), torch.randn(2, 1, 2, 2)) == -math.inf


def test_grad_norm_adds_up_the_norms_of_the_gradients():
    images = torch.full((2, 1, 2, 2), 5.0)
    assert score("grad_norm", Chain(conv(2.0), conv(3.0)), images) == pytest.approx(5 * 3 + 5 * 2)


def test_naswot_counts_activations_of_equal_sign():
    images = torch.tensor([[1.0, 1, 1, 1], [1, 1, -1, -1]]).reshape(2, 1, 2, 2)
    wanted = math.log(4 * 4 - 2 * 2)  # each image is like itself at four places, like the other at two
    assert score("naswot", Chain(conv(1.0), nn.ReLU()), images) == pytest.approx(wanted)


def test_images_that_pass_alike_have_no_naswot():
    assert score("naswot", Chain(conv(1.0), nn.ReLU()), torch.ones(2, 1, 2, 2)) == -math.inf


def test_a_score_that_is_not_finite_is_a_failure(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(ZERO_COST._entries, "endless", lambda *given: math.inf)
    with pytest.raises(Diverged, match="the score 'endless' was inf"):
        zero_cost_score("endless", Architecture.create("unet", 2, {"depth": 1, "width": 4}), TASK, 0)
