"""Networks that are not ours."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
import yaml
from torch import nn

from nas.config.sources import load_architectures
from nas.exports.export import load_export
from search_spaces.architecture.architecture import Architecture
from search_spaces.errors import InputError
from search_spaces.hosts import HOSTS, Outputs

CODE = """
import torch
from torch import nn

SCALE = torch.tensor(2.0)  # as a module may: no constant of the meta device

class Net(nn.Module):
    def __init__(self, in_channels, num_classes, width=4, outputs=1):
        super().__init__()
        self.first = nn.Conv2d(in_channels, width, 3, stride=4, padding=1)
        self.last = nn.ConvTranspose2d(width, num_classes, 4, stride=4)
        self.outputs = outputs

    def forward(self, image):
        logits = self.last(self.first(image)) * SCALE.item()
        return logits if self.outputs == 1 else [logits] * self.outputs

def small(**more):
    return Net(**more)

def named(channels, sizes):
    return Net(channels, sizes[0])

def nothing(in_channels, num_classes):
    return "no network"

class Halved(Net):
    def forward(self, image):
        return super().forward(image)[:, :, ::2]
"""


@pytest.fixture(autouse=True)
def their_code(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    (tmp_path / "their_code.py").write_text(CODE)
    monkeypatch.syspath_prepend(tmp_path)
    yield
    sys.modules.pop("their_code", None)


def one(network: str, **arguments: object) -> Architecture:
    (found,) = load_architectures({"it": {"network": network, "arguments": arguments}}, Path(), 2).values()
    return found


@pytest.mark.parametrize("name", ["python:their_code.Net", "their_code:Net"])
def test_a_class_is_named_in_two_ways(name: str) -> None:
    (named,) = load_architectures([name], Path(), 2).items()
    assert named == ("Net", Architecture.create("python:their_code.Net", 2))
    assert Architecture.from_dict(yaml.safe_load(named[1].to_yaml())) == named[1]
    assert "python:their_code.Net" not in list(HOSTS)


def test_it_takes_any_size_and_gives_logits_of_that_size() -> None:
    network = one("their_code:Net", width=6).build(3, 2)
    image = torch.randn(2, 3, 37, 50)
    outputs = network.outputs(image)
    assert isinstance(outputs, Outputs)
    assert outputs.logits.shape == (2, 3, 37, 50)
    outputs.logits.mean().backward()
    assert all(parameter.grad is not None for parameter in network.parameters())


def test_of_several_outputs_the_first_counts() -> None:
    image = torch.randn(1, 1, 32, 32)
    several, single = (one("their_code:Net", outputs=count).build(1, 1, seed=3).eval() for count in (2, 1))
    torch.testing.assert_close(several(image), single(image))


def test_its_cost_is_exact_and_its_weights_follow_from_the_seed() -> None:
    architecture = one("their_code:Net", width=5)
    cost = architecture.cost(3, 1, (64, 64))
    network = architecture.build(3, 1, seed=1)
    assert cost.params == sum(parameter.numel() for parameter in network.parameters())
    assert cost.macs == 16 * 16 * (3 * 5 * 9 + 5 * 2 * 16)
    state = torch.random.get_rng_state()
    again, other = (dict(architecture.build(3, 1, seed=seed).named_parameters()) for seed in (1, 2))
    assert torch.equal(torch.random.get_rng_state(), state)
    for name, parameter in network.named_parameters():
        assert torch.equal(parameter, again[name])
    assert not torch.equal(again["network.first.weight"], other["network.first.weight"])
    bound = 1 / 27**0.5  # of torch's own initial weights, which it keeps
    assert 0.9 * bound < float(again["network.first.weight"].abs().max()) <= bound


def test_arguments_may_stand_for_numbers_of_the_task() -> None:
    assert one("their_code:small", in_channels="$channels", num_classes="$outputs").build(3, 4)(
        torch.zeros(1, 3, 32, 32)
    ).shape == (1, 5, 32, 32)
    named = one("their_code:named", channels="$channels", sizes=["$outputs"])
    assert isinstance(named.build(1, 1), nn.Module)


@pytest.mark.parametrize(
    ("network", "arguments", "fault"),
    [
        (
            "their_code:Nett",
            {},
            "network 'their_code.Nett': unknown network of their_code 'Nett' (did you mean 'Net'?)",
        ),
        ("no_such_code:Net", {}, "network 'no_such_code.Net': 'no_such_code' cannot be imported: ModuleNotFoundError"),
        ("their_code:SCALE", {}, "network 'their_code.SCALE': expected a class or a function; got Tensor"),
        ("their_code:nothing", {}, "network 'their_code.nothing': expected it to make a torch.nn.Module; got str"),
        ("their_code:Net", {"wide": 3}, "network 'their_code.Net' cannot be made: TypeError: "),
        ("their_code:named", {}, "network 'their_code.named': expected an argument for the channels of the image, as "),
        ("their_code:Halved", {}, "network 'their_code.Halved': expected logits (1, 2, 64, 64); got (1, 2, 32, 64)"),
    ],
)
def test_what_cannot_be_used_is_one_line(network: str, arguments: dict[str, object], fault: str) -> None:
    with pytest.raises(InputError) as raised:
        one(network, **arguments).cost(1, 1, (64, 64))
    assert str(raised.value).startswith(fault)
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize(
    ("given", "fault"),
    [
        (["python:Net"], "network 'python:Net': expected python:MODULE.CALLABLE, as "),
        ({"it": {"network": "a:B", "arguments": 3}}, "network 'a:B': 'arguments' is a mapping; got 3"),
        (
            {"it": {"network": "a:B", "width": 3}},
            "unknown key of a network 'width'; expected one of: arguments, network",
        ),
    ],
)
def test_what_is_written_wrongly_is_one_line(given: list[str] | dict[str, dict[str, object]], fault: str) -> None:
    with pytest.raises(InputError) as raised:
        load_architectures(given, Path(), 2)
    assert str(raised.value).startswith(fault)


def test_an_export_that_names_code_is_not_loaded(tmp_path: Path) -> None:
    for name in ("weights.safetensors", "model.yaml"):
        (tmp_path / name).touch()
    (tmp_path / "architecture.yaml").write_text(one("their_code:Net").to_yaml())
    with pytest.raises(InputError, match="is no host of this tool, and is not loaded"):
        load_export(tmp_path)
    assert "their_code" not in sys.modules


@pytest.mark.parametrize("name", ["ege_unet.resize", "ege_unet.nn.Linear", "their_code.Net", "ege_unet.GroupNorm"])
def test_an_export_names_a_rival_by_what_its_own_file_defines(tmp_path: Path, name: str) -> None:
    (tmp_path / "architecture.yaml").write_text(f"{{host: python:search_spaces.rivals.{name}, dims: 2}}")
    for other in ("weights.safetensors", "model.yaml"):
        (tmp_path / other).touch()
    with pytest.raises(InputError, match="expected a network that is defined there|cannot be imported"):
        load_export(tmp_path)
