"""What opening a task finds out from its labels, and which it reads for that."""

import numpy as np
import pytest

from evaluators.labelling import Labelling
from evaluators.tasks import findings, open_task
from evaluators.tasks.survey import survey
from evaluators.tasks.task import SPLITS
from search_spaces.errors import InputError
from tests.evaluators.tasks.files import (
    grey,
    mask,
    volume_mask,
    write_csv_task,
    write_decathlon_task,
    write_nifti,
    write_pairs,
    write_picture,
)


@pytest.fixture
def read_labels(monkeypatch):
    """The labels that opening a task reads, in order."""
    seen = []

    def watched(files, *rest):
        seen.extend(file.name for file in files)
        return survey(files, *rest)

    monkeypatch.setattr(findings, "survey", watched)
    return seen


def test_no_label_is_read_where_nothing_is_to_be_found_out(tmp_path, read_labels):
    open_task(write_csv_task(tmp_path, list(SPLITS)), classes={"a": [255, 7]})
    assert read_labels == []


@pytest.mark.parametrize("classes", [None, {"a": "127<"}, {"a": "1..255"}, {"a": "instances"}])
def test_training_labels_tell_classes_and_own_values(tmp_path, read_labels, classes):
    task = open_task(write_csv_task(tmp_path, ["train", "val", "test", "train"]), classes=classes)
    assert read_labels == ["case0.png", "case3.png"]
    assert task.labelling.values == (0, 255)


def test_a_split_that_is_made_looks_at_each_training_label_once(tmp_path, read_labels):
    open_task(write_csv_task(tmp_path, ["train"] * 6 + ["test"]), classes={"a": 255})
    assert sorted(read_labels) == [f"case{number}.png" for number in range(6)]


def test_all_volumes_tell_the_dimensions(tmp_path, read_labels):
    root = write_decathlon_task(tmp_path)
    open_task(root)
    assert sorted(read_labels) == [f"organ_{number:03d}.nii.gz" for number in range(5)]


def test_reading_labels_is_told_step_by_step(tmp_path):
    steps = []
    open_task(write_csv_task(tmp_path, ["train"] * 5), progress=lambda done, total: steps.append((done, total)))
    assert steps == [(number, 5) for number in range(1, 6)]


def test_all_labels_that_cannot_be_read_are_named_together(tmp_path):
    root = write_csv_task(tmp_path, ["train"] * 6)
    for number in (1, 4):
        (root / "labels" / f"case{number}.png").write_bytes(b"damaged")
    with pytest.raises(InputError) as caught:
        open_task(root)
    assert ["case1.png" in fault or "case4.png" in fault for fault in caught.value.faults] == [True, True]


def test_a_label_that_holds_nan_is_told_as_that(tmp_path):
    root = write_csv_task(tmp_path, ["train"] * 6)
    for label in (root / "labels").iterdir():
        np.save(label.with_suffix(".npy"), np.where(mask() > 0, 1, np.nan))
    table = root / "split.csv"
    table.write_text(table.read_text().replace(".png,train", ".npy,train"))
    with pytest.raises(InputError, match=r"case0\.npy: the label holds NaN") as caught:
        open_task(root)
    assert len(caught.value.faults) == 6


def test_all_labels_with_other_values_are_named_together_and_before_any_image_is_read(tmp_path):
    root = write_csv_task(tmp_path, ["train"] * 6)
    for number in (1, 4):
        write_picture(root / "labels" / f"case{number}.png", mask(values=(255, 7)))
        (root / "images" / f"case{number}.png").write_bytes(b"damaged")
    with pytest.raises(InputError) as caught:
        open_task(root, classes={"a": 255})
    assert [fault.count("label values 7 (8.3 %) are outside") for fault in caught.value.faults] == [1, 1]


def test_a_class_that_no_training_label_shows_is_said_at_once(tmp_path):
    root = write_csv_task(tmp_path, ["train"] * 6)
    with pytest.raises(InputError, match="class 'b' is in none of the 4 training cases"):
        open_task(root, classes={"a": 255, "b": 7})


@pytest.mark.parametrize("seed", range(4))
def test_the_few_cases_that_show_something_are_dealt_out(tmp_path, seed):
    names = [f"case{number}" for number in range(15)]
    write_pairs(tmp_path, names)
    for name in names[3:]:
        write_picture(tmp_path / "labels" / f"{name}.png", np.zeros((6, 8), np.uint8))
    task = open_task(tmp_path, seed=seed)
    for part in SPLITS:
        assert sum(task.read(case).label.any() for case in task.split(part)) == 1
    assert [len(task.split(part)) for part in SPLITS] == [9, 3, 3]


def test_the_classes_of_the_user_are_those_that_are_dealt_out(tmp_path):
    names = [f"case{number}" for number in range(12)]
    write_pairs(tmp_path, names)
    for number, name in enumerate(names):
        write_picture(tmp_path / "labels" / f"{name}.png", mask(values=(1, 2) if number % 4 == 0 else (1,)))
    task = open_task(tmp_path, classes={"organ": [1, 2], "lesion": 2})
    assert [sum((task.read(case).label == 2).any() for case in task.split(part)) for part in SPLITS] == [1, 1, 1]


@pytest.mark.parametrize("noise", [2e-7, -9e-4])
def test_float_noise_in_labels_is_none(tmp_path, noise):
    for name in "abc":
        write_nifti(tmp_path / "images" / f"{name}.nii.gz", np.ones((5, 6, 7), np.float32))
        label = volume_mask(values=(1, 2)).astype(np.float32)
        write_nifti(tmp_path / "labels" / f"{name}.nii.gz", np.where(label > 0, label + np.float32(noise), 0))
    task = open_task(tmp_path)
    assert task.labelling == Labelling.exclusive(["class_1", "class_2"])
    assert np.array_equal(task.read(task.cases[0]).label, volume_mask(values=(1, 2)))


def test_nan_is_background_on_request(tmp_path):
    image = np.full((5, 6, 7), 3, np.float32)
    image[0] = np.nan
    for name in "abc":
        write_nifti(tmp_path / "images" / f"{name}.nii.gz", image)
        write_nifti(tmp_path / "labels" / f"{name}.nii.gz", volume_mask())
    task = open_task(tmp_path)
    with pytest.raises(InputError, match="NaN"):
        task.read(task.cases[0])
    task = open_task(tmp_path, nan="background")
    assert np.array_equal(task.read(task.cases[0]).image, np.full((1, 5, 6, 7), 3))


def test_notes_of_ranges_and_regions_reach_the_task(tmp_path):
    root = write_csv_task(tmp_path, list(SPLITS))
    for number in range(3):
        write_picture(root / "labels" / f"case{number}.png", mask(values=(100, 200)))
        write_picture(root / "images" / f"case{number}.png", grey())
    (range_note,) = open_task(root, classes={"a": "150..255"}).notes
    assert range_note == "label values 0 (83 %), 100 (8.3 %) are background, since no class takes them"
    (regions_note,) = open_task(root, classes={"a": [100, 200], "b": 200}).notes
    assert regions_note == "the classes are regions, each is learnt for itself: background 0, a 100 or 200, b 200"
