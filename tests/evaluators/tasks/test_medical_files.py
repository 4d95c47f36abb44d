"""Tasks of files that say how they lie, or what their values are called."""

import nibabel
import numpy as np
import pytest

from evaluators.tasks import open_task
from evaluators.tasks.task import SPLITS
from search_spaces.errors import InputError
from tests.evaluators.images.dicom_files import write_segmentation, write_slices
from tests.evaluators.images.test_itk import save, segments
from tests.evaluators.tasks.files import write_table

SIZE = (4, 16, 16)  # slices, rows, columns


def numbers(*segments_of_rows):
    """A volume of slices with one row of each number, in the two middle slices."""
    label = np.zeros(SIZE, np.uint8)
    for row, number in enumerate(segments_of_rows, start=3):
        label[1:3, row, 4:9] = number
    return label


def write_dicom_task(root, *, in_folders=False):
    rng = np.random.default_rng(0)
    for number in range(3):
        files = write_slices(root / "images" / f"p{number}", rng.integers(0, 900, SIZE).astype(np.uint16))
        label = root / "labels" / (f"p{number}/1-1.dcm" if in_folders else f"p{number}.dcm")
        label.parent.mkdir(parents=True, exist_ok=True)
        write_segmentation(label, files, numbers(1, 2))
    rows = [(f"images/p{number}", f"labels/p{number}.dcm", part) for number, part in enumerate(SPLITS)]
    if not in_folders:
        write_table(root, rows, header="image,label,split")
    return root


@pytest.mark.parametrize("in_folders", [True, False])
def test_a_folder_of_slices_and_a_segmentation_are_a_case(tmp_path, in_folders):
    task = open_task(write_dicom_task(tmp_path, in_folders=in_folders))
    assert sorted(case.name for case in task.cases) == ["p0", "p1", "p2"]
    assert (task.dims, task.classes, task.labelling.values) == (3, ("liver", "tumour"), (0, 1, 2))
    sample = task.read(task.cases[0])
    assert sample.image.shape[1:] == sample.label.shape == SIZE[::-1]
    assert [int((sample.label == index).sum()) for index in (1, 2)] == [10, 10]


def write_named_task(root, names):
    """Segmentations whose numbers differ from file to file."""
    for number, (one, two) in enumerate(names):
        save(root / f"i{number}.nrrd", np.zeros(SIZE, np.int16))
        save(root / f"l{number}.seg.nrrd", numbers(1, 2), keys=segments((one, 1, 0), (two, 2, 0)))
    parts = ["train"] * (len(names) - 2) + ["val", "test"]
    rows = [(f"i{number}.nrrd", f"l{number}.seg.nrrd", part) for number, part in enumerate(parts)]
    write_table(root, rows, header="image,label,split")
    return root


NAMES = [("liver", "tumour"), ("tumour", "liver"), ("liver", "tumour"), ("tumour", "liver")]


def test_names_of_segments_count_and_not_their_numbers(tmp_path):
    task = open_task(write_named_task(tmp_path, NAMES))
    assert task.classes == ("liver", "tumour")
    for case in task.cases:
        label = task.read(case).label
        rows = [SIZE[1] - 1 - int(np.argwhere(label == index)[0, 1]) for index in (1, 2)]  # they run to the back
        assert (rows[0] < rows[1]) == (NAMES[int(case.name[1:])][0] == "liver")


def test_a_segment_that_no_class_is_called_after_is_named_with_every_file(tmp_path):
    root = write_named_task(tmp_path, [*NAMES, ("liver", "couch"), ("couch", "liver")])
    with pytest.raises(InputError) as caught:
        open_task(root, classes={"liver": 1, "tumour": 2})
    assert ["the segment 'couch' is none of the classes" in fault for fault in caught.value.faults] == [True, True]


def write_oriented_task(root, codes):
    """Volumes 3 mm deep from head to foot, stored in the order and direction of ``codes``."""
    upright = nibabel.Nifti1Image(np.ones((8, 9, 5), np.float32), np.diag([1, 1, 3, 1]))
    label = np.zeros((8, 9, 5), np.uint8)
    label[2:5, 2:5, 1:3] = 1
    ornt = nibabel.orientations
    turn = ornt.ornt_transform(ornt.axcodes2ornt("RAS"), ornt.axcodes2ornt(codes))
    for number in range(3):
        for folder, image in (("images", upright), ("labels", nibabel.Nifti1Image(label, upright.affine))):
            (root / folder).mkdir(parents=True, exist_ok=True)
            nibabel.save(image.as_reoriented(turn), root / folder / f"c{number}.nii.gz")
    return root


@pytest.mark.parametrize("codes", ["RAS", "LPS", "SPR", "IAL"])
@pytest.mark.parametrize("asked", [None, "axial", 2])
def test_slices_are_cut_across_the_body_however_the_file_lies(tmp_path, codes, asked):
    task = open_task(write_oriented_task(tmp_path, codes), dims=2, slice_axis=asked)
    assert (task.dims, task.slice_axis) == (2, 2)
    sample = task.read(task.cases[0])
    assert (sample.label.shape, sample.spacing) == ((8, 9, 5), pytest.approx((1, 1, 3)))


def test_names_of_segments_count_in_any_case_of_letters(tmp_path):
    names = [("Liver", "TUMOUR"), ("tumour", "LIVER"), ("liver", "Tumour"), ("Tumour", "Liver")]
    task = open_task(write_named_task(tmp_path, names), classes={"liver": 1, "tumour": 2})
    for case in task.cases:
        label, odd = task.read(case).label, int(case.name[-1]) % 2
        assert [int(np.argwhere(label == index)[0, 1]) for index in (1, 2)] == (
            [SIZE[1] - 1 - 4, 12][::1] if odd else [12, 11]
        )


def test_names_of_no_class_with_other_numbers_elsewhere_are_refused(tmp_path):
    names = [("left", "right"), ("right", "left"), ("left", "right"), ("left", "right")]
    root = write_named_task(tmp_path, names)
    with pytest.raises(
        InputError, match=r"l1\.seg\.nrrd: the segment 'right' is none of the classes liver, .* is 1 here but 2"
    ):
        open_task(root, classes={"liver": 1, "tumour": 2}, dims=3)


def test_segmentations_of_one_slice_each_are_those_of_volumes(tmp_path):
    rng = np.random.default_rng(0)
    rows = []
    for number, part in enumerate(SPLITS):
        files = write_slices(tmp_path / f"p{number}", rng.integers(0, 900, SIZE).astype(np.uint16))
        label = numbers(1, 2) * (np.arange(SIZE[0]) == 1)[:, None, None].astype(np.uint8)
        write_segmentation(tmp_path / f"l{number}.dcm", files, label)
        rows.append((f"p{number}", f"l{number}.dcm", part))
    write_table(tmp_path, rows, header="image,label,split")
    task = open_task(tmp_path)
    assert (task.dims, task.notes) == (3, ())
    assert task.read(task.cases[0]).label.shape == SIZE[::-1]
    assert open_task(tmp_path, dims=2).slice_axis == 2
