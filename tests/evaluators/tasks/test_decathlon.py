import json

import numpy as np
import pytest

from evaluators.tasks import open_task
from evaluators.tasks.task import SPLITS
from search_spaces.errors import InputError
from tests.evaluators.tasks.files import volume_mask, write_decathlon_task, write_nifti


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


@pytest.mark.parametrize(
    ("entries", "message"),
    [
        ({"training": []}, r"training: expected a list of image and label pairs, got \[\]"),
        ({"training": [{"image": "a.nii.gz"}]}, r"training\[0\]: expected an image and a label path"),
        ({"training": [{"image": "a.nii.gz", "label": "b.nii.gz"}] * 2}, "a.nii.gz is listed more than once"),
        ({"training": [{"image": "./a.nii.gz", "label": "b.nii.gz"}]}, "a.nii.gz: no such file"),
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
