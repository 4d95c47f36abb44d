"""What holds for every image format."""

from pathlib import Path

import numpy as np
import pytest

from evaluators.images import SUFFIXES, file_stem, file_suffix, read, result_path, write_label
from evaluators.tasks.case_reader import CaseReader
from evaluators.tasks.task import Case
from search_spaces.errors import InputError
from tests.evaluators.images.files import DEEP, WRITERS, read_back, write

LOSSY = (".jpg", ".jpeg")
PICTURE = np.add.outer(np.arange(0, 96, 8), np.arange(0, 100, 5)).astype(np.uint8)
VOLUME = np.random.default_rng(1).integers(0, 200, (5, 8, 12)).astype(np.uint8)


def sample_of(path: Path, dims: int):
    return CaseReader(dims, 1, None)(Case("case", "test", (path,)))


def test_every_format_has_a_file_here():
    assert set(WRITERS) == set(SUFFIXES)


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_a_picture_is_read_and_its_result_lies_as_it_lies(tmp_path, suffix):
    path = write(tmp_path / f"case{suffix}", PICTURE)
    sample = sample_of(path, 2)
    assert (sample.image.dtype, sample.image.shape[0], len(sample.spacing)) == (np.float32, 1, 2)

    result = write_label(tmp_path / "out", "case", np.rint(sample.image[0]).astype(np.uint8), sample.source)

    assert result == result_path(tmp_path / "out", "case", path)
    assert np.abs(read_back(result).squeeze().astype(int) - PICTURE).max() <= (3 if suffix in LOSSY else 0)


@pytest.mark.parametrize("suffix", [*DEEP, ".npy", ".npz"])
def test_a_volume_is_read_and_its_result_lies_as_it_lies(tmp_path, suffix):
    sample = sample_of(write(tmp_path / f"case{suffix}", VOLUME), 3)
    assert sorted(sample.image.shape) == [1, 5, 8, 12]

    result = write_label(tmp_path / "out", "case", sample.image[0].astype(np.uint16), sample.source)

    assert np.array_equal(read_back(result), VOLUME)


@pytest.mark.parametrize("suffix", [suffix for suffix in SUFFIXES if suffix not in LOSSY])
def test_a_label_has_its_stored_values(tmp_path, suffix):
    label = (PICTURE // 70) * np.uint8(90)
    stored = read(write(tmp_path / f"case{suffix}", label), "label")
    assert len(stored.array) == 1
    assert np.array_equal(np.sort(stored.array, axis=None), np.sort(label, axis=None))


@pytest.mark.parametrize("share", [0.5, 0.9])
@pytest.mark.parametrize("suffix", SUFFIXES)
def test_a_truncated_file_is_named(tmp_path, suffix, share):
    size = (9, 64, 64) if suffix in DEEP else (64, 64)
    path = write(tmp_path / f"a{suffix}", np.random.default_rng(0).integers(0, 255, size).astype(np.uint8))
    data = path.with_suffix(".raw") if suffix in (".mhd", ".nhdr") else path
    data.write_bytes(data.read_bytes()[: int(data.stat().st_size * share)])
    with pytest.raises(InputError, match=rf"^[^\n]*a{suffix}: cannot be read as [^\n]*$"):
        read(path, "image")


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_a_file_of_something_else_is_named(tmp_path, suffix):
    path = tmp_path / f"a{suffix}"
    path.write_text("no image at all\n" * 50)
    with pytest.raises(InputError, match=rf"^[^\n]*a{suffix}: cannot be read as [^\n]*$"):
        read(path, "label")


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_a_suffix_counts_in_either_case(tmp_path, suffix):
    path = write(tmp_path / f"a.b{suffix}", PICTURE).rename(tmp_path / f"A.b{suffix.upper()}")
    assert (file_stem(path), file_suffix(path)) == ("A.b", suffix)
    assert read(path, "image").array.size == PICTURE.size


def test_a_name_without_a_known_suffix_is_whole():
    assert file_stem(Path("patient.01")) == "patient.01"


def test_an_unknown_type_and_a_missing_file_are_named(tmp_path):
    with pytest.raises(InputError, match=r"a\.doc: unknown file type '\.doc'; expected one of \.png"):
        read(tmp_path / "a.doc", "image")
    with pytest.raises(InputError, match=r"a\.png: no such file"):
        read(tmp_path / "a.png", "image")


@pytest.mark.parametrize(
    ("suffix", "library"), [(".mha", "SimpleITK"), (".nrrd", "SimpleITK"), (".dcm", "SimpleITK"), (".dcm", "pydicom")]
)
def test_a_missing_library_is_named_with_its_extra(tmp_path, monkeypatch, suffix, library):
    path = write(tmp_path / f"a{suffix}", PICTURE)
    monkeypatch.setitem(__import__("sys").modules, library, None)
    with pytest.raises(InputError, match=rf"a{suffix}: needs {library}; .*attention-nas\[formats\]"):
        read(path, "label")


@pytest.mark.parametrize(
    ("array", "message"),
    [
        (np.zeros((0, 4)), "is empty"),
        (np.array([["a", "b"]]), "expected numbers"),
        (np.ones((4, 4), complex), "expected real numbers"),
        (np.array([{}], object), "cannot be read"),
    ],
)
def test_an_array_that_is_no_image_is_refused(tmp_path, array, message):
    np.save(tmp_path / "a.npy", array, allow_pickle=True)
    with pytest.raises(InputError, match=rf"a\.npy: {message}"):
        read(tmp_path / "a.npy", "image")


@pytest.mark.parametrize("left", [0, 0.6])
@pytest.mark.parametrize("suffix", [".mha", ".mhd", ".nrrd", ".tif", ".nii.gz", ".dcm", ".png", ".npy"])
def test_libraries_keep_to_themselves_what_they_have_against_a_file(tmp_path, capfd, suffix, left):
    path = write(tmp_path / f"a{suffix}", PICTURE if suffix in (".png", ".dcm") else VOLUME)
    cut = path if suffix != ".mhd" else tmp_path / "a.raw"
    cut.write_bytes(cut.read_bytes()[: int(left * cut.stat().st_size)])
    with pytest.raises(InputError, match="damaged or truncated"):
        read(path, "image")
    assert capfd.readouterr() == ("", "")
