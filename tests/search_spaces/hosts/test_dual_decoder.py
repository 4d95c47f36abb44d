"""What the second decoder sees, what it gives the first, and when it runs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from search_spaces.architecture.preset import load_preset
from search_spaces.hosts.dual_decoder import Cross, DualDecoder
from search_spaces.initialisation import initialise
from tests.search_spaces.hosts.test_hosts import ODD, image

DEPTH = 2
PUBLISHED_PARAMS = 6_835_638


def build(attention: Mapping[str, nn.Module] | None = None, dims: int = 2, **options: Any) -> DualDecoder:
    network = DualDecoder(2, 3, dims=dims, attention=attention or {}, depth=DEPTH, width=4, **options)
    initialise(network, 0)
    return network


class Half(nn.Module):
    """Stands in a slot and halves what passes."""

    def forward(self, x: Tensor, *_: Any) -> Tensor:
        return x / 2


def traced(network: DualDecoder, x: Tensor) -> dict[str, tuple[Tensor, ...]]:
    """What each decoder stage was given and, last, what it gave, by its name; a stage that did not run is left out."""
    found: dict[str, tuple[Tensor, ...]] = {}
    for name, module in network.named_modules():
        if name in {f"{decoder}.{level}" for decoder in ("decoder", "second") for level in range(DEPTH)}:
            module.register_forward_hook(lambda _module, given, y, name=name: found.__setitem__(name, (*given, y)))
    with torch.no_grad():
        network.outputs(x)
    return found


@pytest.mark.parametrize("dims", [2, 3])
@pytest.mark.parametrize("block", ["plain", "squeezed"])
def test_the_second_decoder_weights_what_the_first_hands_on(dims: int, block: str) -> None:
    network = build(dims=dims, block=block).eval()
    stages = traced(network, image(dims, ODD[dims]))
    first, second = stages["decoder.1"][-1], stages["second.1"][-1]
    cross = network.cross[1]
    assert isinstance(cross, Cross)
    weights = torch.sigmoid(cross.score(second))
    assert weights.shape == (1, 1, *first.shape[2:])
    torch.testing.assert_close(stages["decoder.0"][0], first * weights)
    torch.testing.assert_close(stages["second.0"][0], second)


def test_without_a_cross_the_first_decoder_knows_nothing_of_the_second() -> None:
    network = build(cross=False).eval()
    x = image(2, ODD[2])
    before = network(x)
    for parameter in [*network.second.parameters(), *network.second_head.parameters()]:
        nn.init.constant_(parameter, torch.nan)
    assert torch.equal(network(x), before)


@pytest.mark.parametrize(("cross", "training", "runs"), [(False, False, 0), (False, True, DEPTH), (True, False, DEPTH)])
def test_the_second_decoder_runs_where_it_is_needed(cross: bool, training: bool, runs: int) -> None:
    stages = traced(build(cross=cross).train(training), image(2, ODD[2]))
    assert len([name for name in stages if name.startswith("second")]) == runs


def test_both_decoders_start_from_one_bottleneck_and_only_the_first_has_the_attended_skips() -> None:
    x = image(2, ODD[2])
    plain = traced(build().eval(), x)
    halved = traced(build({"bottleneck": Half(), **{f"skip.{level}": Half() for level in range(DEPTH)}}).eval(), x)
    assert torch.equal(halved["decoder.1"][0], plain["decoder.1"][0] / 2)
    assert torch.equal(halved["second.1"][0], plain["second.1"][0] / 2)
    for level in range(DEPTH):
        assert torch.equal(halved[f"decoder.{level}"][1], plain[f"decoder.{level}"][1] / 2)
        assert torch.equal(halved[f"second.{level}"][1], plain[f"second.{level}"][1])


@pytest.mark.parametrize(("target", "channels"), [("image", 2), ("boundary", 1)])
@pytest.mark.parametrize("cross", [True, False])
def test_the_second_decoder_learns_its_target_at_full_size(target: str, channels: int, cross: bool) -> None:
    network, x = build(target=target, cross=cross).train(), image(2, ODD[2])
    (auxiliary,) = network.outputs(x).auxiliary
    assert (auxiliary.target, auxiliary.weight) == (target, 1.0)
    assert auxiliary.prediction.shape == (1, channels, *ODD[2])


def test_ddanet_has_the_published_parameters_but_for_differences_told_to_the_last() -> None:
    architecture = load_preset("ddanet")
    encoder, decoder = (32, 64, 128, 256), (16, 32, 64, 128)
    biases = 2 * 3 * sum(encoder) + 2 * 2 * 3 * sum(decoder)  # three in each residual block, two blocks a stage
    outputs = (decoder[0] + 1) + 2 * (decoder[0] + 1)  # of the background, and of colours where theirs is grey
    assert architecture.cost(3, 1, (32, 32)).params == PUBLISHED_PARAMS - biases + outputs
