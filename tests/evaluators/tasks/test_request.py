import pytest

from evaluators.tasks import open_task
from evaluators.tasks.request import Request
from search_spaces.errors import InputError
from tests.evaluators.tasks.files import write_pairs


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        ({"dims": 4}, r"^dims: expected 2 or 3, got 4$"),
        ({"nan": "zero"}, r"^nan: expected fault or background, got 'zero'$"),
        ({"geometry": "trust"}, r"^geometry: expected check or by_index, got 'trust'$"),
        ({"slice_axis": 3, "dims": 2}, r"^slice_axis: expected 0, 1, 2, sagittal, coronal, axial; got 3$"),
        ({"slice_axis": True, "dims": 2}, r"^slice_axis: expected .* got True$"),
        ({"slice_axis": 1}, r"^slice_axis: expected dims: 2"),
        ({"slice_axis": "axial", "dims": 3}, r"^slice_axis: expected dims: 2.* got dims 3$"),
        ({"regions_class_order": [1, "2"]}, r"^regions_class_order: expected a whole number for each class"),
        ({"regions_class_order": []}, r"^regions_class_order: expected .* got \[\]$"),
        ({"arrays": {"mask": "y"}}, r"^arrays: expected names for image and label"),
        ({"arrays": "x"}, r"^arrays: .* got 'x'$"),
        ({"group_pattern": "case"}, r"^group_pattern: expected one group in brackets.*'case'$"),
        ({"group_pattern": "(a)(b)"}, r"^group_pattern: expected one group"),
        ({"group_pattern": "(a"}, r"^group_pattern: '\(a' is no regular expression"),
        ({"group_pattern": "(a)", "groups": False}, r"^group_pattern: .* groups: false"),
    ],
)
def test_a_wrong_value_is_one_line_that_names_the_key(asked, message):
    with pytest.raises(InputError, match=message) as caught:
        Request(**asked)
    assert len(caught.value.faults) == 1


def test_all_wrong_values_are_told_together():
    with pytest.raises(InputError) as caught:
        Request(dims=5, nan="x", group_pattern="a")
    assert len(caught.value.faults) == 3


def test_a_misspelt_key_is_named_with_the_nearest(tmp_path):
    write_pairs(tmp_path, "abc")
    with pytest.raises(InputError, match=r"option of task format folders 'group_patern' .did you mean 'group_pattern'"):
        open_task(tmp_path, group_patern="(a)")


def test_an_order_of_regions_needs_classes_that_are_some(tmp_path):
    write_pairs(tmp_path, "abc")
    with pytest.raises(InputError, match="regions_class_order: no two classes share a value"):
        open_task(tmp_path, regions_class_order=[1, 2])
