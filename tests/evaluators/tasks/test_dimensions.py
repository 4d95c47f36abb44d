"""2D, 3D, or volumes cut into slices."""

import numpy as np
import pytest

from evaluators.tasks import open_task
from evaluators.tasks.task import SPLITS
from search_spaces.errors import InputError
from tests.evaluators.tasks.files import write_nifti, write_pairs, write_table


def write_set(root, sizes, spacing=(1, 1, 1), label_axes=None):
    """A volume and label for each size; all of them training cases but the last two."""
    rows = []
    for number, size in enumerate(sizes):
        label = np.zeros(size, np.uint8)
        label[2:4, 2:4] = 1
        if label_axes and number == 0:
            label = label.reshape(label.shape[:label_axes])
        write_nifti(root / "i" / f"c{number}.nii.gz", np.ones(size, np.float32), spacing)
        write_nifti(root / "l" / f"c{number}.nii.gz", label, spacing)
        part = {len(sizes) - 2: "val", len(sizes) - 1: "test"}.get(number, "train")
        rows.append((f"i/c{number}.nii.gz", f"l/c{number}.nii.gz", part, ""))
    write_table(root, rows)
    return root


FLAT, DEEP = (6, 7, 1), (6, 7, 5)


@pytest.mark.parametrize("place", [0, 1, 3])
def test_most_volumes_make_it_3d_wherever_the_single_slice_lies(tmp_path, place):
    sizes = [FLAT if number == place else DEEP for number in range(4)]
    task = open_task(write_set(tmp_path, sizes))
    assert task.dims == 3
    assert task.notes == (f"3 of 4 labels are volumes: taken as 3D; {tmp_path}/l/c{place}.nii.gz is a single slice",)
    assert task.read(task.cases[0]).image.shape[1:] == sizes[0]


def test_a_label_without_its_third_axis_is_a_single_slice(tmp_path):
    task = open_task(write_set(tmp_path, [FLAT, DEEP, DEEP, DEEP], label_axes=2))
    assert task.dims == 3
    assert task.read(task.cases[0]).label.shape == FLAT


def test_single_slices_alone_are_2d(tmp_path):
    task = open_task(write_set(tmp_path, [FLAT] * 4))
    assert (task.dims, task.slice_axis, task.notes) == (2, None, ())


@pytest.mark.parametrize("sizes", [[FLAT, FLAT, DEEP], [FLAT, FLAT, DEEP, DEEP]])
def test_a_few_volumes_among_pictures_have_to_be_told_what_they_are(tmp_path, sizes):
    root = write_set(tmp_path, sizes)
    with pytest.raises(
        InputError, match=r"dims: 2 of \d labels are flat \(.*c0.*, but .*/l/c2\.nii\.gz is a volume of 6 x 7 x 5"
    ):
        open_task(root)
    assert open_task(root, dims=3).dims == 3
    sliced = open_task(root, dims=2)
    assert (sliced.dims, sliced.slice_axis) == (2, 2)
    assert sliced.read(sliced.cases[0]).image.shape[1:] == FLAT


def test_pictures_are_2d_without_reading_their_labels(tmp_path):
    write_pairs(tmp_path, "abc")
    for name in "abc":
        (tmp_path / "labels" / f"{name}.png").write_bytes(b"damaged")
    rows = [(f"images/{name}.png", f"labels/{name}.png", part) for name, part in zip("abc", SPLITS, strict=True)]
    write_table(tmp_path, rows, header="image,label,split")
    assert open_task(tmp_path, classes={"a": 255}).dims == 2


@pytest.mark.parametrize(
    ("spacing", "axis", "why"),
    [
        ((1, 1, 5), 2, "where voxels are longest (5 mm)"),
        ((4, 1, 1), 0, "where voxels are longest (4 mm)"),
        ((1, 1.2, 1), 2, "the last (axial)"),
        ((1, 3, 2.5), 2, "the last (axial)"),
    ],
)
def test_volumes_with_a_2d_network_are_cut_where_the_slices_lie_apart(tmp_path, spacing, axis, why):
    task = open_task(write_set(tmp_path, [DEEP] * 4, spacing), dims=2)
    assert (task.dims, task.slice_axis) == (2, axis)
    assert task.notes == (f"volumes are cut into slices along axis {axis}, {why}",)
    assert task.read(task.cases[0]).label.shape == DEEP


@pytest.mark.parametrize(("asked", "axis"), [(0, 0), (1, 1), ("sagittal", 0), ("coronal", 1), ("axial", 2)])
def test_the_axis_can_be_asked_for(tmp_path, asked, axis):
    assert open_task(write_set(tmp_path, [DEEP] * 4, (1, 1, 5)), dims=2, slice_axis=asked).slice_axis == axis


def write_arrays(root, save, suffix):
    for folder in ("images", "labels"):
        (root / folder).mkdir(parents=True)
        for name in "abc":
            save(root / folder / f"{name}{suffix}", np.pad(np.ones((1, 3, 3), np.uint8), ((1, 3), (1, 1), (2, 2))))


def test_the_pages_of_a_stack_are_its_slices(tmp_path):
    from PIL import Image

    def save(path, volume):
        pages = [Image.fromarray(page) for page in volume]
        pages[0].save(path, save_all=True, append_images=pages[1:])

    write_arrays(tmp_path, save, ".tif")
    assert open_task(tmp_path, dims=2).slice_axis == 0


def test_a_plane_means_nothing_where_files_do_not_say_how_they_lie(tmp_path):
    write_arrays(tmp_path, np.save, ".npy")
    assert open_task(tmp_path, dims=2).slice_axis == 2
    with pytest.raises(
        InputError, match=r"slice_axis: .*\.npy does not say how it lies; expected 0, 1 or 2, got 'axial'"
    ):
        open_task(tmp_path, dims=2, slice_axis="axial")


def test_there_must_be_something_to_cut(tmp_path):
    with pytest.raises(InputError, match="slice_axis: no label is a volume"):
        open_task(write_set(tmp_path, [FLAT] * 4), dims=2, slice_axis=1)
    write_pairs(tmp_path / "pictures", "abc")
    with pytest.raises(InputError, match="slice_axis: no label is a volume"):
        open_task(tmp_path / "pictures", dims=2, slice_axis=1)
