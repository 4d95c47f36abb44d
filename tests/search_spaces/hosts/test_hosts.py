"""What holds of every registered host, whatever its shape; a new file is tested the day it appears."""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from search_spaces import HOSTS, MECHANISMS, Architecture, Placement
from search_spaces.hosts import Host, host
from search_spaces.hosts.slot import Slot, size_at
from search_spaces.initialisation import initialise
from search_spaces.layers import ACTIVATION
from search_spaces.stages.convolution import replaced

SIZES: dict[int, list[tuple[int, ...]]] = {2: [(1, 1), (7, 5), (1, 18)], 3: [(1, 1, 1), (5, 3, 6)]}
ODD: dict[int, tuple[int, ...]] = {2: (21, 34), 3: (9, 18, 5)}
EVERY = [(name, dims) for name in HOSTS for dims in HOSTS[name].dims]
every_host = pytest.mark.parametrize(("name", "dims"), EVERY, ids=[f"{name}-{dims}d" for name, dims in EVERY])


def lightest(name: str) -> dict[str, Any]:
    return {option: values[0] for option, values in HOSTS[name].options.items()}


VARIANTS = [
    (name, dims, option, value)
    for name, dims in EVERY
    for option, values in HOSTS[name].options.items()
    for value in values
]
every_variant = pytest.mark.parametrize(
    ("name", "dims", "options"),
    [(name, dims, {**lightest(name), option: value}) for name, dims, option, value in VARIANTS],
    ids=[f"{name}-{dims}d-{option}-{value}" for name, dims, option, value in VARIANTS],
)


class Probe(nn.Module):
    """Stands in a slot, changes nothing, and remembers the shapes that it was called with."""

    def __init__(self) -> None:
        super().__init__()
        self.calls: list[list[tuple[int, ...]]] = []

    def forward(
        self,
        x: Tensor | list[Tensor],
        gate: Tensor | None = None,
        prediction: Tensor | None = None,
        made: list[Tensor] | None = None,
    ) -> Tensor:
        given = [tensor for tensor in (gate, prediction) if tensor is not None]
        seen = [*(x if isinstance(x, list) else [x]), *given]
        self.calls.append([tuple(tensor.shape[1:]) for tensor in seen])
        return seen[0]


def slots(name: str, dims: int, options: Mapping[str, Any]) -> list[Slot]:
    return HOSTS[name].module.slots(dims=dims, **options)


def build(
    name: str, dims: int, options: Mapping[str, Any], attention: Mapping[str, nn.Module] | None = None, seed: int = 0
) -> Host:
    network = HOSTS[name].module(2, 3, dims=dims, attention=attention or {}, **options)
    initialise(network, seed)
    return network


def image(dims: int, size: tuple[int, ...], batch: int = 1) -> Tensor:
    return torch.randn(batch, 2, *size, generator=torch.Generator().manual_seed(len(size)))


@every_variant
def test_any_size_gives_logits_of_that_size(name: str, dims: int, options: dict[str, Any]) -> None:
    network = build(name, dims, options)
    for training in (True, False):
        for size in SIZES[dims]:
            y = network.train(training)(image(dims, size))
            assert y.shape == (1, 4, *size)
            assert y.isfinite().all()


@every_variant
def test_each_slot_is_visited_once_with_what_it_promises(name: str, dims: int, options: dict[str, Any]) -> None:
    offered = slots(name, dims, options)
    probes = {slot.name: Probe() for slot in offered}
    assert len(probes) == len(offered), "names are unique"
    build(name, dims, options, probes).eval()(image(dims, ODD[dims]))
    for slot in offered:
        (call,) = probes[slot.name].calls
        if slot.pyramid_channels:
            expected = [(c, *size_at(ODD[dims], level)) for level, c in enumerate(slot.pyramid_channels)]
        else:
            expected = [(slot.channels, *size_at(ODD[dims], slot.level))]
        if slot.gate_channels is not None:
            expected.append((slot.gate_channels, *size_at(ODD[dims], slot.level + 1)))
        if slot.predicted:
            expected.append((4, *size_at(ODD[dims], slot.level + 1)))
        assert call == expected, slot


@every_host
def test_a_slot_that_changes_nothing_changes_nothing(name: str, dims: int) -> None:
    offered = slots(name, dims, lightest(name))
    probes = {slot.name: Probe() for slot in offered if slot.replaces is None}
    x = image(dims, ODD[dims])
    plain, probed = (build(name, dims, lightest(name), attention).eval()(x) for attention in ({}, probes))
    assert torch.equal(plain, probed)


@every_host
def test_a_block_takes_the_place_of_one_convolution(name: str, dims: int) -> None:
    options, x = lightest(name), image(dims, ODD[dims])
    plain = build(name, dims, options)
    for slot in slots(name, dims, options):
        if slot.replaces is None:
            continue
        block = replaced(slot.channels, dims=dims, norm=slot.replaces, separable=slot.separable)
        network = build(name, dims, options, {slot.name: block})
        assert sorted(network.state_dict()) == sorted(plain.state_dict()), slot
        network.load_state_dict(plain.state_dict())
        assert torch.equal(network.eval()(x), plain.eval()(x)), slot


