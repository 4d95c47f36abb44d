"""Results in the format that was asked for."""

import itertools
from pathlib import Path

import nibabel
import numpy as np
import pytest
import tifffile
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from nibabel.orientations import axcodes2ornt, ornt_transform
from PIL import Image

from evaluators.images import RESULT_FORMATS, SUFFIXES, read, result_path, write_label
from evaluators.tasks.case_reader import CaseReader
from evaluators.tasks.task import Case
from search_spaces.errors import InputError
from tests.evaluators.images.files import DEEP, itk_place, nifti, read_back, write

PICTURE = np.arange(6 * 8, dtype=np.uint8).reshape(6, 8)
VOLUME = np.arange(5 * 6 * 8, dtype=np.uint8).reshape(5, 6, 8)
CODES = ["".join(code) for axes in itertools.permutations(["RL", "AP", "SI"]) for code in itertools.product(*axes)]
UNKNOWN_TO_ITK = (".gif", ".mgz", ".mgh", ".npy", ".npz")
VOLUMES = ("nii.gz", "nii", "mha", "nrrd", "tif", "npy", "npz")


def sample_of(path: Path, dims: int):
    return CaseReader(dims, 1, None)(Case("case", "test", (path,)))


def label_of(sample):
    return np.rint(sample.image[0]).astype(np.uint8)


@pytest.mark.parametrize("format", VOLUMES)
@pytest.mark.parametrize("suffix", [*DEEP, ".npy"])
def test_a_volume_of_every_format_gives_a_result_of_every_format(tmp_path, suffix, format):
    sample = sample_of(write(tmp_path / f"a{suffix}", VOLUME), 3)
    result = write_label(tmp_path / "out", "a", label_of(sample), sample.source, format)
    assert result == result_path(tmp_path / "out", "a", tmp_path / f"a{suffix}", format)
    x_first = format in ("npy", "npz") and suffix != ".npy" and "tif" not in suffix  # arrays have the order of the file
    assert np.array_equal(read_back(result), VOLUME.T if x_first else VOLUME)


@pytest.mark.parametrize("format", [format for format in RESULT_FORMATS if format != "same"])
@pytest.mark.parametrize("suffix", [".png", ".bmp", ".tif", ".nii.gz", ".mha", ".nrrd", ".mgz", ".dcm", ".npy"])
def test_a_picture_of_every_format_gives_a_result_of_every_format(tmp_path, suffix, format):
    sample = sample_of(write(tmp_path / f"a{suffix}", PICTURE), 2)
    result = write_label(tmp_path / "out", "a", label_of(sample), sample.source, format)
    found = read_back(result).squeeze()
    x_first = suffix in (".nii.gz", ".mha", ".nrrd", ".mgz", ".dcm") and format in ("npy", "npz")
    assert np.array_equal(found, PICTURE.T if x_first else PICTURE)


@pytest.mark.parametrize("format", ["nii.gz", "nii", "mha", "nrrd"])
@pytest.mark.parametrize("suffix", [suffix for suffix in SUFFIXES if suffix not in UNKNOWN_TO_ITK])
def test_a_result_in_another_format_lies_where_itk_puts_its_image(tmp_path, suffix, format):
    path = write(tmp_path / f"a{suffix}", PICTURE)
    sample = sample_of(path, 2)
    image = itk_place(path)
    for key, values in itk_place(write_label(tmp_path / "out", "a", label_of(sample), sample.source, format)).items():
        assert np.allclose(values, image[key], atol=1e-4), key


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(
    code=st.sampled_from(CODES),
    format=st.sampled_from(VOLUMES),
    size=st.sampled_from([(5, 6, 8), (1, 6, 8), (5, 1, 1)]),
)
def test_every_orientation_comes_back(tmp_path, code, format, size):
    array = np.arange(np.prod(size), dtype=np.uint8).reshape(size)
    volume = nibabel.Nifti1Image(array, np.diag([0.5, 1, 2, 1]))
    turned = volume.as_reoriented(ornt_transform(axcodes2ornt("RAS"), axcodes2ornt(code)))
    nibabel.save(turned, tmp_path / "a.nii")
    sample = sample_of(tmp_path / "a.nii", 3)
    assert np.array_equal(sample.image[0], array)
    assert sample.spacing == (0.5, 1.0, 2.0)

    result = write_label(tmp_path, "b", label_of(sample), sample.source, format)

    stored = np.asarray(turned.dataobj)
    found = read_back(result) if format in ("npy", "npz") else read_back(result).T
    assert np.array_equal(found.squeeze(), stored.squeeze())
    if format not in ("npy", "npz", "tif"):
        back = sample_of(result, 3)
        assert np.array_equal(back.image[0], array)


