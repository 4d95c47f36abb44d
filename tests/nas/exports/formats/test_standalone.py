"""A network's own source: every network's, in torch alone, with the network's logits; and nnU-Net's way to it."""

from __future__ import annotations

import importlib
import os
import sys
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch import nn

from nas.exports.carried import predict
from nas.exports.formats.nnunet import NETWORK, TRAINER, read_nnunet, write_nnunet
from nas.exports.formats.standalone import closure, read_standalone, sources, write_standalone
from nas.exports.model import ExportedModel
from search_spaces import HOSTS, MECHANISMS, InputError
from search_spaces.architecture.preset import preset_names
from search_spaces.attention.mechanism import Mechanism
from tests.nas.exports.formats.test_torch_program import PREPROCESSING, SMALL, small_unet
from tests.search_spaces.tiny import narrowed
from tests.test_layering import imported

MODEL = ExportedModel(SMALL, PREPROCESSING, small_unet(), (), (), {})


def test_what_networks_are_made_of_imports_torch_alone() -> None:
    entries = [*HOSTS.values(), *MECHANISMS.values()]
    files = closure(["search_spaces.architecture.placement", *(entry.module.__module__ for entry in entries)])
    assert len(files) > 70
    others = {name for file in files for name in imported(file.read_text()) - sys.stdlib_module_names}
    assert others == {"torch", "search_spaces"}


def test_only_what_a_network_uses_is_copied(tmp_path: Path) -> None:
    names = {file.name for file in sources(SMALL)}
    assert {"unet.py", "attention_gate.py"} <= names
    assert not {"nested.py", "se.py", "architecture.py"} & names
    read = read_standalone(write_standalone(MODEL, tmp_path / "network"))
    image = torch.randn(1, 1, 9, 14)
    assert torch.equal(read.network(image), MODEL.network(image))


def test_the_program_beside_it_takes_it_under_any_name(tmp_path: Path) -> None:
    network, settings = predict.load(write_standalone(MODEL, tmp_path / "liver v2.1"))
    assert settings["architecture"] == SMALL.to_dict()
    image = torch.randn(1, 1, 9, 14)
    with torch.no_grad():
        assert (network(image.numpy()) == MODEL.module(image).numpy()).all()


def test_parts_of_a_plug_in_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Outside(Mechanism):
        pass

    entry = MECHANISMS["attention_gate"]
    monkeypatch.setitem(MECHANISMS._entries, "attention_gate", replace(entry, module=Outside))
    with pytest.raises(InputError, match=r"^standalone: .* mechanism 'attention_gate' is of the plug-in 'tests"):
        write_standalone(MODEL, tmp_path / "network")


def test_nnunet_makes_the_network_for_its_own_channels_and_classes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = write_nnunet(MODEL, tmp_path / "nnunet")
    assert {path.name for path in folder.iterdir()} == {NETWORK, TRAINER}
    monkeypatch.syspath_prepend(folder)
    package = importlib.import_module(NETWORK)
    network: nn.Module = package.Network(input_channels=2, num_classes=4, deep_supervision=False)
    assert network(torch.randn(1, 2, 8, 8)).shape == (1, 4, 8, 8)
    with pytest.raises(ValueError, match="expected a trainer without it"):
        package.Network(2, 4, deep_supervision=True)
    with pytest.raises(InputError, match="without weights; expected a file that predicts"):
        read_nnunet(folder)


@pytest.mark.slow
def test_nnunet_finds_its_trainer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("nnunetv2", reason="nnU-Net is no extra of ours, see docs/export.md")
    folder = write_nnunet(MODEL, tmp_path / "nnunet")
    monkeypatch.setitem(os.environ, "nnUNet_extTrainer", str(folder))
    find = importlib.import_module("nnunetv2.utilities.find_objects").recursive_find_trainer_class_by_name
    trainer = find(Path(TRAINER).stem)
    network: nn.Module = trainer.build_network_architecture(None, None, 3, 2)
    assert network(torch.randn(1, 3, 8, 8)).shape == (1, 2, 8, 8)


@pytest.mark.slow
@pytest.mark.parametrize("dims", [2, 3])
def test_every_preset_is_the_same_from_its_source(dims: int, tmp_path: Path) -> None:
    layout = replace(PREPROCESSING, dims=dims, patch=(32,) * dims)
    for name in preset_names():
        architecture = narrowed(name, dims)
        model = replace(MODEL, architecture=architecture, preprocessing=layout)
        write_standalone(replace(model, network=architecture.build(1, 1).eval()), tmp_path / name)  # which compares