class Kept(nn.Module):
    """In a slot of any kind: its gradient needs what it gave, or it gives what it was given."""

    def __init__(self, channels: int, computes: bool) -> None:
        super().__init__()
        self.scale = nn.Parameter(torch.ones(channels))
        self.computes = computes

    def forward(self, x: Tensor | list[Tensor], *_: Any) -> Tensor:
        feature = x[0] if isinstance(x, list) else x
        return torch.tanh(self.scale.reshape(-1, *[1] * (feature.dim() - 2)) * feature) if self.computes else feature


@every_host
@pytest.mark.parametrize("training", [True, False], ids=["train", "eval"])
def test_nothing_overwrites_what_a_slot_gave(name: str, dims: int, training: bool) -> None:
    entry = HOSTS[name]
    varied = {"activation": tuple(ACTIVATION), "block": entry.options.get("block", ())}
    varied = {option: values for option, values in varied.items() if option in entry.options}
    for values in itertools.product(*varied.values()):
        options = lightest(name) | dict(zip(varied, values, strict=True))
        for computes in (True, False):
            kept = {slot.name: Kept(slot.channels, computes) for slot in slots(name, dims, options)}
            outputs = build(name, dims, options, kept).train(training).outputs(image(dims, ODD[dims], batch=2))
            predictions = [outputs.logits, *(auxiliary.prediction for auxiliary in outputs.auxiliary)]
            torch.stack([prediction.sum() for prediction in predictions]).sum().backward()


@every_host
def test_each_slot_takes_a_mechanism_of_each_kind_that_it_offers(name: str, dims: int) -> None:
    entry, options, x = HOSTS[name], lightest(name), image(dims, ODD[dims])
    plain = Architecture.create(name, dims, options).build(2, 3).eval()(x)
    for slot in slots(name, dims, options):
        for mechanism in ("se", "attention_gate", "reverse", "sk", "scale"):
            if MECHANISMS[mechanism].inputs not in slot.inputs:
                assert slot.refuses(MECHANISMS[mechanism], dims)
                continue
            architecture = Architecture.create(entry.name, dims, options, {slot.name: Placement(mechanism)})
            y = architecture.build(2, 3).eval()(x)
            assert y.shape == plain.shape
            assert not torch.equal(y, plain), f"{mechanism} in {slot.name} has no effect"


@every_host
def test_all_slots_can_be_filled_at_once(name: str, dims: int) -> None:
    options = lightest(name)
    for_kind = {"gated": "attention_gate", "feature": "se", "guided": "ocr", "block": "sk", "pyramid": "scale"}
    filled = {slot.name: Placement(for_kind[slot.inputs[-1]]) for slot in slots(name, dims, options)}
    network = Architecture.create(name, dims, options, filled).build(2, 3).train()
    for size in SIZES[dims]:
        y = network(image(dims, size))
        y.sum().backward()
        assert y.shape == (1, 4, *size)


@every_variant
def test_gradients_reach_every_parameter(name: str, dims: int, options: dict[str, Any]) -> None:
    # Two positions at the deepest level: an instance of one position is normalised to nothing.
    side = 2 ** (max(slot.level for slot in slots(name, dims, options)) + 1)
    # Two images under a batch norm: of one alone every channel's mean is a bias, and attention to means is blind.
    x = image(dims, (side, *[4] * (dims - 1)), batch=2 if options.get("norm") == "batch" else 1)
    outputs = (network := build(name, dims, options).train()).outputs(x)
    generator = torch.Generator().manual_seed(1)
    for y in (outputs.logits, *(auxiliary.prediction for auxiliary in outputs.auxiliary)):
        (y * torch.randn(y.shape, generator=generator)).sum().backward(retain_graph=True)
    for key, parameter in network.named_parameters():
        assert parameter.grad is not None, key
        assert parameter.grad.isfinite().all(), key
        assert parameter.grad.abs().max() > 0, key


@every_variant
def test_inference_needs_every_weight_but_those_named_training_only(
    name: str, dims: int, options: dict[str, Any]
) -> None:
    network = build(name, dims, options).eval()
    network(image(dims, ODD[dims])).sum().backward()
    idle = {key for key, parameter in network.named_parameters() if parameter.grad is None}
    prefixes = HOSTS[name].module.training_only(**options)
    assert idle == {key for key, _ in network.named_parameters() if key.startswith(prefixes)}


@every_host
def test_each_value_of_an_option_makes_another_network(name: str, dims: int) -> None:
    """So that no two architectures are the same network."""
    options = lightest(name)
    changes = [(option, value) for option, values in HOSTS[name].options.items() for value in values[1:]]
    every = [options, *({**options, option: value} for option, value in changes)]
    made = {_made(build(name, dims, settings), image(dims, ODD[dims], batch=2)) for settings in every}
    assert len(made) == len(every)


