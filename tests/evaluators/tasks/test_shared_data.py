"""The real data sets beside the project, as its README describes them."""

from pathlib import Path

import numpy as np
import pytest

from evaluators.tasks import open_task
from evaluators.tasks.task import SPLITS
from search_spaces.errors import InputError

DATA = Path(__file__).parents[4] / "shared" / "data"

pytestmark = pytest.mark.skipif(not DATA.is_dir(), reason="../shared is absent")


@pytest.mark.parametrize(
    ("name", "options", "counts", "dims", "channels", "classes"),
    [
        ("hippocampus3d", {"classes": {"anterior": 1, "posterior": 2}}, (156, 52, 52), 3, 1, 2),
        ("hippocampus3d", {}, (156, 52, 52), 3, 1, 2),
        ("drive_retina", {"classes": {"vessel": 255}}, (16, 4, 20), 2, 3, 1),
        ("kvasir_seg", {"classes": {"polyp": "127<"}}, (800, 99, 99), 2, 3, 1),
        ("busi_small", {"classes": {"lesion": 255}, "groups": False}, (60, 20, 19), 2, 3, 1),
        ("isbi2012_em", {"classes": {"membrane": 0, "background": 255}}, (20, 4, 6), 2, 1, 1),
        ("isbi2012_em", {}, (20, 4, 6), 2, 1, 1),
    ],
)
def test_a_set_has_its_cases_and_one_of_each_part_can_be_read(name, options, counts, dims, channels, classes):
    task = open_task(DATA / name, **options)
    assert tuple(len(task.split(part)) for part in SPLITS) == counts
    assert (task.dims, task.channels, len(task.classes)) == (dims, channels, classes)
    for part in SPLITS:
        sample = task.read(task.split(part)[-1])
        assert sample.label.shape == sample.image.shape[1:]
        assert set(np.unique(sample.label)) == set(range(classes + 1))
        assert np.ptp(sample.image) > 50


def test_vessels_of_the_retina_are_as_frequent_as_said():
    task = open_task(DATA / "drive_retina", classes={"vessel": 255})
    assert np.mean([task.read(case).label.mean() for case in task.cases]) == pytest.approx(0.087, abs=0.002)


def test_kvasir_without_a_threshold_is_told_one():
    with pytest.raises(InputError, match=r"JPEG.*'127<'"):
        open_task(DATA / "kvasir_seg")


def test_the_strata_of_busi_are_no_groups():
    task = open_task(DATA / "busi_small", classes={"lesion": 255})
    assert {case.group for case in task.cases} == {""}
