"""Predictions from files: one orientation inside, results as their images lie, and no file that stops the others."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import nibabel
import numpy as np
import pytest
import tifffile
import torch
import yaml
from nibabel.orientations import axcodes2ornt, ornt_transform
from safetensors.torch import save

from evaluators.components import keep_largest
from evaluators.images import file_suffix
from evaluators.labelling import Labelling
from evaluators.preprocessing import Preprocessing
from evaluators.tasks.reading import Reading
from evaluators.tasks.task import Sample
from nas.exports.export import ExportedModel, load_export, write_export
from nas.exports.prediction import check_spared, find_images, predict_all, segment
from search_spaces import Architecture, InputError
from tests.evaluators.images.files import read_back, write
from tests.evaluators.images.test_one_orientation import as_itk
from tests.evaluators.tasks.files import colour, grey, write_nifti, write_picture


@pytest.fixture
def model(tmp_path: Path) -> Any:
    """Makes an export of an untrained network and loads it."""

    def make(dims: int = 2, channels: int = 1, values: Sequence[int] = (0, 7, 3), **layout: Any) -> ExportedModel:
        labelling = Labelling.exclusive([f"class{value}" for value in values[1:]], values)
        architecture = Architecture.create("unet", dims, {"depth": 2, "width": 4})
        network = architecture.build(channels, len(labelling.classes), seed=1)
        settings = {"size": None, "spacing": None, "patch": (16,) * dims} | layout
        preprocessing = Preprocessing(dims, channels, labelling, **settings)
        folder = write_export(tmp_path / "model", architecture, save(network.state_dict()), preprocessing, {})
        return load_export(folder)

    return make


def results(model: ExportedModel, images: Path, out: Path, format: str = "same") -> dict[str, Path]:
    made = predict_all(
        model, find_images([images], model.preprocessing.channels, model.preprocessing.reading.image_array), out, format
    )
    assert all(not prediction.faults for prediction in made), made
    return {prediction.name: prediction.path for prediction in made if prediction.path}


def volume(seed: int = 0, size: Sequence[int] = (12, 10, 8)) -> nibabel.Nifti1Image:
    array = np.random.default_rng(seed).normal(size=size).astype(np.float32)
    return nibabel.Nifti1Image(array, np.array([[1.0, 0, 0, -5], [0, 1, 0, 3], [0, 0, 2, 8], [0, 0, 0, 1]]))


def test_one_volume_stored_in_four_orientations_is_segmented_alike(model, tmp_path):
    upright = volume()
    for code in ("RAS", "LPS", "PIR", "SAL"):
        turned = upright.as_reoriented(ornt_transform(axcodes2ornt("RAS"), axcodes2ornt(code)))
        (tmp_path / "in").mkdir(exist_ok=True)
        nibabel.save(turned, tmp_path / "in" / f"{code}.nii.gz")
    made = results(model(3, spacing=(1.0, 1.0, 2.0)), tmp_path / "in", tmp_path / "out")
    expected = nibabel.load(made["RAS"])
    assert set(np.unique(expected.dataobj)) <= {0, 3, 7}
    assert len(np.unique(expected.dataobj)) > 1
    for code, path in made.items():
        found = nibabel.load(path)
        assert np.allclose(found.affine, nibabel.load(tmp_path / "in" / f"{code}.nii.gz").affine)
        assert np.array_equal(nibabel.as_closest_canonical(found).dataobj, expected.dataobj)


def test_an_image_at_another_voxel_size_is_brought_to_that_of_training_and_back(model, tmp_path):
    write_nifti(tmp_path / "in" / "fine.nii.gz", np.random.default_rng(0).normal(size=(24, 20, 9)), (0.5, 0.5, 1))
    trained = model(3, spacing=(1.0, 1.0, 1.0))
    assert trained.preprocessing.working_size((24, 20, 9), (0.5, 0.5, 1)) == (12, 10, 9)
    (path,) = results(trained, tmp_path / "in", tmp_path / "out").values()
    assert nibabel.load(path).shape == (24, 20, 9)


def test_a_slice_of_a_volume_comes_back_as_the_slice_that_it_is(model, tmp_path):
    write_nifti(tmp_path / "in" / "c.nii.gz", np.random.default_rng(0).normal(size=(14, 9, 1)), (0.7, 0.7, 5))
    (path,) = results(model(2), tmp_path / "in", tmp_path / "out").values()
    assert path.name == "c.nii.gz"
    assert nibabel.load(path).shape == (14, 9, 1)


def test_a_network_of_pictures_segments_a_volume_slice_by_slice(model, tmp_path):
    trained = model(2)
    (tmp_path / "in").mkdir()
    nibabel.save(volume(), tmp_path / "in" / "whole.nii.gz")
    array = np.asarray(volume().dataobj)
    (path,) = results(trained, tmp_path / "in", tmp_path / "out").values()
    found = np.asarray(nibabel.load(path).dataobj)
    assert found.shape == (12, 10, 8)
    sliced = (array[..., 3] - array.mean()) / array.std()  # normalised with its volume
    logits = trained.network(torch.from_numpy(sliced)[None, None].float())
    assert np.array_equal(trained.preprocessing.labelling.to_values(logits.argmax(1)[0].numpy()), found[..., 3])


@pytest.mark.parametrize("suffix", ["nii.gz", "nii", "mha", "nrrd", "npy", "npz", "tif"])
def test_results_are_written_in_the_format_that_is_asked_for(model, tmp_path, suffix):
    pytest.importorskip("SimpleITK")
    (tmp_path / "in").mkdir()
    nibabel.save(volume(), tmp_path / "in" / "c.nii.gz")
    (path,) = results(model(3), tmp_path / "in", tmp_path / "out", suffix).values()
    assert path == tmp_path / "out" / f"c.{suffix}"


def test_of_classes_that_gained_by_it_the_largest_part_alone_is_predicted(model, tmp_path):
    made = model()
    image = Sample(np.random.default_rng(0).normal(size=(1, 40, 40)).astype(np.float32), None, (1.0, 1.0))
    label = segment(made, image)
    cleaned = segment(replace(made, largest_part=(1,)), image)
    assert np.array_equal(cleaned, keep_largest(label, [1]))
    assert not np.array_equal(cleaned, label)


def test_frames_with_four_digits_are_pictures_of_their_own_and_named_so(model, tmp_path):
    for number in (1, 2, 3):
        write_picture(tmp_path / "colour" / f"frame_{number:04d}.png", colour())
        write_picture(tmp_path / "grey" / f"frame_{number:04d}.png", grey())
    trained = model(2, channels=3)
    names = [f"frame_{number:04d}" for number in (1, 2, 3)]
    assert list(find_images([tmp_path / "colour"], 3)) == names
    assert list(find_images([tmp_path / "grey"], 3)) == names
    made = results(trained, tmp_path / "grey", tmp_path / "out")
    assert sorted(path.name for path in made.values()) == [f"{name}.png" for name in names]


def test_a_file_that_cannot_be_read_stops_no_other(model, tmp_path):
    for number in range(6):
        write_picture(tmp_path / "in" / f"n{number}.png", grey(40, 40))
    damaged = tmp_path / "in" / "n2.png"
    damaged.write_bytes(damaged.read_bytes()[:50])
    write_picture(tmp_path / "in" / "n4.png", colour(40, 40))
    shown: list[float] = []
    found = find_images([tmp_path / "in"])
    made = predict_all(model(2), found, tmp_path / "out", "same", show=shown.append)
    assert [prediction.name for prediction in made if prediction.faults] == ["n2", "n4"]
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["n0.png", "n1.png", "n3.png", "n5.png"]
    assert all(len(prediction.faults) == 1 for prediction in made if prediction.path is None)
    assert shown[-1] == 6
    assert shown == sorted(shown)


STACK = np.random.default_rng(1).integers(0, 200, (6, 24, 16)).astype(np.uint8)


@pytest.mark.parametrize("orientation", ["SPL", "RAS"])
@pytest.mark.parametrize("dims", [2, 3])
def test_one_array_in_any_type_is_segmented_alike(model, tmp_path, orientation, dims):
    trained = model(dims, reading=Reading(orientation))
    (tmp_path / "in").mkdir()
    for array, names in ((STACK, ("stack.tif",)), (STACK[2], ("page.tif", "page.png"))):
        for name in names:
            write(tmp_path / "in" / f"{name.replace('.', '_')}{file_suffix(Path(name))}", array)
        for suffix in (".mha", ".nii.gz"):
            as_itk(tmp_path / "in" / f"{names[0][:-4]}_{suffix[1:4]}{suffix}", array)
    made = results(trained, tmp_path / "in", tmp_path / "out")
    for kind, count in (("stack", 3), ("page", 4)):
        found = [read_back(path).squeeze() for name, path in made.items() if name.startswith(kind)]
        assert len(found) == count
        assert len(np.unique(found[0])) > 1
        assert all(np.array_equal(found[0], other) for other in found[1:])


def test_a_network_of_pictures_sees_the_pages_of_a_stack(model, tmp_path):
    trained = model(2, reading=Reading("SPL"))
    write(tmp_path / "in" / "stack.tif", STACK)
    (path,) = results(trained, tmp_path / "in", tmp_path / "out").values()
    page = (STACK[3] - STACK.mean()) / STACK.std()  # normalised with its stack
    expected = trained.network(torch.from_numpy(page)[None, None].float()).argmax(1)[0].numpy()
    assert np.array_equal(read_back(path)[3], trained.preprocessing.labelling.to_values(expected))


@pytest.mark.parametrize("count", [1, 2, 3, 4])
@pytest.mark.parametrize("layout", [{}, {"slice_axis": 0}, {"slice_axis": 0, "size": (16, 16)}])
def test_stacks_of_few_pages_are_segmented_page_by_page(model, tmp_path, count, layout):
    trained = model(2, reading=Reading("SPL"), **layout)
    write(tmp_path / "in" / "stack.tif", STACK[:count])
    (path,) = results(trained, tmp_path / "in", tmp_path / "out").values()
    assert read_back(path).squeeze().shape == STACK[:count].squeeze().shape


def test_an_export_of_before_there_was_a_reading_is_loaded(model, tmp_path):
    model(2)
    path = tmp_path / "model" / "model.yaml"
    about = yaml.safe_load(path.read_text())
    about["preprocessing"] |= {"nan": "background"}
    del about["preprocessing"]["reading"]
    path.write_text(yaml.safe_dump(about))
    assert load_export(tmp_path / "model").preprocessing.reading == Reading(nan="background")


def test_links_to_nothing_fail_and_stop_no_other(model, tmp_path):
    write_picture(tmp_path / "in" / "a.png", grey(40, 40))
    (tmp_path / "in" / "b.png").symlink_to(tmp_path / "annex" / "b")
    made = predict_all(model(2), find_images([tmp_path / "in"]), tmp_path / "out", "same")
    assert [prediction.path is not None for prediction in made] == [True, False]
    assert made[1].faults == [f"{tmp_path}/in/b.png: no such file, the link leads to nothing"]


def test_arrays_and_pairing_by_index_are_as_in_training(model, tmp_path):
    (tmp_path / "in").mkdir()
    np.savez(tmp_path / "in" / "a.npz", ct=grey(16, 16), other=grey(16, 16))
    for channel, corner in enumerate((0, 5)):
        affine = np.eye(4)
        affine[0, 3] = corner
        nibabel.save(nibabel.Nifti1Image(volume().get_fdata(), affine), tmp_path / f"c_{channel:04d}.nii.gz")
    named, apart = Reading("SPL", image_array="ct"), Reading("RAS", by_index=True)
    assert list(results(model(2, reading=named), tmp_path / "in", tmp_path / "out")) == ["a"]
    assert list(results(model(3, channels=2, reading=apart), tmp_path, tmp_path / "out")) == ["c"]
    (refused,) = predict_all(model(3, channels=2), find_images([tmp_path], 2), tmp_path / "out", "same")
    assert "lies elsewhere" in refused.faults[0]


@pytest.mark.parametrize("out", ["file", "file/below/it"])
def test_a_place_that_can_hold_no_results_is_told_before_anything_is_computed(tmp_path, out):
    write_picture(tmp_path / "in" / "a.png", grey())
    (tmp_path / "file").touch()
    with pytest.raises(InputError, match=r"file is no folder; expected a folder, or a place for a new one"):
        check_spared(find_images([tmp_path / "in"]), tmp_path / out, "same")
    check_spared(find_images([tmp_path / "in"]), tmp_path / "not" / "yet", "same")


def test_nan_is_background_where_it_was_in_training(model, tmp_path):
    array = np.random.default_rng(0).normal(size=(12, 10, 8)).astype(np.float32)
    array[:3] = np.nan
    write_nifti(tmp_path / "in" / "c.nii.gz", array)
    (refused,) = predict_all(model(3), find_images([tmp_path / "in"]), tmp_path / "out", "same")
    assert "240 of 960 pixels are NaN" in refused.faults[0]
    (taken,) = predict_all(
        model(3, reading=Reading(nan="background")), find_images([tmp_path / "in"]), tmp_path / "out", "same"
    )
    assert taken.path is not None
    assert any("NaN" in note for note in taken.notes)


def test_a_voxel_size_that_is_not_known_is_told_where_it_matters(model, tmp_path):
    (tmp_path / "in").mkdir()
    np.save(tmp_path / "in" / "c.npy", np.zeros((8, 8, 8), np.float32))
    (made,) = predict_all(model(3, spacing=(1.0, 1.0, 1.0)), find_images([tmp_path / "in"]), tmp_path / "out", "same")
    assert any("how large its voxels are" in note for note in made.notes)


def micrometres(path: Path, array: np.ndarray, unit: str = "um") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    tifffile.imwrite(path, array, imagej=True, resolution=(5, 5), metadata={"unit": unit})
    return path


@pytest.mark.parametrize("spacing", [(0.0002, 0.0002), (50.0, 50.0)])
def test_voxel_sizes_out_of_reach_are_told_and_stop_no_other_image(model, tmp_path, spacing):
    trained = model(2, spacing=spacing)
    write_picture(tmp_path / "in" / "unknown.png", grey(64, 64))
    micrometres(tmp_path / "in" / "mm.tif", grey(64, 64), "mm")
    micrometres(tmp_path / "in" / "um.tif", grey(64, 64))
    made = {p.name: p for p in predict_all(trained, find_images([tmp_path / "in"]), tmp_path / "out", "same")}
    assert [name for name, prediction in made.items() if prediction.path] == ["um"] * (spacing[0] < 1)
    assert "in/unknown.png: does not say how large its voxels are (1 mm is assumed); bro" in made["unknown"].faults[0]
    assert "mm.tif: has voxels of 0.2 x 0.2 mm; brought to the" in made["mm"].faults[0]
    assert "64 x 64 voxels would become " in made["mm"].faults[0]


@pytest.mark.parametrize("error", [MemoryError(), RuntimeError("one of\nthose"), OSError("disk is full")])
def test_whatever_goes_wrong_with_one_image_stops_no_other(model, tmp_path, error):
    trained = model(2)
    for name in "abc":
        write_picture(tmp_path / "in" / f"{name}.png", grey(24, 24 + 8 * (name == "b")))

    def fails(module: torch.nn.Module, inputs: tuple[torch.Tensor]) -> None:
        if inputs[0].shape[-1] == 32:
            raise error

    trained.network.register_forward_pre_hook(fails)
    made = predict_all(trained, find_images([tmp_path / "in"]), tmp_path / "out", "same")
    assert [prediction.path is not None for prediction in made] == [True, False, True]
    said = " ".join(f"{type(error).__name__}: {error}".split()).removesuffix(":")
    assert made[1].faults == [f"{tmp_path}/in/b.png: {said}"]


def test_a_result_never_takes_the_place_of_an_image(tmp_path):
    write_picture(tmp_path / "in" / "a.png", grey())
    write_picture(tmp_path / "in" / "b.jpg", grey())
    found = find_images([tmp_path / "in"])
    with pytest.raises(InputError, match="the result of 'a' would overwrite the image"):
        check_spared(found, tmp_path / "in", "same")
    check_spared(found, tmp_path / "in", "npy")
    with pytest.raises(InputError, match="unknown format 'pgn'"):
        check_spared(found, tmp_path / "out", "pgn")
