"""Every mechanism trains in every host, and so does every preset."""

from __future__ import annotations

import fnmatch
import re
from typing import NamedTuple

import pytest
import torch

from search_spaces import HOSTS, MECHANISMS, Architecture
from search_spaces.architecture.preset import load_preset, preset_names
from search_spaces.hosts import Host
from tests.search_spaces.tiny import CHANNELS, CLASSES, filled, images, loss_of, narrowed, size_for

FILLED = {
    f"{host}-{dims}d-{mechanism}": filled(host, dims, mechanism)
    for host in HOSTS
    for dims in HOSTS[host].dims
    for mechanism in MECHANISMS
}
PRESETS = {  # of those without slots, padded to 32 positions an axis, tests/search_spaces/test_rivals.py has 3D
    f"preset-{name}-{dims}d": narrowed(name, dims)
    for name in preset_names()
    for dims in ((2,) if HOSTS[load_preset(name).host].outside else HOSTS[load_preset(name).host].dims)
}
CASES = {case: architecture for case, architecture in FILLED.items() if not architecture.is_plain} | PRESETS

DRAWS = 4
LEAST_MOVE = 3e-5  # of a weight: rounding alone was seen to move one by 1e-6, gradients by 1e-4 and more


class Still(NamedTuple):
    """Parameters that no step moves, in the cases of a pattern, and why.

    A pattern is of the names in a mechanism, in all slots or after the slot's; ``host`` stands before the others.
    """

    case: str
    why: str
    parameters: tuple[str, ...]


SHIFT = "a norm takes out the shift that it makes before anything else sees it"
SOFTMAX = "it is the same for all that a softmax weighs"
POSITIVE = "the slope of a PReLU for negative values, which a block that ends in a ReLU never gives"
BLOCK = "the map is one block: a position far away is none"
CONSTANT = "in an image it makes one shift of every channel, which the instance norm that follows takes out"
ALONE = "of two channels two quarters are empty, and a norm of the mask alone leaves its bias"

STILL = (
    Still("*-attention_gate", SHIFT, ("gates.0.project.bias",)),
    Still("*-axial", SHIFT, ("attend.0.norm_result.bias",)),
    Still("*-3d-axial", SHIFT, ("attend.1.norm_result.bias",)),
    Still("*-axial", SOFTMAX, ("attend.*.norm_scores.bias",)),
    Still("*-bam", SHIFT, ("spatial.0.bias", "spatial.3.bias", "spatial.6.bias")),
    Still("*-coordinate", SHIFT, ("squeeze.bias",)),
    Still("*-criss_cross", SOFTMAX, ("key.bias",)),
    Still("*-cross", SHIFT, ("project.bias",)),
    Still("*-danet", SOFTMAX, ("attention.key.bias",)),
    Still("*-efficient", SOFTMAX, ("key.bias",)),
    Still("*-fusion_non_local", SHIFT, ("attention.query.0.bias",)),
    Still("*-*_non_local", SHIFT, ("attention.key.0.bias", "attention.value.bias", "attention.project.bias")),
    Still("*-*_non_local", SHIFT, ("join.0.bias",)),
    Still("*-gsop", SHIFT, ("branches.0.reduce.bias",)),
    Still("*-iau", SHIFT, ("channel.bias", "context.bias", "embed.bias", "masks.0.bias", "update.0.bias")),
    Still("*-iau", SOFTMAX, ("relation.0.bias", "relation.1.bias")),
    Still("*-non_local", SHIFT, ("g.bias", "project.bias")),
    Still("*-non_local", SOFTMAX, ("phi.bias",)),
    Still("*-ocr", SHIFT, ("query.[03].bias", "key.[03].bias", "value.0.bias", "expand.0.bias", "join.0.bias")),
    Still("partial_decoder-*-ca_channel", POSITIVE, ("host decoder.1.activation.weight",)),
    Still("partial_decoder-*-res2net", POSITIVE, ("host decoder.1.activation.weight",)),
    Still("partial_decoder-*-sk", POSITIVE, ("host decoder.1.activation.weight",)),
    Still("partial_decoder-*-split", POSITIVE, ("host decoder.1.activation.weight",)),
    Still("dual_decoder-*-group_bridge", ALONE, ("decoder_0 bridge.spread.[23].0.weight",)),
    Still("window_transformer-*-interlaced", BLOCK, ("bottleneck *long_range.query.*", "bottleneck *long_range.key.*")),
    # What the paths of a dual_path have at the bottleneck goes through a 1x1 convolution into a norm.
    Still("dual_path-*-axial", SHIFT, ("*_bottleneck norm.bias",)),
    Still("dual_path-*-danet", SHIFT, ("cross_bottleneck attention.value.bias",)),
    Still("dual_path-*-efficient", SHIFT, ("cross_bottleneck value.bias", "cross_bottleneck project.bias")),
    Still("dual_path-*-bi_level", SHIFT, ("cross_bottleneck spread.bias", "cross_bottleneck project.bias")),
    Still("dual_path-*-hadamard", SHIFT, ("cross_bottleneck join.2.bias",)),
    Still("dual_path-*-mscam", SHIFT, ("cross_bottleneck convolve.join.1.bias",)),
    Still("dual_path-*-iau", SHIFT, ("cross_bottleneck context_norm.bias",)),
    Still("dual_path-*-interaction", SHIFT, ("cross_bottleneck channel_norm.bias",)),
    Still("dual_path-*-mhsa", SHIFT, ("cross_bottleneck block.perceptron.2.bias",)),
    Still("dual_path-*-non_local", SHIFT, ("cross_bottleneck norm.bias",)),
    Still("dual_path-*-window", SHIFT, ("cross_bottleneck blocks.1.perceptron.2.bias",)),
    Still("preset-anu_net-*", SHIFT, ("gates.0.theta.bias", "gates.0.phi.bias", "gates.0.psi.bias")),
    Still("preset-attention_unet-*", SHIFT, ("gates.0.project.bias",)),
    Still("preset-ca_net-*", SHIFT, ("gates.*.project.bias", "gates.*.norm.bias", "fuse.0.bias")),
    Still("preset-ca_net-*", SHIFT, ("g.bias", "project.bias")),
    Still("preset-ca_net-*", SOFTMAX, ("phi.bias",)),
    Still("preset-cmunext_s-*", SHIFT, ("host network.stem.0.bias", "host network.encoder.?.1.0.bias")),
    Still("preset-cmunext_s-*", SHIFT, ("host network.up.?.0.bias",)),
    Still("preset-mk_unet*", SHIFT, ("host network.gates.*.0.bias", "host network.gates.*.score.1.bias")),
    Still("preset-tiny_unet-*", SHIFT, ("host network.*.cascade.6.1.bias",)),
    Still("preset-unext-*", SHIFT, ("host network.encoder.?.0.bias", "host network.decoder.?.0.bias")),
    Still("preset-m3_net-*", SHIFT, ("channel.bias", "context.bias", "embed.bias", "masks.0.bias", "update.0.bias")),
    Still("preset-m3_net-*", SHIFT, ("context_norm.bias",)),
    Still("preset-m3_net-*", SOFTMAX, ("relation.0.bias", "relation.1.bias")),
    Still("preset-m3_net-2d", CONSTANT, ("channel_norm.bias", "embed.*", "masks.*", "relation.*", "update.*")),
    Still("preset-m3_net-2d", CONSTANT, ("context.*", "context_norm.*")),
    Still("preset-non_local_unet-*", SHIFT, ("g.bias", "project.bias", "norm.bias")),
    Still("preset-non_local_unet-*", SOFTMAX, ("phi.bias",)),
    Still("preset-u_net_transformer-*", SHIFT, ("skip_* project.bias",)),
)  # fmt: skip


