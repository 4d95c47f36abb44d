"""The program that travels with an export computes what the package does, for every way of preparing images."""

from __future__ import annotations

import json
import tracemalloc
from pathlib import Path
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
    "a single slice, mirrored": (3, (20, 18, 1), (1, 1, 3), {"patch": (16, 16, 4)}, {"mirror": (0, 2)}),
    "slices that become thin": (2, (10, 7, 12), (1, 2, 1), {"slice_axis": 1, "size": (9, 1)}, {}),
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


def model_that(
    dims: int, layout: dict[str, Any], mirror: tuple[int, ...] = (), largest: tuple[int, ...] = (), channels: int = 1
) -> Any:
    settings: dict[str, Any] = {"size": None, "spacing": None, "patch": (8,) * dims}
    settings["labelling"] = Labelling.exclusive(["a", "b"], (0, 4, 9))
    preprocessing = Preprocessing(dims, channels, **settings | layout)
    architecture = Architecture.create("unet", dims, {"depth": 1, "width": 4})
    network = architecture.build(channels, len(preprocessing.classes), seed=1).eval()
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


def told_by(model: ExportedModel, monkeypatch: pytest.MonkeyPatch) -> None:
    """``predict.main`` with ``model``, whatever file it names."""
    monkeypatch.setattr(predict, "load", lambda path: (by_arrays(model), json.loads(settings_of(model))))


