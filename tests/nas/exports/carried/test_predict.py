"""The program that travels with an export computes what the package does, for every way of preparing images."""

from __future__ import annotations

import json
from typing import Any

import nibabel
import numpy as np
import pytest
import torch
from nibabel.orientations import axcodes2ornt, ornt_transform
from PIL import Image

from evaluators.labelling import Labelling
from evaluators.normalisation import Normalisation, Window
from evaluators.preprocessing import Preprocessing
from evaluators.tasks.task import Sample
from nas.exports.carried import predict
from nas.exports.model import ExportedModel, settings_of
from nas.exports.prediction import find_images, predict_all, segment
from search_spaces import Architecture

REGIONS = Labelling(("all", "core"), ((1, 2), (2,)), (0, 4, 9), (1, 2))
WINDOWED = Normalisation("window", (Window.between(-100, 100),))
UNEQUAL = (0.9, 0.8, 2.5)

# What is prepared how: dimensions of the network, size and spacing of the image, and what differs from the plainest.
WAYS: dict[str, tuple[int, tuple[int, ...], tuple[float, ...], dict[str, Any], dict[str, Any]]] = {
    "a picture as it is": (2, (40, 37), (1, 1), {"patch": (16, 16)}, {}),
    "a picture made smaller, mirrored": (2, (60, 35), (1, 1), {"size": (24, 30), "patch": (16, 16)}, {"mirror": (1,)}),
    "a volume at other voxels": (3, (22, 18, 9), UNEQUAL, {"spacing": (1.2, 0.4, 2.5), "patch": (8, 8, 8)}, {}),
    "a volume in many windows, regions": (3, (41, 12, 10), (1, 1, 1), {"labelling": REGIONS}, {"mirror": (0, 2)}),
    "a volume along its windows": (3, (52, 9, 9), (2, 1, 1), {"spacing": (1, 1, 1), "patch": (16, 8, 8)}, {}),
    "slices of a volume": (2, (5, 26, 30), (4, 1, 1), {"slice_axis": 0, "spacing": (1.5, 1.5)}, {}),
    "a volume for a network of pictures": (2, (18, 20, 4), (1, 1, 3), {"normalisation": WINDOWED}, {}),
    "empty around, largest parts": (
        2,
        (33, 30),
        (1, 1),
        {"normalisation": Normalisation("nonzero")},
        {"largest": (1,)},
    ),
}


def model_that(dims: int, layout: dict[str, Any], mirror: tuple[int, ...] = (), largest: tuple[int, ...] = ()) -> Any:
    settings: dict[str, Any] = {"size": None, "spacing": None, "patch": (8,) * dims}
    settings["labelling"] = Labelling.exclusive(["a", "b"], (0, 4, 9))
    preprocessing = Preprocessing(dims, 1, **settings | layout)
    architecture = Architecture.create("unet", dims, {"depth": 1, "width": 4})
    network = architecture.build(1, 2, seed=1).eval()
    about = {"largest_part": [preprocessing.classes[index - 1] for index in largest]}
    return ExportedModel(architecture, preprocessing, network, mirror, largest, about)


def by_arrays(model: ExportedModel) -> predict.Network:
    def look(image: np.ndarray) -> np.ndarray:
        with torch.no_grad():
            return np.asarray(model.network(torch.from_numpy(image)).numpy())

    return look


@pytest.mark.parametrize("way", WAYS)
def test_a_label_is_the_same(way: str) -> None:
    dims, size, spacing, layout, more = WAYS[way]
    model = model_that(dims, layout, **more)
    image = np.random.default_rng(0).normal(20, 60, (1, *size)).astype(np.float32)
    image[:, :3] = 0
    expected = segment(model, Sample(image, None, spacing))
    found = predict.segment(by_arrays(model), image, spacing, json.loads(settings_of(model)))
    assert len(np.unique(expected)) > 1
    wrong = (found != model.preprocessing.labelling.to_values(expected)).mean()
    assert wrong <= 1e-3, "but for rounding"


def test_files_come_back_as_they_lie(tmp_path, monkeypatch) -> None:
    model = model_that(3, {"spacing": (1.0, 1.0, 2.0), "patch": (16, 16, 16)})
    array = np.random.default_rng(0).normal(size=(12, 10, 8)).astype(np.float32)
    upright = nibabel.Nifti1Image(array, np.array([[1.0, 0, 0, -5], [0, 1, 0, 3], [0, 0, 2, 8], [0, 0, 0, 1]]))
    (tmp_path / "in").mkdir()
    for code in ("RAS", "LPS", "SAL"):
        turned = upright.as_reoriented(ornt_transform(axcodes2ornt("RAS"), axcodes2ornt(code)))
        nibabel.save(turned, tmp_path / "in" / f"{code}.nii.gz")
    monkeypatch.setattr(predict, "load", lambda path: (by_arrays(model), json.loads(settings_of(model))))
    assert predict.main(["any", str(tmp_path / "in"), "--out", str(tmp_path / "out")]) == 0
    made = predict_all(model, find_images([tmp_path / "in"]), tmp_path / "expected", "nii.gz")
    for prediction in made:
        assert prediction.path is not None
        found, expected = nibabel.load(tmp_path / "out" / prediction.path.name), nibabel.load(prediction.path)
        assert np.allclose(found.affine, expected.affine)
        assert (np.asanyarray(found.dataobj) != np.asanyarray(expected.dataobj)).mean() <= 1e-3
        assert found.get_data_dtype() == expected.get_data_dtype()


def test_pictures_and_what_is_wrong_with_them(tmp_path, monkeypatch, capsys) -> None:
    model = model_that(2, {})
    monkeypatch.setattr(predict, "load", lambda path: (by_arrays(model), json.loads(settings_of(model))))
    (tmp_path / "in").mkdir()
    pixels = np.random.default_rng(0).integers(0, 255, (20, 31), np.uint8)
    Image.fromarray(pixels).save(tmp_path / "in" / "good.png")
    Image.fromarray(np.stack([pixels, pixels // 2, pixels], -1)).save(tmp_path / "in" / "colour.png")
    assert predict.main(["any", str(tmp_path / "in"), "--out", str(tmp_path / "out")]) == 2
    assert "colour.png: expected 1 channels, got 3" in capsys.readouterr().err
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["good.png"]
    with Image.open(tmp_path / "out" / "good.png") as label:
        assert set(np.unique(np.asarray(label))) <= {0, 4, 9}
    assert predict.main(["any", str(tmp_path / "out"), "--out", str(tmp_path / "out")]) == 2
    assert "would overwrite the image" in capsys.readouterr().err
