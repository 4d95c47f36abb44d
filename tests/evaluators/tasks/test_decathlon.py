import json

import numpy as np
import pytest

from evaluators.tasks import open_task
from evaluators.tasks.task import SPLITS
from search_spaces.errors import InputError
from tests.evaluators.tasks.files import volume_mask, write_decathlon_task, write_json, write_nifti


def change(root, **entries):
    file = root / "dataset.json"
    file.write_text(json.dumps({**json.loads(file.read_text()), **entries}))


def test_names_come_from_the_description_and_the_split_is_made(tmp_path):
    task = open_task(write_decathlon_task(tmp_path / "Task04", count=10))
    assert (task.name, task.dims, task.channels, task.classes) == ("Task04", 3, 1, ("Anterior", "Posterior"))
    assert [len(task.split(part)) for part in SPLITS] == [6, 2, 2]
    assert np.unique(task.read(task.cases[0]).label).tolist() == [0, 1, 2]


def test_the_description_itself_can_be_given(tmp_path):
    root = write_decathlon_task(tmp_path)
    assert open_task(root / "dataset.json") == open_task(root)


def test_channels_lie_last_in_the_files_and_first_in_the_sample(tmp_path):
    root = write_decathlon_task(tmp_path, count=3)
    for number in range(3):
        image = np.stack([np.full((5, 6, 7), channel, np.float32) for channel in range(4)], -1)
        write_nifti(root / "imagesTr" / f"organ_{number:03d}.nii.gz", image, (1, 2, 3))
        write_nifti(root / "labelsTr" / f"organ_{number:03d}.nii.gz", volume_mask(values=(1, 2)), (1, 2, 3))
    change(root, modality={str(channel): "MRI" for channel in range(4)})
    task = open_task(root)
    sample = task.read(task.cases[0])
    assert sample.image.shape == (4, 5, 6, 7)
    assert sample.image[:, 0, 0, 0].tolist() == [0, 1, 2, 3]
    assert sample.spacing == (1.0, 2.0, 3.0)


def test_given_classes_win(tmp_path):
    task = open_task(write_decathlon_task(tmp_path), classes={"hippocampus": [1, 2]})
    assert task.classes == ("hippocampus",)


def test_another_number_of_channels_than_announced_is_named(tmp_path):
    root = write_decathlon_task(tmp_path)
    change(root, modality={"0": "T1", "1": "T2"})
    with pytest.raises(InputError, match=r"2 channels are announced, but .*\.nii\.gz and its like hold 1"):
        open_task(root)


def entries(*numbers, **more):
    return [
        {"image": f"./imagesTr/organ_{n:03d}.nii.gz", "label": f"./labelsTr/organ_{n:03d}.nii.gz", **more}
        for n in numbers
    ]


def named(task):
    return [[int(case.name[-3:]) for case in task.split(part)] for part in SPLITS]


@pytest.mark.parametrize("test", ["test", "testing"])
def test_parts_that_are_listed_with_labels_are_those(tmp_path, test):
    root = write_decathlon_task(tmp_path, count=8)
    change(root, **{"test": [], "training": entries(0, 1, 2, 3), "validation": entries(4, 5), test: entries(6, 7)})
    task = open_task(root)
    assert named(task) == [[0, 1, 2, 3], [4, 5], [6, 7]]
    assert task.notes == ()


def test_a_part_that_is_not_listed_is_made_and_entries_without_labels_are_noted(tmp_path):
    root = write_decathlon_task(tmp_path, count=8)
    unlabelled = [{"image": "./imagesTs/x.nii.gz"}]
    change(root, training=entries(0, 1, 2, 3), validation=entries(4, 5), test=[*unlabelled, "./imagesTs/y.nii.gz"])
    task = open_task(root)
    assert (len(task.split("train")), named(task)[1], len(task.split("test"))) == (3, [4, 5], 1)
    assert task.notes == ("2 of 2 entries of 'test' have no label and are left out",)


def test_a_list_of_images_is_the_channels_of_a_case(tmp_path):
    root = write_decathlon_task(tmp_path, count=4)
    for number in range(4):
        write_nifti(root / "imagesTr" / f"organ_{number:03d}_t2.nii.gz", np.full((5, 6, 7), 2, np.float32))
    paired = [
        {**entry, "image": [entry["image"], entry["image"].replace(".nii.gz", "_t2.nii.gz")]}
        for entry in entries(0, 1, 2, 3)
    ]
    change(root, training=paired, modality={"0": "T1", "1": "T2"})
    task = open_task(root)
    assert task.read(task.cases[0]).image[:, 0, 0, 0].tolist() == [1, 2]
    assert {case.name for case in task.cases} == {f"organ_{number:03d}" for number in range(4)}