@pytest.mark.parametrize("case", CASES)
def test_a_network_trains_and_every_parameter_moves_or_is_still_for_a_reason(case: str) -> None:
    """Units may be dead from the start by bad luck, or wait for another; what moves in no draw stands still."""
    size, network = size_for(CASES[case]), build(CASES[case])
    expected = expected_still(case, network)
    still = trained(network, size, steps=2)
    for draw in range(1, DRAWS):
        if still != expected:
            still &= trained(build(CASES[case], draw), size, steps=2 + draw)
    assert still - expected == set(), "does not move, and nothing says why"
    assert expected - still == set(), "moves, for all that is said"


@pytest.mark.parametrize("entry", STILL, ids=[f"{entry.case}-{entry.parameters[0]}" for entry in STILL])
def test_every_reason_has_a_case(entry: Still) -> None:
    assert any(fnmatch.fnmatchcase(case, entry.case) for case in CASES)


def _told(key: str) -> str:
    """``SLOT NAME`` of a parameter of a mechanism, ``host NAME`` of another."""
    match = re.fullmatch(r"attention\.([a-z_0-9]+)\.series\.0\.(?:mechanism\.)?(.*)", key)
    return " ".join(match.groups()) if match else f"host {key}"


def expected_still(case: str, network: Host) -> set[str]:
    """Names of the parameters of ``network`` that ``STILL`` says do not move."""
    told = {_told(key): key for key, parameter in network.named_parameters() if parameter.numel()}
    expected: set[str] = set()
    for entry in STILL:
        for pattern in entry.parameters if fnmatch.fnmatchcase(case, entry.case) else ():
            found = {told[name] for name in fnmatch.filter(told, pattern if " " in pattern else f"* {pattern}")}
            assert found, f"{entry}: nothing is called {pattern}"
            expected |= found
    return expected


def trained(network: Host, size: tuple[int, ...], steps: int) -> set[str]:
    """Steps on one image, then on two: names of the parameters that did not move.

    The second step reaches what the first had behind a zero.
    """
    torch.manual_seed(0)  # some mechanisms drop out
    named = {key: parameter for key, parameter in network.named_parameters() if parameter.numel()}
    parameters = list(named.values())
    before = [parameter.detach().clone() for parameter in parameters]
    optimiser = torch.optim.Adam(parameters, lr=0.01, foreach=True)
    for step in range(steps):
        optimiser.zero_grad()
        loss = loss_of(network, *images(size, batch=min(1 + step, 2)))
        loss.backward()
        assert loss.isfinite()
        assert all(parameter.grad is None or parameter.grad.isfinite().all() for parameter in parameters)
        optimiser.step()
    moved = torch._foreach_norm(torch._foreach_sub(parameters, before), torch.inf)
    return {key for key, distance in zip(named, moved, strict=True) if distance < LEAST_MOVE}


def build(architecture: Architecture, seed: int = 0) -> Host:
    return architecture.build(CHANNELS, CLASSES, seed).double().train()
