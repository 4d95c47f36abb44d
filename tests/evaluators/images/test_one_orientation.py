"""Files that say how they lie and files that do not, side by side."""

import numpy as np
import pytest
import SimpleITK as sitk
from PIL import Image, ImageOps

from evaluators.images import orientation_of, read
from tests.evaluators.images.dicom_files import write_slices
from tests.evaluators.images.files import nifti_with, write


def as_itk(path, array):
    """``array`` ``([z,] y, x)`` as ITK saves it, and so with where it lies."""
    sitk.WriteImage(sitk.GetImageFromArray(array, isVector=False), str(path))
    return path


def in_every_type(folder, array):
    paths = [write(folder / f"a{suffix}", array) for suffix in (".tif", ".npy")]
    paths += [write(folder / "a.png", array) for _ in range(array.ndim == 2)]
    paths += [as_itk(folder / f"b{suffix}", array) for suffix in (".mha", ".nrrd", ".nii.gz")]
    return [*paths, nifti_with(folder / "silent.nii", array.T)]


@pytest.mark.parametrize("shape", [(4, 6, 8), (6, 8), (1, 6, 8)])
def test_one_array_in_any_type_lies_alike_beside_any_other(tmp_path, shape):
    array = np.arange(np.prod(shape), dtype=np.uint8).reshape(shape)
    deep = array if array.ndim == 3 else array[None]
    expected = {"SPL": deep, "LPS": deep.T, "RAS": deep[:, ::-1, ::-1].T}
    for path in in_every_type(tmp_path, array):
        stored = read(path, "image")
        for orientation, turned in expected.items():
            placement = stored.placed(orientation)
            assert np.array_equal(placement.apply(stored.array)[0], turned), (path.name, orientation)
            assert np.array_equal(placement.restore(turned), stored.array[0]), (path.name, orientation)


@pytest.mark.parametrize("turn", [3, 6, 8])
def test_a_photo_is_turned_as_it_is_viewed_and_then_as_the_others(tmp_path, turn):
    exif = Image.Exif()
    exif[0x0112] = turn
    array = np.arange(48, dtype=np.uint8).reshape(6, 8)
    Image.fromarray(array).save(tmp_path / "a.png", exif=exif)
    with Image.open(tmp_path / "a.png") as picture:
        viewed = np.asarray(ImageOps.exif_transpose(picture))
    stored = read(tmp_path / "a.png", "image")
    for orientation, expected in (("SPL", viewed[None]), ("RAS", viewed[None, ::-1, ::-1].T)):
        placement = stored.placed(orientation)
        turned = placement.apply(stored.array)[0]
        assert np.array_equal(turned, expected)
        assert np.array_equal(placement.restore(turned), array)


def test_each_type_has_an_orientation_of_its_own(tmp_path):
    found = {path.name: orientation_of(path) for path in in_every_type(tmp_path, np.ones((4, 6, 8), np.uint8))}
    write_slices(tmp_path / "series", np.ones((4, 6, 8), np.uint16))
    assert found | {"series": orientation_of(tmp_path / "series")} == {
        **dict.fromkeys(("a.tif", "a.npy"), "SPL"),
        **dict.fromkeys(("b.mha", "b.nrrd", "b.nii.gz", "series"), "RAS"),
        "silent.nii": "LPS",
    }