def test_a_fold_of_the_training_entries_is_the_validation_part(tmp_path):
    root = write_decathlon_task(tmp_path, count=8)
    change(root, training=entries(0, 1, 2, fold=0) + entries(3, 4, fold=1), test=entries(5, 6))
    assert named(open_task(root)) == [[3, 4], [0, 1, 2], [5, 6]]
    assert named(open_task(root, fold=1)) == [[0, 1, 2], [3, 4], [5, 6]]
    with pytest.raises(InputError, match="fold: expected one of 0, 1, got 4"):
        open_task(root, fold=4)
    change(root, validation=entries(7))
    assert named(open_task(root)) == [[0, 1, 2, 3, 4], [7], [5, 6]]


def test_a_list_of_another_name_and_without_classes_is_read(tmp_path):
    root = write_decathlon_task(tmp_path / "Task04")
    description = json.loads((root / "dataset.json").read_text())
    for key in ("labels", "modality"):
        del description[key]
    (root / "dataset.json").unlink()
    (root / "fold_0.json").write_text(json.dumps(description))
    task = open_task(root / "fold_0.json")
    assert (task.name, task.classes, len(task.cases)) == ("Task04", ("class_1", "class_2"), 5)


@pytest.mark.parametrize(
    ("entries", "message"),
    [
        ({"training": []}, r"training: expected a list of image and label pairs, got \[\]"),
        ({"training": [{"image": "a.nii.gz"}]}, r"training\[0\]: expected an image and a label path"),
        ({"training": [{"image": "a.nii.gz", "label": "b.nii.gz"}] * 2}, "a.nii.gz is listed more than once"),
        ({"training": [{"image": "./a.nii.gz", "label": "b.nii.gz"}]}, "a.nii.gz: no such file"),
        ({"training": [{"image": ["a.nii.gz", 1], "label": "b.nii.gz"}]}, r"training\[0\]: expected an image"),
        ({"validation": [{"image": [], "label": "b.nii.gz"}]}, r"validation\[0\]: expected an image"),
        ({"validation": {"image": "a"}}, r"validation: expected a list"),
        ({"validation": entries(0)}, r"organ_000\.nii\.gz is listed more than once"),
        ({"labels": None}, "labels: expected names and values, got None"),
        ({"labels": {"0": "background", "1": "a", "2": "a"}}, "a name is given to two values"),
        ({"labels": {"background": 0, "a": "one"}}, "expected whole numbers"),
        ({"labels": {"background": 0, "a": 1.5}}, "expected whole numbers"),
    ],
)
def test_a_faulty_description_is_named(tmp_path, entries, message):
    root = write_decathlon_task(tmp_path)
    change(root, **entries)
    with pytest.raises(InputError, match=message):
        open_task(root)


@pytest.mark.parametrize(("text", "message"), [("{", "cannot be read as JSON"), ("[]", "expected an object, got list")])
def test_a_broken_description_is_named(tmp_path, text, message):
    (tmp_path / "dataset.json").write_text(text)
    with pytest.raises(InputError, match=rf"dataset\.json: {message}"):
        open_task(tmp_path)


@pytest.mark.parametrize("spelt", [str, int, lambda fold: f" {fold} "])
def test_folds_may_be_spelt_as_text(tmp_path, spelt):
    root = write_decathlon_task(tmp_path, 6)
    description = json.loads((root / "dataset.json").read_text())
    for number, entry in enumerate(description["training"]):
        entry["fold"] = spelt(number % 3)
    write_json(root / "dataset.json", description)
    assert [case.name for case in open_task(root, fold=1).split("val")] == ["organ_001", "organ_004"]


@pytest.mark.parametrize("fold", [[0], {"a": 1}, True, 0.5, "a"])
def test_a_fold_that_is_no_number_is_told_with_its_entry(tmp_path, fold):
    root = write_decathlon_task(tmp_path)
    description = json.loads((root / "dataset.json").read_text())
    for entry in description["training"]:
        entry["fold"] = 0
    description["training"][2]["fold"] = fold
    write_json(root / "dataset.json", description)
    with pytest.raises(
        InputError, match=r"dataset\.json: training: .*organ_002.*: expected a whole number as fold, got "
    ):
        open_task(root)


def test_an_entry_whose_fold_is_null_has_none(tmp_path):
    root = write_decathlon_task(tmp_path)
    description = json.loads((root / "dataset.json").read_text())
    for number, entry in enumerate(description["training"]):
        entry["fold"] = None if number == 2 else number % 2
    write_json(root / "dataset.json", description)
    assert [case.name for case in open_task(root).split("val")] == ["organ_000", "organ_004"]
