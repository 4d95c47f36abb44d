"""One image in two cases is refused across parts, told within one, and blank images are equal by nature."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pytest

from evaluators.duplicates import is_blank
from evaluators.preprocessing import prepare
from evaluators.tasks import Sample, Task
from search_spaces.errors import InputError
from tests.evaluators.made_tasks import disc_sample, make_sample, make_task

RNG = np.random.default_rng(0)
DISCS = [disc_sample(RNG, (16, 16)) for _ in range(6)]


def task(train: Sequence[Sample], test: Sequence[Sample]) -> Task:
    splits: Mapping[str, Sequence[Sample]] = {"train": [*train, DISCS[4]], "val": [DISCS[5]], "test": test}
    return make_task(splits)


def test_an_image_in_training_and_test_is_refused_with_both_cases_and_a_way_out() -> None:
    with pytest.raises(InputError) as caught:
        prepare(task(DISCS[:2], [DISCS[3], DISCS[1]]))
    assert caught.value.faults == [
        "case 'test1' (test) has the same image as case 'train1' (train): scores would be too good; drop one, put both "
        "in one part, or say task.duplicates: allow"
    ]


def test_each_repeated_image_has_a_line_of_its_own() -> None:
    with pytest.raises(InputError) as caught:
        prepare(task(DISCS[:3], DISCS[:3]))
    assert len(caught.value.faults) == 3


def test_another_label_makes_no_other_image() -> None:
    other = make_sample(DISCS[0].image, np.ones((16, 16), np.uint8))
    with pytest.raises(InputError, match="same image as case 'train0'"):
        prepare(task(DISCS[:1], [other]))


def test_where_it_is_allowed_it_is_told() -> None:
    notes = prepare(task(DISCS[:3], DISCS[:2]), duplicates="allow").notes
    assert (
        "case 'test0' (test) has the same image as case 'train0' (train), and 1 more such pair: scores may be too good"
        in notes
    )


def test_within_a_part_it_is_told() -> None:
    notes = prepare(task([*DISCS[:2], DISCS[0]], [DISCS[3]])).notes
    assert "case 'train2' (train) has the same image as case 'train0' (train): it counts twice" in notes


def test_blank_images_are_no_copies_of_one_another() -> None:
    blank = make_sample(np.full((1, 16, 16), 7.0), np.zeros((16, 16), np.uint8))
    prepared = prepare(task([DISCS[0], blank], [DISCS[1], blank]))
    assert not any("same image" in note for note in prepared.notes)


def test_an_image_is_blank_where_each_channel_has_one_value() -> None:
    colour = np.stack([np.full((4, 4), value) for value in (1.0, 2.0, 3.0)])
    assert is_blank(colour)
    colour[2, 3, 3] = 4
    assert not is_blank(colour)
