"""Classes that share stored values."""

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from evaluators.tasks.labels import parse_classes
from search_spaces.errors import InputError

BRATS = {"whole": [1, 2, 4], "core": [1, 4], "enhancing": 4}


def stored_back(label_map, values):
    """The values with which a prediction that is right in every class is written."""
    labelling = label_map.labelling()
    indices = label_map.apply(np.array(values), "f")
    painted = np.zeros_like(indices)
    for row, index in zip(labelling.membership, labelling.painted, strict=True):
        painted[row[indices]] = index
    return labelling.to_values(painted).tolist()


def test_each_value_is_an_index_and_each_class_a_set_of_them():
    labelling = parse_classes(BRATS).labelling()
    assert labelling.regions
    assert labelling.classes == ("whole", "core", "enhancing")
    assert labelling.values == (0, 1, 2, 4)
    assert labelling.members == ((1, 2, 3), (1, 3), (3,))
    assert parse_classes(BRATS).apply(np.array([0, 1, 2, 4]), "f").tolist() == [0, 1, 2, 3]


def test_nested_classes_come_back_as_their_own_values():
    assert stored_back(parse_classes(BRATS), [0, 1, 2, 4]) == [0, 1, 2, 4]


def test_larger_classes_are_painted_first_whatever_the_order_in_which_they_are_written():
    label_map = parse_classes(dict(reversed(BRATS.items())))
    assert label_map.classes == ("whole", "core", "enhancing")
    assert stored_back(label_map, [0, 1, 2, 4]) == [0, 1, 2, 4]


def test_an_order_tells_the_value_that_paints_each_class():
    kidney = {"kidney": [1, 2, 3], "masses": [2, 3], "tumour": 2}
    labelling = parse_classes(kidney, [1, 3, 2]).labelling()
    assert [labelling.values[index] for index in labelling.painted] == [1, 3, 2]
    assert labelling.classes == ("kidney", "masses", "tumour")


def test_an_order_gives_a_range_its_value():
    labelling = parse_classes({"organ": "1..100", "tumour": "51..100"}, [40, 90]).labelling()
    assert (labelling.values, labelling.painted) == ((0, 40, 90), (1, 2))


def test_thresholds_and_ranges_within_others_are_regions_too():
    label_map = parse_classes({"organ": "0<", "tumour": [7, "100..200"]})
    labelling = label_map.labelling()
    indices = label_map.apply(np.array([0, 1, 7, 99, 150, 201]), "f")
    assert labelling.membership[:, indices].astype(int).tolist() == [[0, 1, 1, 1, 1, 1], [0, 0, 1, 0, 1, 0]]


def test_values_of_classes_that_share_none_can_be_kept_apart():
    labelling = parse_classes({"any": [1, 2]}, regions=True).labelling()
    assert labelling.regions
    assert (labelling.members, labelling.values) == (((1, 2),), (0, 1, 2))


def test_ignored_values_and_instances_go_with_regions():
    label_map = parse_classes({"cell": [1, 2], "nucleus": 2, "debris": "instances", "ignore": 9})
    assert label_map.apply(np.array([0, 1, 2, 5, 9]), "f").tolist() == [0, 1, 2, 3, 255]
    assert label_map.labelling().membership[:, :4].astype(int).tolist() == [[0, 1, 1, 0], [0, 0, 1, 0], [0, 0, 0, 1]]


@pytest.mark.parametrize(
    ("classes", "order", "message"),
    [
        ({"a": [1, 2], "b": [2, 3], "c": [1, 3]}, (), r"classes\.a: every value .* give regions_class_order"),
        (BRATS, (2, 1), r"a value for each of whole, core, enhancing; got 2, 1"),
        (BRATS, (2, 1, 2), r"2 is no value of 'enhancing'"),
        (BRATS, (4, 1, 4), r"4 paints 'enhancing' and a class before it"),
        ({"a": 1, "b": 2}, (1, 2), "no two classes share a value"),
    ],
)
def test_what_cannot_be_painted_is_named(classes, order, message):
    with pytest.raises(InputError, match=message):
        parse_classes(classes, order)


def test_an_order_makes_up_for_classes_that_have_no_value_of_their_own():
    label_map = parse_classes({"a": [1, 2], "b": [2, 3], "c": [1, 3]}, [1, 2, 3])
    assert label_map.labelling().painted == (1, 2, 3)


@given(
    st.lists(st.sets(st.integers(1, 9), min_size=1), min_size=2, max_size=4), st.lists(st.integers(0, 9), min_size=1)
)
def test_a_voxel_is_in_the_classes_that_take_its_value(sets, values):
    classes = {f"c{number}": sorted(members) for number, members in enumerate(sets)}
    taken = set().union(*sets)
    values = [0, *(value for value in values if value in taken)]
    try:
        label_map = parse_classes(classes)
    except InputError:
        assume(False)
    table = label_map.labelling().membership[:, label_map.apply(np.array(values, int).reshape(-1, 1), "f")]
    for name, row in zip(label_map.classes, table.reshape(len(sets), -1), strict=True):
        assert row.tolist() == [value in classes[name] for value in values]


@given(st.lists(st.integers(1, 50), min_size=2, max_size=8, unique=True), st.data())
def test_nested_classes_always_come_back_as_they_were(values, data):
    cuts = sorted(data.draw(st.sets(st.integers(1, len(values) - 1), min_size=1)))
    classes = {f"c{cut}": values[cut:] for cut in [0, *cuts]}
    label_map = parse_classes(classes)
    indices = label_map.apply(np.array(values), "f")
    again = label_map.apply(np.array(stored_back(label_map, values)), "f")
    membership = label_map.labelling().membership
    assert np.array_equal(membership[:, indices], membership[:, again])