def test_a_slice_as_a_picture_has_its_rows_from_front_to_back(tmp_path):
    """As SimpleITK's arrays have them, and every picture reader."""
    affine = np.array([[-0.7, 0, 0, 100], [0, -0.7, 0, 80], [0, 0, 5, -30], [0, 0, 0, 1]])
    sample = sample_of(nifti(tmp_path / "a.nii.gz", PICTURE.T[..., None], affine), 2)
    for format in ("png", "tif"):
        assert np.array_equal(read_back(write_label(tmp_path, "a", label_of(sample), sample.source, format)), PICTURE)


def test_lengths_travel_into_tiff(tmp_path):
    sample = sample_of(nifti(tmp_path / "a.nii.gz", VOLUME.T, np.diag([0.5, 0.25, 3, 1])), 3)
    result = write_label(tmp_path, "a", label_of(sample), sample.source, "tif")
    assert read(result, "label").spacing == pytest.approx((3, 0.25, 0.5))
    with tifffile.TiffFile(result) as file:
        assert file.series[0].axes == "ZYX"


@pytest.mark.parametrize(
    ("suffix", "expected"), [(".jpg", ".png"), (".mhd", ".mha"), (".nhdr", ".nrrd"), (".dcm", ".nii.gz")]
)
def test_what_cannot_hold_a_label_alone_gives_what_can(tmp_path, suffix, expected):
    assert result_path(tmp_path, "a.b", tmp_path / f"c{suffix}") == tmp_path / f"a.b{expected}"


def test_an_unknown_format_and_a_volume_as_a_picture_are_refused(tmp_path):
    sample = sample_of(write(tmp_path / "a.nii.gz", VOLUME), 3)
    with pytest.raises(InputError, match="unknown format 'nii.bz2'.*expected one of: "):
        result_path(tmp_path, "a", tmp_path / "a.nii.gz", "nii.bz2")
    with pytest.raises(InputError, match=r"^[^\n]*b\.png: a label of 5 x 6 x 8 voxels cannot be written as png[^\n]*$"):
        write_label(tmp_path, "b", label_of(sample), sample.source, "png")
    assert not list(tmp_path.glob("b*"))


def test_the_values_of_the_data_come_back(tmp_path):
    sample = sample_of(write(tmp_path / "a.nii.gz", VOLUME), 3)
    label = np.array([0, 1, 4, -3, 70000])[label_of(sample) % 5]
    for format in ("same", "mha", "nrrd", "tif", "npy", "npz"):
        found = read_back(write_label(tmp_path / "out", "a", label, sample.source, format))
        assert set(np.unique(found)) == {0, 1, 4, -3, 70000}


def test_a_missing_library_is_named(tmp_path, monkeypatch):
    sample = sample_of(write(tmp_path / "a.nii.gz", VOLUME), 3)
    monkeypatch.setitem(__import__("sys").modules, "SimpleITK", None)
    with pytest.raises(InputError, match=r"a\.mha: .*needs SimpleITK; .*attention-nas\[formats\]"):
        write_label(tmp_path, "a", label_of(sample), sample.source, "mha")


def test_a_result_takes_the_place_of_an_older_one(tmp_path):
    path = tmp_path / "a.png"
    Image.fromarray(PICTURE).save(path)
    sample = sample_of(path, 2)
    for value in (1, 2):
        write_label(tmp_path / "out", "a", np.full((6, 8), value, np.uint8), sample.source)
    assert [file.name for file in (tmp_path / "out").iterdir()] == ["a.png"]
    assert np.unique(read_back(tmp_path / "out" / "a.png")).tolist() == [2]
