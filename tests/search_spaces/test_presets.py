"""Every preset is a network that can be built, says where it is from, and costs what it is said to."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode

from search_spaces import HOSTS, MECHANISMS, Architecture, Cost, InputError
from search_spaces.architecture import preset as preset_module
from search_spaces.architecture.preset import describe_preset, load_preset, preset_names
from search_spaces.initialisation import WithoutInitialisation
from tests.search_spaces.rebuilding import fingerprints_elsewhere

PUBLISHED = {
    *("anu_net", "attention_unet", "ca_net", "caranet", "ddanet", "m3_net", "non_local_unet", "sa_net", "swin_unet"),
    *("swin_unetr", "transunet", "u_net_transformer"),
    *("nnunet", "residual_unet", "segresnet", "unet", "unet_plus_plus"),
    *("cmunext_s", "ege_unet", "mk_unet", "mk_unet_t", "tiny_unet", "unext"),
}
every_preset = pytest.mark.parametrize("name", preset_names())


def test_the_published_networks_are_there() -> None:
    assert set(preset_names()) >= PUBLISHED


@every_preset
def test_a_preset_is_a_network_that_costs_what_it_holds(name: str) -> None:
    architecture = load_preset(name)
    size = (32,) * architecture.dims
    with torch.device("meta"), WithoutInitialisation():
        network = architecture.build(2, 2).eval()
    with torch.device("meta"), torch.no_grad(), FlopCounterMode(display=False) as counter:
        y = network(torch.empty(1, 2, *size))
    assert y.shape == (1, 3, *size)
    params = sum(parameter.numel() for parameter in network.parameters() if parameter.requires_grad)
    assert architecture.cost(2, 2, size) == Cost(params, counter.get_total_flops() // 2)


@every_preset
def test_a_preset_says_what_it_is_and_where_it_was_published(name: str) -> None:
    preset = describe_preset(name)
    assert preset.name == name
    assert preset.title
    assert preset.address.startswith("https://")
    assert " " not in preset.address
    authors, colon, paper = preset.paper.partition(": ")
    assert authors
    assert colon
    assert paper.split()[-1].isdigit(), "ends with the year"


@every_preset
def test_a_preset_survives_yaml(name: str, tmp_path: Path) -> None:
    (tmp_path / "written.yaml").write_text(load_preset(name).to_yaml())
    assert Architecture.load(tmp_path / "written.yaml") == load_preset(name)


@every_preset
def test_a_preset_comes_in_every_dimension_that_its_host_has(name: str) -> None:
    published = load_preset(name)
    for dims in HOSTS[published.host].dims:
        found = load_preset(name, dims)
        assert (found.host, found.dims, found.options) == (published.host, dims, published.options)
        assert found.attention == published.attention


def test_presets_are_different_networks() -> None:
    assert len({load_preset(name) for name in preset_names()}) == len(preset_names())


def test_an_unknown_name_lists_the_names_and_the_nearest() -> None:
    for ask in (load_preset, describe_preset):
        with pytest.raises(InputError) as caught:
            ask("atention_unet")
        assert "unknown preset 'atention_unet' (did you mean 'attention_unet'?)" in str(caught.value)
        assert all(name in str(caught.value) for name in preset_names())


# -- files of our own -------------------------------------------------------------------------------------


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(preset_module, "FOLDER", tmp_path)
    return tmp_path


def test_comments_may_go_on_in_the_next_line(folder: Path) -> None:
    (folder / "made.yaml").write_text(
        "# A U-Net. B, C: D, MICCAI\n# 2026, https://example.org/1\n# Deviation: no\n# gates.\n# Deviation: Small.\n"
        "host: unet\n# not this\ndims: 2\n"
    )
    found = describe_preset("made")
    assert (found.title, found.paper) == ("A U-Net", "B, C: D, MICCAI 2026")
    assert (found.address, found.deviation) == ("https://example.org/1", "no gates. Small.")


def test_dimensions_that_a_mechanism_lacks_are_refused_with_the_place(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(MECHANISMS._entries, "se", replace(MECHANISMS["se"], dims=(2,)))
    (folder / "flat.yaml").write_text("# A\nhost: unet\ndims: 2\nattention: {bottleneck: se}\n")
    assert load_preset("flat").dims == 2
    with pytest.raises(InputError) as caught:
        load_preset("flat", 3)
    assert str(caught.value).startswith("preset 'flat' in 3D: slot 'bottleneck': mechanism 'se' exists in 2D only")


@pytest.mark.slow
def test_every_preset_is_the_same_network_in_another_process(tmp_path: Path) -> None:
    paths = [tmp_path / f"{name}.yaml" for name in preset_names()]
    for name, path in zip(preset_names(), paths, strict=True):
        path.write_text(load_preset(name).to_yaml())
    here, there = (fingerprints_elsewhere(paths, hash_seed) for hash_seed in (1, 2))
    assert here == there
    assert [line.split()[0] for line in here] == [load_preset(name).key for name in preset_names()]
