"""What the parts of a task can teach and score."""

import numpy as np
import pytest

from evaluators.labelling import Labelling
from evaluators.tasks.coverage import check_coverage
from evaluators.tasks.task import Case, Sample, Task
from search_spaces.errors import InputError


def task(labelling: Labelling) -> Task:
    def read(case: Case) -> Sample:
        raise AssertionError("counts are given")

    return Task("made", 2, labelling, 1, (), read)


def counts(*indices: int) -> np.ndarray:
    """Of a case that shows these label indices, and background."""
    return np.bincount([0, *indices], minlength=256)


TWO = task(Labelling.exclusive(["organ", "vessel"]))


def test_a_task_whose_parts_show_every_class_has_no_note():
    assert (
        check_coverage(
            TWO, {"train": [counts(1, 2)], "val": [counts(1), counts(2)], "test": [counts(1, 2)]}, ("val", "test")
        )
        == []
    )


def test_a_class_that_no_training_case_shows_is_a_fault():
    with pytest.raises(InputError, match="'vessel' is in none of the 1 training cases"):
        check_coverage(TWO, {"train": [counts(1)], "val": [], "test": []}, ())


def test_a_part_without_foreground_is_a_fault_where_it_is_scored():
    parts = {"train": [counts(1, 2)], "val": [counts(), counts()], "test": [counts()]}
    with pytest.raises(InputError, match="none of the 2 val cases shows any foreground") as caught:
        check_coverage(TWO, parts, ("val",))
    assert len(caught.value.faults) == 1
    assert check_coverage(TWO, parts, ()) == []


@pytest.mark.parametrize(("showing", "advice"), [(1, "only 2 of all 4 cases show some"), (2, "or leave the split to")])
def test_advice_is_to_move_cases_only_where_there_are_enough_of_them(showing, advice):
    parts = {"train": [counts(1, 2)] * showing, "val": [counts(1)], "test": [counts()] * (3 - showing)}
    with pytest.raises(InputError, match=f"test cases shows any foreground.*{advice}"):
        check_coverage(TWO, parts, ("val", "test"))


def test_a_class_that_a_scored_part_never_shows_is_told():
    parts = {"train": [counts(1, 2)], "val": [counts(1)], "test": [counts(1, 2)]}
    assert check_coverage(TWO, parts, ("val", "test")) == [
        "class 'vessel' is in none of the 1 val cases: it is not scored there"
    ]


def test_a_region_is_shown_by_any_of_its_indices_and_an_ignored_voxel_shows_nothing():
    regions = task(Labelling(("whole", "core"), ((1, 2), (2,)), (0, 1, 2), (1, 2)))
    assert check_coverage(regions, {"train": [counts(2)], "val": [], "test": []}, ()) == []
    with pytest.raises(InputError, match="'core'"):
        check_coverage(regions, {"train": [counts(1, 255)], "val": [], "test": []}, ())