def names_in(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_numbered_pictures_are_cases_of_their_own(tmp_path, monkeypatch) -> None:
    """Only files that hold one channel each, exactly as many as a case has, are one case."""
    model = model_that(2, {}, channels=3)
    told_by(model, monkeypatch)
    pixels = np.random.default_rng(0).integers(0, 255, (3, 20, 31, 3), np.uint8)
    for number, colours in enumerate(pixels):
        Image.fromarray(colours).save(tmp_path / f"frame_{number:04d}.png")
    for number, grey in enumerate(pixels[0].transpose(2, 0, 1)):
        Image.fromarray(grey).save(tmp_path / f"split_{2 - number:04d}.png")
    given = [str(path) for path in sorted(tmp_path.iterdir(), reverse=True)]
    assert predict.main(["any", *given, "--out", str(tmp_path / "out")]) == 0
    assert names_in(tmp_path / "out") == ["frame_0000.png", "frame_0001.png", "frame_0002.png", "split.png"]
    made = predict_all(model, find_images([tmp_path], 3), tmp_path / "expected", "png")
    for path in [prediction.path for prediction in made if prediction.path]:
        found, expected = (np.asarray(Image.open(one)) for one in (tmp_path / "out" / path.name, path))
        assert (found != expected).mean() <= 1e-3


def test_what_stops_all_images_is_one_line(tmp_path, monkeypatch, capsys) -> None:
    assert predict.main(["model.txt", str(tmp_path)]) == 2
    expected = "expected model.onnx, model.pt2, model.ts or the folder network"
    assert capsys.readouterr().err == f"error: 'model.txt': {expected}\n"
    told_by(model_that(2, {}), monkeypatch)
    assert predict.main(["any", str(tmp_path)]) == 2
    assert capsys.readouterr().err == "error: no image found\n"
    Image.fromarray(np.zeros((9, 9), np.uint8)).save(tmp_path / "a.png")
    (tmp_path / "file").touch()
    assert predict.main(["any", str(tmp_path), "--out", str(tmp_path / "file")]) == 2
    assert capsys.readouterr().err == f"error: [Errno 17] File exists: '{tmp_path / 'file'}'\n"


def test_two_images_of_one_name_are_refused(tmp_path, monkeypatch, capsys) -> None:
    told_by(model_that(2, {}, channels=2), monkeypatch)
    for suffix in ("png", "bmp"):
        Image.fromarray(np.zeros((9, 9), np.uint8)).save(tmp_path / f"a.{suffix}")
    assert predict.main(["any", str(tmp_path), "--out", str(tmp_path / "out")]) == 2
    assert "'a': several images of that name" in capsys.readouterr().err


def test_an_image_that_cannot_be_read_stops_no_other(tmp_path, monkeypatch, capsys) -> None:
    told_by(model_that(3, {"patch": (16, 16, 16)}), monkeypatch)
    (tmp_path / "broken.nii").write_bytes(b"no volume at all")
    nibabel.save(
        nibabel.Nifti1Image(np.random.default_rng(0).normal(size=(9, 8, 7)), np.eye(4)), tmp_path / "whole.nii.gz"
    )
    (tmp_path / "cut.nii.gz").write_bytes((tmp_path / "whole.nii.gz").read_bytes()[:300])
    assert predict.main(["any", str(tmp_path), "--out", str(tmp_path / "out")]) == 2
    said = capsys.readouterr().err
    assert "error: broken: " in said
    assert "error: cut: " in said
    assert names_in(tmp_path / "out") == ["whole.nii.gz"]


def test_channels_that_lie_apart_are_refused(tmp_path, monkeypatch, capsys) -> None:
    told_by(model_that(3, {"patch": (16, 16, 16)}, channels=2), monkeypatch)
    array = np.random.default_rng(0).normal(size=(9, 8, 7)).astype(np.float32)
    for number, start in enumerate((0.0, 4.0)):
        affine = np.eye(4)
        affine[2, 3] = start
        nibabel.save(nibabel.Nifti1Image(array, affine), tmp_path / f"case_{number:04d}.nii.gz")
    assert predict.main(["any", str(tmp_path), "--out", str(tmp_path / "out")]) == 2
    assert "case_0001.nii.gz: lies elsewhere than case_0000.nii.gz" in capsys.readouterr().err


def test_what_cannot_be_seen_as_nas_predict_sees_it_is_refused(tmp_path, monkeypatch, capsys) -> None:
    told_by(model_that(2, {"slice_axis": 0}), monkeypatch)
    pixels = np.random.default_rng(0).integers(0, 255, (9, 9, 3), np.uint8)
    Image.fromarray(pixels, "RGB").convert("YCbCr").save(tmp_path / "other.tif")
    imagecodecs = pytest.importorskip("imagecodecs")
    (tmp_path / "deep.png").write_bytes(imagecodecs.png_encode(pixels.astype(np.uint16) * 200))
    Image.fromarray(pixels[..., 0]).save(tmp_path / "flat.png")
    assert predict.main(["any", str(tmp_path), "--out", str(tmp_path / "out")]) == 2
    said = capsys.readouterr().err
    for line in ("other.tif: expected one upright", "deep.png: expected one upright", "flat: expected 3 axes, got 2"):
        assert line in said


def test_labels_that_a_picture_cannot_hold_are_refused(tmp_path, monkeypatch, capsys) -> None:
    told_by(model_that(2, {"labelling": Labelling.exclusive(["a", "b"], (0, -1, 70000))}), monkeypatch)
    Image.fromarray(np.random.default_rng(0).integers(0, 255, (20, 31), np.uint8)).save(tmp_path / "a.png")
    assert predict.main(["any", str(tmp_path), "--out", str(tmp_path / "out")]) == 2
    assert "a picture holds labels of 0 to 65535" in capsys.readouterr().err


@pytest.mark.parametrize("classes", [2, 20])
@pytest.mark.parametrize("spacing", [None, (1.0, 1.3, 1.0)])
def test_what_is_held_of_a_volume_is_a_window_deep_whatever_the_number_of_classes(
    monkeypatch: pytest.MonkeyPatch, classes: int, spacing: tuple[float, ...] | None
) -> None:
    monkeypatch.setattr(predict, "BLOCK", 2**12)
    monkeypatch.setattr(predict, "BLOCK_VALUES", 2**14)
    labelling = Labelling.exclusive([f"class{number}" for number in range(classes)])
    layout = {"spacing": spacing, "labelling": labelling}
    settings, whole = (json.loads(settings_of(model_that(3, layout | {"patch": (patch,) * 3}))) for patch in (4, 128))
    image = np.random.default_rng(0).normal(20, 60, (1, 96, 48, 40)).astype(np.float32)

    def look(images: np.ndarray) -> np.ndarray:  # of each voxel alone, so that windows change nothing
        return np.sin(images * np.arange(1, 2 + classes, dtype=np.float32)[:, None, None, None])

    expected = predict.segment(look, image, (1, 1, 1), whole)
    tracemalloc.start()
    found = predict.segment(look, image, (1, 1, 1), settings)
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert len(np.unique(expected)) == 1 + classes
    assert (found != expected).mean() <= 1e-3, "but for rounding"
    assert most < 16 * image.size, "bytes: the image prepared, as it was resampled, and a window's depth of classes"


def test_how_far_an_image_is_shows_at_once_and_each_hundredth_once(tmp_path, monkeypatch, capsys) -> None:
    told_by(model_that(3, {"patch": (4, 4, 4)}), monkeypatch)
    array = np.random.default_rng(0).normal(size=(60, 9, 9)).astype(np.float32)
    nibabel.save(nibabel.Nifti1Image(array, np.eye(4)), tmp_path / "a.nii.gz")
    assert predict.main(["any", str(tmp_path), "--out", str(tmp_path / "out")]) == 0
    shown = [line.strip() for line in capsys.readouterr().err.split("\r") if line.strip()]
    assert shown[0] == "1/1 a   0%"
    assert shown[-1] == "1/1 a 100%"
    assert len(shown) == len(set(shown)) > 20
