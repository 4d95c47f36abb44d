"""A MONAI bundle runs on a folder of images where nothing of this package is, with the labels of ``nas predict``."""

from __future__ import annotations

import importlib
import json
import os
import subprocess
import sys
import tracemalloc
from dataclasses import replace
from pathlib import Path
from typing import Any

import nibabel
import numpy as np
import pytest
import torch
from monai.data import decollate_batch, list_data_collate
from monai.transforms import Compose, EnsureChannelFirstd, LoadImaged
from nibabel.orientations import axcodes2ornt, ornt_transform
from PIL import Image

from evaluators.labelling import Labelling
from nas.exports.export import load_model
from nas.exports.formats.bundle import write_bundle
from nas.exports.model import ExportedModel
from nas.exports.prediction import find_images, predict_all
from tests.nas.exports.carried.test_predict import model_that

# The commands of the bundle's README in one process: importing MONAI takes seconds.
COMMANDS = """
import sys
from monai.bundle import run, verify_metadata, verify_net_in_out
meta, config, images, labels = "configs/metadata.json", "configs/inference.json", sys.argv[1], sys.argv[2]
verify_metadata(meta_file=meta, filepath="configs/schema.json")
verify_net_in_out(net_id="network_def", meta_file=meta, config_file=config)
run(config_file=config, dataset_dir=images, output_dir=labels)
"""


def without_the_package(folder: Path) -> dict[str, str]:
    """An environment in which importing this package fails."""
    for name in ("nas", "evaluators", "search_spaces"):
        (folder / f"{name}.py").write_text("raise ImportError('not here')\n")
    return {**os.environ, "PYTHONPATH": f".{os.pathsep}{folder}", "PYTHONDONTWRITEBYTECODE": "1"}


def parts_of(model: ExportedModel, folder: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """The module that the configs of a model's bundle name."""
    monkeypatch.syspath_prepend(write_bundle(model, folder / "bundle"))
    parts = importlib.import_module("scripts.parts")
    for name in [name for name in sys.modules if name.partition(".")[0] == "scripts"]:
        del sys.modules[name]
    return parts


@pytest.mark.parametrize("classes", [2, 20])
def test_a_volume_s_label_lies_as_its_file_and_no_logits_of_it_are_held(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, classes: int
) -> None:
    labelling = Labelling.exclusive([f"class{number}" for number in range(classes)])
    model = model_that(3, {"labelling": labelling, "patch": (4, 4, 4), "spacing": (1.0, 1.0, 2.0)})
    parts = parts_of(model, tmp_path, monkeypatch)
    monkeypatch.setattr(parts.predict, "BLOCK_VALUES", 2**14)
    read = Compose([LoadImaged("image", image_only=True), EnsureChannelFirstd("image"), parts.Prepared("image")])
    array = np.random.default_rng(0).normal(size=(60, 40, 30)).astype(np.float32)
    upright = nibabel.Nifti1Image(array, np.diag([1.0, 1.0, 1.5, 1.0]))
    turned = upright.as_reoriented(ornt_transform(axcodes2ornt("RAS"), axcodes2ornt("SAL")))
    nibabel.save(turned, tmp_path / "scan.nii.gz")
    images = list_data_collate([read({"image": str(tmp_path / "scan.nii.gz")})])["image"]

    def network(image: torch.Tensor) -> torch.Tensor:  # of each voxel alone
        return torch.sin(image * torch.arange(1.0, 2 + classes)[:, None, None, None])

    tracemalloc.start()
    (label,) = decollate_batch(parts.Labels()(images, network))
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert most < 24 * array.size, "bytes: logits of the volume take 4 for each class"
    found = parts.TurnedBack("pred")({"pred": label})["pred"]
    own = replace(model, network=network)
    (made,) = predict_all(own, find_images([tmp_path / "scan.nii.gz"]), tmp_path / "own", "nii.gz")
    assert made.path is not None
    expected = nibabel.load(made.path)
    assert len(np.unique(expected.dataobj)) == 1 + classes
    assert (np.asarray(found)[0] != np.asanyarray(expected.dataobj)).mean() <= 1e-3
    assert np.allclose(found.affine, expected.affine)


def test_a_picture_that_monai_reads_otherwise_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    parts = parts_of(model_that(2, {}), tmp_path, monkeypatch)
    read = Compose([LoadImaged("image", image_only=True), EnsureChannelFirstd("image"), parts.Prepared("image")])
    picture = Image.fromarray(np.random.default_rng(0).integers(0, 255, (20, 31), np.uint8))
    turned = Image.Exif()
    turned[274] = 6
    picture.save(tmp_path / "good.png")
    picture.save(tmp_path / "turned.png", exif=turned)
    picture.convert("P").save(tmp_path / "palette.png")
    assert read({"image": str(tmp_path / "good.png")})["image"].shape == (1, 20, 31)
    for name in ("turned.png", "palette.png"):
        with pytest.raises(RuntimeError) as error:
            read({"image": str(tmp_path / name)})
        assert f"{name}: expected one upright grey or colour picture" in str(error.value.__cause__)


@pytest.mark.slow
def test_a_bundle_is_accepted_and_segments_volumes_as_the_package_does(tmp_path: Path) -> None:
    for package in ("ignite", "fire", "jsonschema"):
        pytest.importorskip(package)
    model = model_that(3, {"spacing": (1.0, 1.0, 2.0), "patch": (8, 8, 8)}, mirror=(1,))
    bundle = write_bundle(model, tmp_path / "bundle")
    array = np.random.default_rng(0).normal(size=(22, 10, 8)).astype(np.float32)
    upright = nibabel.Nifti1Image(array, np.array([[1.5, 0, 0, -5], [0, 1, 0, 3], [0, 0, 1.9, 8], [0, 0, 0, 1]]))
    (tmp_path / "in").mkdir()
    for code in ("RAS", "SAL"):
        turned = upright.as_reoriented(ornt_transform(axcodes2ornt("RAS"), axcodes2ornt(code)))
        nibabel.save(turned, tmp_path / "in" / f"{code}.nii.gz")
    program = [sys.executable, "-c", COMMANDS, str(tmp_path / "in"), str(tmp_path / "out")]
    environment = without_the_package(tmp_path)
    done = subprocess.run(program, cwd=bundle, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    for prediction in predict_all(load_model(bundle), find_images([tmp_path / "in"]), tmp_path / "own", "nii.gz"):
        assert prediction.path is not None
        expected, found = (nibabel.load(tmp_path / part / prediction.path.name) for part in ("own", "out"))
        assert found.get_data_dtype() == expected.get_data_dtype() == np.uint8
        assert np.allclose(found.affine, expected.affine)
        assert len(np.unique(expected.dataobj)) > 1
        assert (np.asanyarray(found.dataobj) != np.asanyarray(expected.dataobj)).mean() <= 1e-3
    meta = json.loads((bundle / "configs" / "metadata.json").read_text())
    assert meta["network_data_format"]["outputs"]["pred"]["channel_def"] == {"0": "background", "1": "a", "2": "b"}
