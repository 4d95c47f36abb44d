"""What label indices mean."""

import json

import numpy as np
import pytest

from evaluators.labelling import Labelling

BRATS = Labelling(("whole", "core", "enhancing"), ((1, 2, 3), (1, 3), (3,)), (0, 1, 2, 4), (2, 1, 3))


def test_exclusive_classes_are_one_index_each():
    labelling = Labelling.exclusive(["organ", "vessel"])
    assert not labelling.regions
    assert labelling.membership[:, :3].tolist() == [[False, True, False], [False, False, True]]


def test_regions_share_indices_and_ignored_voxels_are_in_none():
    assert BRATS.regions
    label = np.array([0, 1, 2, 3, 255])
    assert BRATS.membership[0][label].tolist() == [False, True, True, True, False]
    assert BRATS.membership[1][label].tolist() == [False, True, False, True, False]


def test_a_label_shows_the_classes_of_its_indices():
    assert BRATS.shown(np.bincount([0, 1, 1, 255], minlength=256)) == ["whole", "core"]
    assert BRATS.shown(np.bincount([0, 255], minlength=256)) == []


@pytest.mark.parametrize(
    ("values", "kind"),
    [((0, 1), np.uint8), ((0, 255), np.uint8), ((0, 256), np.uint16), ((0, -1), np.int16), ((0, 70000), np.int32)],
)
def test_results_have_the_values_of_the_data_set(values: tuple[int, int], kind: type):
    written = Labelling.exclusive(["a"], values).to_values(np.array([[0, 1]], np.uint8))
    assert written.tolist() == [list(values)]
    assert written.dtype == kind


def test_a_labelling_comes_back_from_plain_data():
    for labelling in (BRATS, Labelling.exclusive(["a", "b"], (0, 7, 3))):
        assert Labelling.from_dict(json.loads(json.dumps(labelling.to_dict()))) == labelling


@pytest.mark.parametrize(("members", "painted"), [(((1,), (3,)), (1, 2)), (((1,),), (1, 2)), (((1,), (2,)), (1, 0))])
def test_indices_without_a_value_are_refused(members: tuple[tuple[int, ...], ...], painted: tuple[int, ...]):
    with pytest.raises(ValueError, match="expected"):
        Labelling(("a", "b"), members, (0, 1, 2), painted)
