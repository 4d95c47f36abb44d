"""Segmentations whose segments have names."""

from pathlib import Path

import numpy as np
import pytest

from evaluators.tasks.labels import parse_classes
from evaluators.tasks.segment_names import by_name, classes_of
from search_spaces.errors import InputError

FILE = Path("a.seg.nrrd")


def test_a_name_counts_and_not_its_number():
    labels = parse_classes({"liver": 1, "tumour": 2})
    assert by_name(np.array([0, 1, 2]), {1: "tumour", 2: "liver"}, labels, FILE).tolist() == [0, 2, 1]


def test_numbers_count_where_no_name_is_that_of_a_class():
    labels = parse_classes({"liver": 1})
    assert by_name(np.array([0, 1]), {1: "Segment_1"}, labels, FILE).tolist() == [0, 1]


def test_a_segment_that_is_no_class_is_named_unless_its_number_is_background():
    label, names = np.array([0, 1, 5]), {1: "liver", 5: "couch"}
    with pytest.raises(InputError, match="a.seg.nrrd: the segment 'couch' is none of the classes liver"):
        by_name(label, names, parse_classes({"liver": 1}), FILE)
    labels = parse_classes({"liver": 1, "background": [0, 5]})
    assert labels.apply(by_name(label, names, labels, FILE), FILE).tolist() == [0, 1, 0]
    assert by_name(np.array([0, 1]), names, parse_classes({"liver": 1}), FILE).tolist() == [0, 1]


def test_a_region_is_known_by_its_name():
    labels = parse_classes({"whole": [1, 2], "core": 2})
    index = labels.apply(by_name(np.array([0, 1, 2]), {1: "core", 2: "whole"}, labels, FILE), FILE)
    assert labels.labelling().membership[:, index].astype(int).tolist() == [[0, 1, 1], [0, 1, 0]]


def test_classes_are_all_names_each_with_a_value_of_its_own():
    assert classes_of([{1: "liver", 2: "tumour"}, {1: "tumour", 3: "cyst"}, {1: "vein"}]) == {
        "liver": 1,
        "tumour": 2,
        "cyst": 3,
        "vein": 4,
    }
