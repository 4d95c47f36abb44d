import pickle

import numpy as np
import pytest

from evaluators.tasks import open_task
from evaluators.tasks.faults import raise_faults
from evaluators.tasks.task import SPLITS
from search_spaces.errors import InputError
from tests.evaluators.tasks.files import (
    colour,
    grey,
    mask,
    volume_mask,
    write_csv_task,
    write_nifti,
    write_pairs,
    write_picture,
    write_table,
)


@pytest.fixture
def root(tmp_path):
    return write_csv_task(tmp_path / "organ", ["train", "val", "test"])


def read_named(root, name):
    task = open_task(root)
    return task.read(next(case for case in task.cases if case.name == name))


def test_a_task_survives_the_way_to_another_process(root):
    task = pickle.loads(pickle.dumps(open_task(root)))
    sample = task.read(task.cases[0])
    assert sample.image.dtype == np.float32
    assert sample.label.dtype == np.uint8


def test_a_misspelt_split_is_named(root):
    with pytest.raises(InputError, match=r"unknown split 'tran' .did you mean 'train'"):
        open_task(root).split("tran")


def test_opening_reads_no_image_beyond_the_first(root):
    (root / "images" / "case1.png").write_bytes(b"damaged")
    task = open_task(root)
    assert [case.name for part in SPLITS for case in task.split(part)] == ["case0", "case1", "case2"]
    with pytest.raises(InputError, match=r"case1\.png: cannot be read"):
        task.read(task.split("val")[0])


def test_a_label_of_another_size_is_named_with_its_image(root):
    write_picture(root / "labels" / "case1.png", mask(7, 8))
    with pytest.raises(InputError, match=r"labels/case1\.png: size 7 x 8 differs from 6 x 8 of image .*case1\.png"):
        read_named(root, "case1")


def test_a_label_value_outside_the_map_is_named(root):
    write_picture(root / "labels" / "case1.png", mask(values=(255, 7)))
    with pytest.raises(
        InputError, match=r"labels/case1\.png: label values 7 \(8\.3 %\) are outside .*background 0, foreground 255"
    ):
        read_named(root, "case1")


def test_a_grey_picture_among_coloured_ones_is_repeated(root):
    write_picture(root / "images" / "case0.png", colour())
    write_picture(root / "images" / "case1.png", grey())
    assert open_task(root).channels == 3
    assert np.array_equal(read_named(root, "case1").image, np.stack([grey()] * 3))


def test_a_grey_picture_that_comes_first_makes_no_grey_task(tmp_path):
    root = write_csv_task(tmp_path / "mixed", ["train", "train", "train", "val", "test"])
    for number in range(1, 5):
        write_picture(root / "images" / f"case{number}.png", colour())
    task = open_task(root)
    assert task.channels == 3
    assert [task.read(case).image.shape for case in task.cases] == [(3, 6, 8)] * 5


def test_a_coloured_picture_among_grey_ones_is_refused_unless_its_channels_are_equal(root):
    write_picture(root / "images" / "case1.png", colour())
    write_picture(root / "images" / "case2.png", np.stack([grey()] * 3, -1))
    with pytest.raises(InputError, match=r"images/case1\.png: expected 1 channels as the task has, got 3"):
        read_named(root, "case1")
    assert np.array_equal(read_named(root, "case2").image, grey()[None])


def test_a_volume_is_never_repeated_over_channels(tmp_path):
    for number, channels in enumerate((3, 1, 3)):
        write_nifti(tmp_path / f"i{number}.nii.gz", np.ones((5, 6, 7, channels), np.float32))
        write_nifti(tmp_path / f"l{number}.nii.gz", volume_mask())
    write_table(tmp_path, [(f"i{n}.nii.gz", f"l{n}.nii.gz", part, "") for n, part in enumerate(SPLITS)])
    task = open_task(tmp_path)
    assert (task.dims, task.channels) == (3, 3)
    with pytest.raises(InputError, match=r"i1\.nii\.gz: expected 3 channels as the task has, got 1"):
        task.read(task.split("val")[0])


def test_an_empty_mask_is_a_healthy_case(root):
    write_picture(root / "labels" / "case1.png", np.zeros((6, 8), np.uint8))
    assert not read_named(root, "case1").label.any()


def test_dims_can_be_given(tmp_path):
    for name in "abc":
        write_nifti(tmp_path / "images" / f"{name}.nii.gz", np.ones((5, 6, 1), np.float32))
        write_nifti(tmp_path / "labels" / f"{name}.nii.gz", mask(5, 6)[..., None])
    flat, deep = open_task(tmp_path), open_task(tmp_path, dims=3)
    assert (flat.dims, flat.read(flat.cases[0]).image.shape) == (2, (1, 5, 6))
    assert (deep.dims, deep.read(deep.cases[0]).image.shape) == (3, (1, 5, 6, 1))


def test_missing_files_are_reported_together_and_capped(tmp_path):
    write_pairs(tmp_path, ["there"])
    rows = [(f"images/{n}.png", f"labels/{n}.png", "train", "") for n in ["there", *range(30)]]
    write_table(tmp_path, rows)
    with pytest.raises(InputError) as caught:
        open_task(tmp_path)
    assert len(caught.value.faults) == 21
    assert caught.value.faults[0].endswith("images/0.png: no such file")
    assert caught.value.faults[-1] == "... and 40 more"


def test_a_single_fault_is_one_line_and_none_is_silence():
    raise_faults([])
    with pytest.raises(InputError, match=r"^only$"):
        raise_faults(["only"])
