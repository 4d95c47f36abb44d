"""Which images a folder holds."""

import numpy as np
import pytest

from evaluators.images.folder import images_at, images_in
from search_spaces.errors import InputError
from tests.evaluators.images.dicom_files import write_slices
from tests.evaluators.images.files import write

VOLUME = np.arange(4 * 16 * 12, dtype=np.uint16).reshape(4, 16, 12)


def names(paths):
    return [path.name for path in paths]


def test_a_folder_of_slices_is_one_image_and_a_folder_of_images_is_several(tmp_path):
    write_slices(tmp_path / "series", VOLUME)
    for name in ("b.nii", "a.png", ".hidden.png", "notes.txt"):
        (tmp_path / name).touch()
    assert images_at(tmp_path / "series") == [tmp_path / "series"]
    assert names(images_at(tmp_path)) == names(images_in(tmp_path)) == ["a.png", "b.nii", "series"]
    assert images_at(tmp_path / "a.png") == [tmp_path / "a.png"]


def test_one_stray_slice_hides_no_other_image(tmp_path):
    write_slices(tmp_path, VOLUME[:1], names=["a.dcm"])
    for name in ("n0.nii.gz", "n1.nii.gz"):
        write(tmp_path / name, VOLUME)
    assert names(images_at(tmp_path)) == ["a.dcm", "n0.nii.gz", "n1.nii.gz"]


@pytest.mark.parametrize("slices", [["x.dcm", "y.dcm"], ["x", "y"], ["x"]])
def test_slices_among_other_images_are_refused(tmp_path, slices):
    write_slices(tmp_path, VOLUME[: len(slices)], names=slices)
    write(tmp_path / "n0.nii.gz", VOLUME)
    with pytest.raises(
        InputError, match=rf"holds DICOM files \({slices[0]} and \d more\) .*other images \(n0\.nii\.gz\)"
    ):
        images_at(tmp_path)


def test_links_to_nothing_are_not_passed_over(tmp_path):
    (tmp_path / "a.nii.gz").symlink_to(tmp_path / "annex" / "a")
    (tmp_path / "series").mkdir()
    (tmp_path / "series" / "0.dcm").symlink_to(tmp_path / "annex" / "b")
    assert names(images_in(tmp_path)) == ["a.nii.gz", "series"]