def _made(network: Host, x: Tensor) -> tuple[object, ...]:
    """All that a network gives in training, and what the outputs beside the logits are for."""
    with torch.no_grad():
        outputs = network.train().outputs(x)
    auxiliary = ((one.target, one.weight, one.prediction.numpy().tobytes()) for one in outputs.auxiliary)
    return outputs.logits.numpy().tobytes(), *auxiliary


@every_host
def test_eval_is_deterministic_and_sees_each_image_alone(name: str, dims: int) -> None:
    network = build(name, dims, HOSTS[name].defaults).eval()
    x = image(dims, ODD[dims], batch=2)
    state = {key: tensor.clone() for key, tensor in network.state_dict().items()}
    y = network(x)
    assert torch.equal(network(x), y)
    torch.testing.assert_close(network(x[1:]), y[1:], rtol=1e-4, atol=1e-4)
    assert all(torch.equal(tensor, state[key]) for key, tensor in network.state_dict().items())


@every_host
def test_the_image_is_left_as_it_was(name: str, dims: int) -> None:
    x = image(dims, ODD[dims])
    build(name, dims, HOSTS[name].defaults).train()(x)
    assert torch.equal(x, image(dims, ODD[dims]))


@pytest.mark.parametrize(
    ("name", "dims"),
    [pytest.param(*one, marks=pytest.mark.slow if one[0] == "window_transformer" else ()) for one in EVERY],
)
def test_the_exported_program_computes_the_same(name: str, dims: int) -> None:
    network, x = build(name, dims, HOSTS[name].defaults).eval(), image(dims, ODD[dims])
    program = torch.export.export(network, (x,))
    torch.testing.assert_close(program.module()(x), network(x), rtol=1e-4, atol=1e-5)


@every_host
def test_defaults_are_offered_and_the_entry_says_what_it_is(name: str, dims: int) -> None:
    entry = HOSTS[name]
    assert issubclass(entry.module, Host)
    assert entry.title
    assert entry.module.__doc__
    assert all(entry.defaults[option] in values for option, values in entry.options.items())
    assert all(len(set(values)) == len(values) for values in entry.options.values())


@every_variant
def test_what_training_learns_beside_the_logits_fits_the_task(name: str, dims: int, options: dict[str, Any]) -> None:
    network, x = build(name, dims, options), image(dims, ODD[dims])
    channels = {"labels": 4, "image": 2, "boundary": 1}
    for auxiliary in network.train().outputs(x).auxiliary:
        assert auxiliary.prediction.shape[:2] == (1, channels[auxiliary.target])
        assert auxiliary.weight > 0
    assert network.eval().outputs(x).auxiliary == []


# -- registration and slots ---------------------------------------------------------------------------------


class Minimal(Host):
    """A host whose only option is its width."""

    def __init__(
        self, in_channels: int, classes: int, *, dims: int, attention: Mapping[str, nn.Module], width: int = 4
    ) -> None:
        super().__init__(attention)


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({"depth": (2, 3)}, "option 'depth' is no argument of Minimal"),
        ({"width": (8,)}, "default width=4 is not among"),
    ],
)
def test_a_host_that_does_not_fit_its_entry_is_refused_at_import(options: dict[str, Any], expected: str) -> None:
    with pytest.raises(ValueError, match=expected):
        host("minimal", title="Minimal", options=options)(Minimal)
    assert "minimal" not in HOSTS


def test_a_name_twice_is_refused() -> None:
    with pytest.raises(ValueError, match="host 'unet' is registered twice"):
        host("unet", title="Another", options={"width": (4,)})(Minimal)


def test_sizes_are_rounded_up_at_each_halving() -> None:
    for length in range(1, 40):
        expected = length
        for level in range(6):
            assert size_at((length, 1), level) == (expected, 1)
            expected = math.ceil(expected / 2)


def test_a_slot_says_why_a_mechanism_cannot_sit_in_it() -> None:
    se, gate = MECHANISMS["se"], MECHANISMS["attention_gate"]
    encoder, skip = Slot("encoder.0", 8, 0), Slot("skip.0", 8, 0, gate_channels=16)
    output = Slot("output", 8, 0, pyramid_channels=(8, 16))
    reverse, block = MECHANISMS["reverse"], Slot("block.bottleneck", 8, 2, replaces="instance")
    assert skip.refuses(reverse, 2) is Slot("decoder.0", 8, 0, predicted=True).refuses(reverse, 2) is None
    assert block.refuses(MECHANISMS["sk"], 3) is None
    assert block.refuses(se, 2) == "mechanism 'se' takes feature input, slot 'block.bottleneck' offers block"
    assert encoder.refuses(se, 2) is None
    assert skip.refuses(se, 3) is skip.refuses(gate, 3) is None
    assert encoder.refuses(gate, 2) == ("mechanism 'attention_gate' takes gated input, slot 'encoder.0' offers feature")
    assert output.refuses(se, 2) == "mechanism 'se' takes feature input, slot 'output' offers pyramid"
    assert encoder.refuses(se, 1) == "mechanism 'se' exists in 2, 3D only, the network is 1D"
