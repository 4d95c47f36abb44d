import json

import numpy as np
import pytest

from evaluators.labelling import IGNORED, Labelling
from evaluators.tasks import open_task
from evaluators.tasks.task import SPLITS
from search_spaces.errors import InputError
from tests.evaluators.tasks.files import (
    colour,
    mask,
    volume_mask,
    write_json,
    write_nifti,
    write_nnunet_task,
    write_picture,
)


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


def test_test_cases_without_labels_are_passed_over_with_a_note(tmp_path):
    root = write_nnunet_task(tmp_path, count=5)
    write_picture(root / "imagesTs" / "x_0000.png", mask())
    task = open_task(root)
    assert len(task.cases) == 5
    assert task.notes == (f"{root / 'imagesTs'} holds images without labels, which are left out",)


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


def test_a_class_of_several_values_makes_all_classes_regions(tmp_path):
    root = write_nnunet_task(tmp_path)
    change(root, labels={"Background": 0, "any": [1, 2]})
    task = open_task(root)
    assert task.labelling == Labelling(("any",), ((1, 2),), (0, 1, 2), (1,))
    assert np.array_equal(task.read(task.cases[0]).label, mask(values=(1, 2)))


def test_regions_come_in_their_order_and_are_painted_as_told(tmp_path):
    root = write_nnunet_task(tmp_path)
    change(root, labels={"background": 0, "core": [2], "whole": [1, 2]}, regions_class_order=[2, 1])
    assert open_task(root).labelling == Labelling(("core", "whole"), ((2,), (1, 2)), (0, 1, 2), (2, 1))
    assert open_task(root, regions_class_order=[2, 1]).labelling.painted == (2, 1)
    with pytest.raises(InputError, match="1 is no value of 'core'"):
        open_task(root, regions_class_order=[1, 2])


def test_an_order_where_no_class_has_several_values_is_passed_over(tmp_path):
    root = write_nnunet_task(tmp_path)
    change(root, regions_class_order=[1, 2])
    assert not open_task(root).labelling.regions


def test_the_ignore_label_counts_nowhere(tmp_path):
    root = write_nnunet_task(tmp_path)
    change(root, labels={"background": 0, "cell": 1, "ignore": 2})
    task = open_task(root)
    assert task.classes == ("cell",)
    assert np.unique(task.read(task.cases[0]).label).tolist() == [0, 1, IGNORED]


def test_own_values_come_back_whatever_the_order_of_the_classes(tmp_path):
    root = write_nnunet_task(tmp_path)
    for file in (root / "labelsTr").iterdir():
        write_picture(file, mask(values=(1, 4)))
    change(root, labels={"ET": 4, "background": 0, "NCR": 1})
    assert open_task(root).labelling == Labelling.exclusive(["NCR", "ET"], [0, 1, 4])
    assert open_task(root, classes={"enhancing": 4, "necrosis": 1}).labelling.values == (0, 4, 1)


def write_listed_task(root):
    """The files of a data set in folders of their own, listed by ``dataset``."""
    write_nnunet_task(root / "raw", count=4)
    listed = {
        f"p{number}": {
            "images": [f"../raw/imagesTr/cTr_{number}_{channel:04d}.png" for channel in range(2)],
            "label": f"$LABELS_OF_TEST/cTr_{number}.png",
        }
        for number in range(4)
    }
    description = {**json.loads((root / "raw" / "dataset.json").read_text()), "dataset": listed}
    write_json(root / "Dataset005" / "dataset.json", description)
    return root / "Dataset005"


def test_entries_of_dataset_say_where_the_files_are(tmp_path, monkeypatch):
    monkeypatch.setenv("LABELS_OF_TEST", str(tmp_path / "raw" / "labelsTr"))
    task = open_task(write_listed_task(tmp_path))
    assert sorted(case.name for case in task.cases) == ["p0", "p1", "p2", "p3"]
    assert task.read(task.cases[0]).image[:, 0, -1].tolist() == [100, 101]


def test_all_faulty_entries_of_dataset_are_named(tmp_path):
    root = write_listed_task(tmp_path)
    change(root, dataset={"p0": {"images": []}, "p1": "x", "p2": {"images": ["a.png"], "label": 1}})
    with pytest.raises(InputError) as caught:
        open_task(root)
    assert [fault.split(": ")[2] for fault in caught.value.faults] == ["p0", "p1", "p2"]
    change(root, dataset=[])
    with pytest.raises(InputError, match=r"dataset: expected images and label by case, got \[\]"):
        open_task(root)


