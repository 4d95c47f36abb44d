"""Segmentations whose segments have names."""

from pathlib import Path

import numpy as np
import pytest

from evaluators.tasks.labels import parse_classes
from evaluators.tasks.segment_names import by_name, check_numbers, classes_of
from search_spaces.errors import InputError

FILE = Path("a.seg.nrrd")


def test_a_name_counts_and_not_its_number():
    labels = parse_classes({"liver": 1, "tumour": 2})
    assert by_name(np.array([0, 1, 2]), {1: "tumour", 2: "liver"}, labels, FILE).tolist() == [0, 2, 1]


def test_the_case_of_letters_does_not_count():
    labels = parse_classes({"liver": 1, "Tumour": 2})
    assert by_name(np.array([0, 1, 2]), {1: "TUMOUR", 2: " Liver"}, labels, FILE).tolist() == [0, 2, 1]
    two = parse_classes({"a": 1, "A": 2})
    assert by_name(np.array([0, 1, 2]), {1: "A", 2: "a"}, two, FILE).tolist() == [0, 2, 1]
    assert classes_of([{1: "Liver", 2: "cyst"}, {1: "Cyst", 2: "LIVER"}]) == {"Liver": 1, "cyst": 2}


def test_names_of_no_class_with_other_numbers_elsewhere_are_refused():
    labels = parse_classes({"liver": 1, "tumour": 2})
    files = {Path("a"): {1: "left", 2: "right"}, Path("b"): {1: "Right", 2: "left"}, Path("c"): {1: "liver"}}
    with pytest.raises(InputError) as caught:
        check_numbers(files, labels)
    assert caught.value.faults == [
        "b: the segment 'Right' is none of the classes liver, tumour, and its number is 1 here but 2 in a",
        "b: the segment 'left' is none of the classes liver, tumour, and its number is 2 here but 1 in a",
    ]
    del files[Path("b")]
    assert check_numbers(files, labels) == [
        "the segments of 1 of 2 labels are named like no class ('left' in a): their numbers count"
    ]
    assert check_numbers({Path("c"): {1: "liver"}, Path("d"): {}}, labels) == []


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
