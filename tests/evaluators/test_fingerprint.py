"""Another version of the data is noticed, and told."""

import dataclasses

import numpy as np

from evaluators.fingerprint import CaseRecord, differences, fingerprint, record
from evaluators.tasks.task import Case
from tests.evaluators.made_tasks import disc_sample, make_sample


def records() -> list[CaseRecord]:
    rng = np.random.default_rng(0)
    return [record(Case(f"c{n}", "train" if n < 3 else "val"), disc_sample(rng, (12, 10))) for n in range(5)]


def test_the_same_data_have_one_fingerprint_in_any_order():
    assert fingerprint(records()) == fingerprint(records()[::-1])
    assert differences(records(), records()[::-1]) == []


def test_whatever_changes_is_told_and_changes_the_fingerprint():
    before = records()
    first = before[0]
    for change, told in (
        ({"image": "other"}, "with another image"),
        ({"label": "other"}, "with another label"),
        ({"split": "test"}, "in another part"),
        ({"group": "p1"}, "in another group"),
    ):
        now = [dataclasses.replace(first, **change), *before[1:]]
        assert fingerprint(now) != fingerprint(before)
        assert differences(before, now) == [f"1 case {told} (c0)"]
    assert differences(before, before[1:]) == ["1 case gone (c0)"]
    assert differences(before[4:], before) == ["4 cases new (c0, c1, c2, ...)"]


def test_values_size_and_spacing_count():
    label = np.zeros((4, 6), np.uint8)
    one = record(Case("c", "train"), make_sample(np.zeros((1, 4, 6)), label))
    assert record(Case("c", "train"), make_sample(np.zeros((1, 6, 4)), label)).image != one.image
    assert record(Case("c", "train"), make_sample(np.zeros((1, 4, 6)), label, (1, 2))).image != one.image
    assert record(Case("c", "train"), make_sample(np.zeros((1, 4, 6)), label + 1)).label != one.label