FOLDS = [
    {"train": ["cTr_0", "cTr_1", "cTr_2"], "val": ["cTr_3", "cTr_4"]},
    {"train": ["cTr_3", "cTr_4", "cTr_2"], "val": ["cTr_0"]},
]


@pytest.mark.parametrize("place", ["nnUNet_raw/Dataset001_A", "nnUNet_preprocessed/Dataset001_A"])
def test_a_fold_tells_validation_from_training_cases(tmp_path, place):
    root = write_nnunet_task(tmp_path / "nnUNet_raw" / "Dataset001_A", tests=1)
    write_json(tmp_path / place / "splits_final.json", FOLDS)
    task = open_task(root)
    assert [[case.name for case in task.split(part)] for part in SPLITS] == [
        ["cTr_0", "cTr_1", "cTr_2"],
        ["cTr_3", "cTr_4"],
        ["cTs_0"],
    ]
    assert any("fold 0 of" in note for note in task.notes)


def test_another_fold_can_be_asked_for_and_cases_in_none_are_left_out_with_a_note(tmp_path):
    root = write_nnunet_task(tmp_path, tests=1)
    write_json(root / "splits_final.json", FOLDS)
    task = open_task(root, fold=1)
    assert [[case.name for case in task.split(part)] for part in SPLITS[:2]] == [["cTr_2", "cTr_3", "cTr_4"], ["cTr_0"]]
    assert "1 cases that are not in the fold are left out, cTr_1 first" in task.notes


@pytest.mark.parametrize(
    ("folds", "fold", "message"),
    [
        (FOLDS, 2, r"splits_final\.json: fold: expected 0 to 1, got 2"),
        ({"train": []}, None, "expected a list of folds"),
        ([{"train": ["cTr_0"]}], None, "expected a list of folds"),
        ([{"train": ["cTr_0", "gone"], "val": ["cTr_1"]}], None, "fold 0: no training case is called 'gone'"),
        ([{"train": ["cTr_0", "cTr_1"], "val": ["cTr_1"]}], None, "fold 0: 'cTr_1' is in train and in val"),
        (None, 1, "fold: expected splits_final.json in .* for fold 1, found none"),
    ],
)
def test_a_fold_that_is_not_there_is_named(tmp_path, folds, fold, message):
    root = write_nnunet_task(tmp_path, count=2)
    if folds is not None:
        write_json(root / "splits_final.json", folds)
    with pytest.raises(InputError, match=message):
        open_task(root, fold=fold)


def test_test_cases_called_like_training_cases_stay_apart(tmp_path):
    root = write_nnunet_task(tmp_path, count=3, tests=2)
    for file in [*(root / "imagesTs").iterdir(), *(root / "labelsTs").iterdir()]:
        file.rename(file.with_name(file.name.replace("cTs", "cTr")))
    task = open_task(root)
    assert [case.name for case in task.split("test")] == ["test/cTr_0", "test/cTr_1"]
    assert all("Ts" in str(case.label) for case in task.split("test"))


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
        ({"file_ending": ".b2nd"}, r"file_ending '\.b2nd' cannot be read"),
        ({"file_ending": ".tif"}, r"imagesTr: expected files such as CASE_0000\.tif, found none"),
        ({"labels": {"background": 0, "ignore": 2}}, "at least one class"),
        ({"labels": {"background": 0, "a": 1, "b": 1}}, r"dataset\.json: classes\.b: takes the same values as 'a'"),
        ({"labels": {"a": [1, 2], "b": 2}, "regions_class_order": [1]}, r"json: regions_class_order: .* each of a, b"),
        ({"labels": {"a": [1, 2]}, "regions_class_order": "1"}, "regions_class_order: expected a list of whole"),
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


@pytest.mark.parametrize(
    "folds",
    [[], {}, None, [{"train": None, "val": []}], [{"train": [], "val": 3}], [{"train": [[]], "val": []}], [[]], ["a"]],
)
def test_what_are_no_folds_is_told_with_the_file(tmp_path, folds):
    root = write_nnunet_task(tmp_path / "set")
    write_json(root / "splits_final.json", folds)
    with pytest.raises(
        InputError, match=r"splits_final\.json: expected a list of folds, each with the lists train and"
    ):
        open_task(root)
