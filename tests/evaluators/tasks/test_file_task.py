"""What every task of files has in common."""

import numpy as np
import pytest

from evaluators.preprocessing import prepare
from evaluators.tasks import open_task
from evaluators.tasks.case_reader import SILENT, SPEAKING
from tests.evaluators.images.files import write
from tests.evaluators.images.test_one_orientation import as_itk
from tests.evaluators.tasks.files import write_table

PARTS = ("train", "train", "val", "test")
VOLUME = np.random.default_rng(0).integers(0, 200, (5, 16, 12)).astype(np.uint8)
LABEL = (VOLUME > 150).astype(np.uint8)


def write_mixed(root, suffixes, volume=VOLUME, label=LABEL):
    """One volume as the image of every case, each in a type of its own."""
    rows = []
    for number, (suffix, part) in enumerate(zip(suffixes, PARTS, strict=True)):
        (root / "i").mkdir(parents=True, exist_ok=True)
        save = as_itk if suffix in (".mha", ".nii.gz") else write
        save(root / "i" / f"c{number}{suffix}", volume)
        write(root / "l" / f"c{number}.tif", label)
        rows.append((f"i/c{number}{suffix}", f"l/c{number}.tif", part, ""))
    write_table(root, rows)
    return root


@pytest.mark.parametrize(
    ("suffixes", "orientation", "note"),
    [
        ((".tif", ".nii.gz", ".npy", ".mha"), "SPL", SPEAKING),
        ((".nii.gz", ".tif", ".mha", ".npy"), "RAS", SILENT),
    ],
)
def test_images_that_say_how_they_lie_and_others_are_brought_to_one_orientation(tmp_path, suffixes, orientation, note):
    task = open_task(write_mixed(tmp_path, suffixes))
    samples = [task.read(case) for case in task.cases]
    for sample in samples:
        assert np.array_equal(sample.image, samples[0].image)
        assert np.array_equal(sample.label, samples[0].label)
        assert sample.orientation == orientation
    prepared = prepare(task, duplicates="allow")
    assert prepared.preprocessing.reading.orientation == orientation
    assert sum(note in told for told in prepared.notes) == 1


@pytest.mark.parametrize(("suffix", "axis"), [(".tif", 0), (".mha", 2)])
@pytest.mark.parametrize("odd", [".tif", ".mha"])
def test_slices_of_mixed_types_lie_alike(tmp_path, suffix, axis, odd):
    task = open_task(write_mixed(tmp_path, (suffix, odd, suffix, odd)), dims=2)
    assert task.slice_axis == axis
    assert {task.read(case).image.shape[1 + axis] for case in task.cases} == {5}


@pytest.mark.parametrize(("suffix", "size"), [(".tif", (1, 16, 12)), (".mha", (12, 16, 1))])
def test_a_page_lies_as_the_pages_of_the_stacks(tmp_path, suffix, size):
    root = write_mixed(tmp_path, (suffix, suffix, suffix, suffix))
    write(root / "i" / "page.png", VOLUME[0])
    write(root / "l" / "page.png", LABEL[0])
    with (root / "split.csv").open("a") as table:
        table.write("i/page.png,l/page.png,train,\n")
    task = open_task(root)
    [page] = [case for case in task.cases if case.name == "page"]
    assert task.read(page).image.shape[1:] == size


def test_what_reading_needs_is_kept_for_other_images(tmp_path):
    root = write_mixed(tmp_path, (".tif",) * 4)
    task = open_task(root, nan="background", geometry="by_index", arrays={"image": "ct"})
    layout = prepare(task, duplicates="allow").preprocessing
    assert (layout.reading.nan, layout.reading.by_index, layout.reading.image_array) == ("background", True, "ct")
