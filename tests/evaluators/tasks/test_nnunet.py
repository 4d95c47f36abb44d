import json

import numpy as np
import pytest

from evaluators.tasks import open_task
from evaluators.tasks.task import SPLITS
from search_spaces.errors import InputError
from tests.evaluators.tasks.files import colour, mask, volume_mask, write_nifti, write_nnunet_task, write_picture


def change(root, **entries):
    file = root / "dataset.json"
    file.write_text(json.dumps({**json.loads(file.read_text()), **entries}))


def test_the_files_of_a_case_are_its_channels(tmp_path):
    task = open_task(write_nnunet_task(tmp_path / "Dataset001"))
    assert (task.name, task.dims, task.channels, task.classes) == ("Dataset001", 2, 2, ("cell", "border"))
    assert [len(task.split(part)) for part in SPLITS] == [3, 1, 1]
    sample = task.read(task.cases[0])
    assert sample.image[:, 0, -1].tolist() == [100, 101]
    assert np.array_equal(sample.label, mask(values=(1, 2)))


def test_labelled_test_cases_are_the_test_part(tmp_path):
    task = open_task(write_nnunet_task(tmp_path, count=5, tests=2))
    assert [len(task.split(part)) for part in SPLITS] == [4, 1, 2]
    assert [case.name for case in task.split("test")] == ["cTs_0", "cTs_1"]


def test_test_cases_without_labels_are_passed_over(tmp_path):
    root = write_nnunet_task(tmp_path, count=5)
    write_picture(root / "imagesTs" / "x_0000.png", mask())
    assert len(open_task(root).cases) == 5


def test_a_colour_picture_counts_as_its_channels(tmp_path):
    root = write_nnunet_task(tmp_path, count=3, channels=1)
    for file in (root / "imagesTr").iterdir():
        write_picture(file, colour())
    change(root, channel_names={"0": "R", "1": "G", "2": "B"})
    task = open_task(root)
    assert task.read(task.cases[0]).image.shape == (3, 6, 8)


def test_version_1_is_read(tmp_path):
    for number in range(3):
        write_nifti(tmp_path / "imagesTr" / f"la_{number}_0000.nii.gz", np.ones((5, 6, 7), np.float32))
        write_nifti(tmp_path / "labelsTr" / f"la_{number}.nii.gz", volume_mask())
    description = {
        "modality": {"0": "MRI"},
        "labels": {"0": "background", "1": "atrium"},
        "training": [{"image": "./imagesTr/la_0.nii.gz", "label": "./labelsTr/la_0.nii.gz"}],
    }
    (tmp_path / "dataset.json").write_text(json.dumps(description))
    task = open_task(tmp_path)
    assert (task.dims, task.classes, len(task.cases)) == (3, ("atrium",), 3)


def test_regions_that_do_not_overlap_are_classes(tmp_path):
    root = write_nnunet_task(tmp_path)
    change(root, labels={"Background": 0, "any": [1, 2]})
    task = open_task(root)
    assert task.classes == ("any",)
    assert np.array_equal(task.read(task.cases[0]).label, mask(values=(1, 1)))


def test_all_unpaired_files_are_reported_together(tmp_path):
    root = write_nnunet_task(tmp_path, count=4)
    (root / "labelsTr" / "cTr_0.png").unlink()
    (root / "imagesTr" / "cTr_1_0001.png").rename(root / "imagesTr" / "cTr_1_0002.png")
    (root / "labelsTr" / "stray.png").write_bytes(b"")
    with pytest.raises(InputError) as caught:
        open_task(root)
    images, labels = root / "imagesTr", root / "labelsTr"
    assert caught.value.faults == [
        f"{labels / 'stray.png'}: label without an image in {images}",
        f"{labels / 'cTr_0.png'}: no label for {images / 'cTr_0_0000.png'}",
        f"{images / 'cTr_1'}: expected channel files 0000 to 0001, found 0000, 0002",
    ]


def test_files_of_different_sizes_in_one_case_are_named(tmp_path):
    root = write_nnunet_task(tmp_path, count=3)
    for number in range(3):
        write_picture(root / "imagesTr" / f"cTr_{number}_0001.png", mask(9, 9))
    with pytest.raises(InputError, match=r"_0001\.png: size 9 x 9 differs from 6 x 8 of .*_0000\.png"):
        open_task(root)


@pytest.mark.parametrize(
    ("entries", "message"),
    [
        ({"channel_names": {}}, "channel_names: expected channel numbers and names"),
        ({"channel_names": {"0": "T1"}}, "expected channel files 0000 to 0000, found 0000, 0001"),
        ({"file_ending": ".doc"}, r"file_ending '\.doc' cannot be read"),
        ({"file_ending": ".tif"}, r"imagesTr: expected files such as CASE_0000\.tif, found none"),
        ({"labels": {"background": 0, "a": 1, "ignore": 2}}, "'ignore' label is not supported"),
        ({"labels": {"background": 0, "whole": [1, 2], "core": [2]}}, "regions that overlap are not supported"),
    ],
)
def test_a_faulty_description_is_named(tmp_path, entries, message):
    root = write_nnunet_task(tmp_path)
    change(root, **entries)
    with pytest.raises(InputError, match=message):
        open_task(root)


def test_a_missing_folder_is_named(tmp_path):
    root = write_nnunet_task(tmp_path)
    (root / "labelsTr").rename(root / "labels")
    with pytest.raises(InputError, match="labelsTr: no such folder"):
        open_task(root)
