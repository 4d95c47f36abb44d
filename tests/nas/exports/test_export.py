"""What an export holds of a network: what inference needs, whole or of its first columns."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
import yaml
from safetensors.torch import load_file, save, save_file
from torch import nn

from evaluators.labelling import Labelling
from evaluators.preprocessing import Preprocessing
from nas.exports.export import export_point, load_export, load_model, told_scores, write_export
from nas.exports.formats import FORMATS
from nas.exports.place import MODEL, WEIGHTS, check_free, replace_folder
from nas.records.journal import Journal
from nas.run import Run
from search_spaces import Architecture, InputError
from search_spaces.architecture.cost import Cost
from search_spaces.architecture.pruning import prune
from tests.nas.trials import trial

PREPROCESSING = Preprocessing(2, 1, Labelling.exclusive(["organ"]), None, None, (16, 16))
HOSTS = [
    ("unet", {"supervision": True}, ["supervision."]),
    ("nested", {"depth": 3, "supervision": True}, ["head.1.", "head.2."]),
    ("nested", {"depth": 3, "supervision": True, "final": "average"}, []),
    ("dual_decoder", {"cross": False}, ["second.", "second_head."]),
    ("dual_decoder", {"cross": True}, ["second_head."]),
]
every_host = pytest.mark.parametrize(("host", "options", "idle"), HOSTS)


def architecture(host: str, options: dict[str, Any]) -> Architecture:
    return Architecture.create(host, 2, {"width": 4, **options})


def export(folder: Path, exported: Architecture) -> nn.Module:
    """Write an export of a network, and return the network."""
    network = exported.build(1, 1, seed=3).eval()
    write_export(folder, exported, save(network.state_dict()), PREPROCESSING, {})
    return network


@every_host
def test_an_export_leaves_out_what_only_training_needs_and_predicts_the_same(host, options, idle, tmp_path):
    network = export(tmp_path / "model", architecture(host, options))
    written = set(load_file(tmp_path / "model" / WEIGHTS))
    assert set(network.state_dict()) - written == {
        name for name in network.state_dict() if name.startswith(tuple(idle))
    }
    assert bool(set(network.state_dict()) - written) == bool(idle)
    image = torch.randn(1, 1, 24, 17)
    assert torch.equal(load_export(tmp_path / "model").network(image), network(image))


def test_an_export_that_holds_all_weights_is_read_too(tmp_path):
    network = export(tmp_path / "model", architecture("dual_decoder", {"cross": False}))
    save_file(network.state_dict(), tmp_path / "model" / WEIGHTS)
    loaded = load_export(tmp_path / "model").network.state_dict()
    assert all(torch.equal(loaded[name], tensor) for name, tensor in network.state_dict().items())


def test_an_export_that_lacks_a_weight_that_inference_needs_is_refused(tmp_path):
    export(tmp_path / "model", architecture("unet", {"supervision": True}))
    weights = load_file(tmp_path / "model" / WEIGHTS)
    del weights["head.bias"]
    save_file(weights, tmp_path / "model" / WEIGHTS)
    with pytest.raises(InputError, match="does not fit the architecture: .*head.bias"):
        load_export(tmp_path / "model")


@pytest.mark.parametrize(
    ("added", "said"),
    [(b"mirror: [7]", "expected axes from 0 to 1, got \\[7\\]"), (b"mirror: 3", "not iterable"), (b"\xff", "decode")],
)
def test_settings_that_are_damaged_are_told_in_a_line(tmp_path, added, said):
    export(tmp_path / "model", architecture("unet", {}))
    settings = tmp_path / "model" / MODEL
    settings.write_bytes(settings.read_bytes() + added)
    with pytest.raises(InputError, match=f"'{MODEL}' is damaged: .*{said}"):
        load_export(tmp_path / "model")


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("model.onnx", "an ONNX file"),
        ("model.pt2", "a program of torch.export"),
        ("model.ts", "a file of TorchScript"),
        ("model.txt", "a folder written by 'nas export', or a file ending in .onnx, .pt2, .ts$"),
    ],
)
def test_a_file_that_is_none_of_its_format_is_refused(tmp_path, caplog, name, expected):
    if name.endswith("onnx"):
        pytest.importorskip("onnxruntime", reason="onnxruntime is not installed")
    (tmp_path / name).write_bytes(b"nothing of the kind")
    with pytest.raises(InputError, match=f"expected {expected}"):
        load_model(tmp_path / name)
    assert not caplog.records


def content_of(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def with_format(folder: Path, *names: str) -> None:
    """An export of a small network in some formats."""
    small = architecture("unet", {})
    write_export(folder, small, save(small.build(1, 1).state_dict()), PREPROCESSING, {}, names)


def test_what_formats_lack_is_told_at_once_and_nothing_is_written(tmp_path, monkeypatch):
    for package in ("onnx", "onnxscript"):
        monkeypatch.setitem(sys.modules, package, None)  # an import then fails
    monkeypatch.setitem(FORMATS._entries, "torchscript", replace(FORMATS["torchscript"], write=not_called))
    with pytest.raises(InputError) as raised:
        with_format(tmp_path / "model", "torchscript", "onnx", "onnx-int8")
    told = "which is not installed: pip install 'attention-nas[export]'"
    assert raised.value.faults == [
        f"onnx, onnx-int8: needs the package '{name}', {told}" for name in ("onnx", "onnxscript")
    ]
    assert not list(tmp_path.iterdir())


def not_called(*_: object) -> None:
    raise AssertionError("written though another format lacks a package")


@pytest.mark.parametrize("error", [InputError("torchscript: other logits"), KeyboardInterrupt()])
def test_a_format_that_fails_leaves_the_older_export_as_it_was(tmp_path, monkeypatch, error):
    def fails(model: object, path: Path, images: object) -> None:
        path.write_bytes(b"half of it")
        raise error

    with_format(tmp_path / "model")
    before = content_of(tmp_path / "model")
    monkeypatch.setitem(FORMATS._entries, "torchscript", replace(FORMATS["torchscript"], write=fails))
    with pytest.raises(type(error)):
        with_format(tmp_path / "model", "standalone", "torchscript")
    assert [path.name for path in tmp_path.iterdir()] == ["model"]
    assert content_of(tmp_path / "model") == before


def test_an_export_that_cannot_take_its_place_leaves_the_older_one_there(tmp_path):
    for name in ("place", "made"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "what").write_text(name)
    with pytest.raises(FileNotFoundError):
        replace_folder(tmp_path / "place", tmp_path / "nothing")
    assert (tmp_path / "place" / "what").read_text() == "place"
    replace_folder(tmp_path / "place", tmp_path / "made")
    assert (tmp_path / "place" / "what").read_text() == "made"
    assert [path.name for path in tmp_path.iterdir()] == ["place"]


def finished(folder: Path, trained: Architecture, **changes: Any) -> Run:
    """A run whose only final is ``trained``."""
    (folder / "weights").mkdir(parents=True)
    save_file(trained.build(1, 1).state_dict(), folder / "weights" / "it.safetensors")
    config = {
        "preprocessing": PREPROCESSING.to_dict(),
        "finals": {"mirror": False},
        "versions": {},
        "data": {"fingerprint": "0123"},
    }
    (folder / "config.yaml").write_text(yaml.safe_dump(config))
    cost = Cost(trained.cost(1, 1, (16, 16)).params, 1)
    weights = "weights/it.safetensors"
    final = trial(0, 0.75, phase="final", architecture=trained, cost=cost, weights=weights, **changes)
    Journal(folder / "journal.jsonl").append(final)
    return Run(folder)


@pytest.mark.parametrize("cleaned", [(), ("organ",)])
def test_an_export_predicts_as_its_weights_were_scored(tmp_path, cleaned):
    """Mirrored as in training, with the largest part alone of the classes that gained by it."""
    metrics = {"dice": 0.75, **{f"largest_component/{name}": 0.02 for name in cleaned}}
    run = finished(tmp_path / "run", architecture("unet", {}), metrics=metrics)
    config = yaml.safe_load((run.folder / "config.yaml").read_text())
    config |= {"finals": {"mirror": True}, "training": {"augmentation": {"flip": [0.5, 0]}}}
    (run.folder / "config.yaml").write_text(yaml.safe_dump(config))
    model = load_export(export_point(Run(run.folder), run.front.best(), tmp_path / "model"))
    assert model.mirror == (0,)
    assert model.largest_part == tuple(1 for _ in cleaned)
    assert not any(name.startswith("largest_component") for name in model.about)


def test_the_first_columns_of_a_nested_network_are_exported_alone(tmp_path):
    trained = architecture("nested", {"depth": 3, "supervision": True})
    run = finished(tmp_path / "run", trained)
    folder = export_point(run, run.front.best(), tmp_path / "model", columns=2)
    model, whole = load_export(folder), trained.build(1, 1)
    assert model.architecture == prune(trained, 2)
    assert model.about["columns"] == 2
    assert model.about["params"] == model.architecture.cost(1, 1, (16, 16)).params < whole_params(run)
    assert "dice" not in model.about, "of the pruned network it is not known"
    assert model.about["pruned_from"]["dice"] == 0.75
    image = torch.randn(1, 1, 24, 17)
    torch.testing.assert_close(model.network(image), whole.train().outputs(image).auxiliary[1].prediction)


def test_an_export_tells_the_score_of_its_own_weights_beside_the_mean_of_all_trainings(tmp_path):
    trained = architecture("unet", {})
    run = finished(tmp_path / "run", trained)
    cost = run.journal[0].cost
    better = trial(1, 0.85, phase="final", architecture=trained, cost=cost, seed=1, weights="weights/it.safetensors")
    Journal(run.folder / "journal.jsonl").append(better)
    run = Run(run.folder)

    about = load_export(export_point(run, run.front.best(), tmp_path / "model")).about

    assert (about["dice"], about["seed"], about["steps"], about["cases"]) == (0.75, 0, 100, "test")
    assert about["seeds"] == {"count": 2, "dice": 0.8, "dice_interval": about["seeds"]["dice_interval"]}
    assert about["data"] == "0123"


def whole_params(run: Run) -> int:
    return run.front.best().cost.params


def test_a_network_without_columns_is_exported_whole_or_not_at_all(tmp_path):
    run = finished(tmp_path / "run", architecture("unet", {}))
    with pytest.raises(InputError, match="columns: expected host 'nested', no other can be pruned; got 'unet'"):
        export_point(run, run.front.best(), tmp_path / "model", columns=2)
    assert not (tmp_path / "model").exists()


@pytest.mark.parametrize("below", ["", "a", "a/b"])
def test_a_place_that_can_hold_no_export_is_told_before_the_training(tmp_path, below):
    (tmp_path / "file").touch()
    with pytest.raises(InputError, match="is no folder"):
        check_free(tmp_path / "file" / below)
    check_free(tmp_path / "not" / "yet")


def test_scores_over_folds_stand_apart_from_those_of_the_weights():
    assert told_scores({"dice": 0.81234, "loss": 0.3}) == {"dice": 0.8123}
    folded = {"dice": 0.8, "test_dice": 0.7, "folds": 3.0}
    assert told_scores({**folded, "loss": 0.3}) == {"dice": 0.7, "folds": folded}
