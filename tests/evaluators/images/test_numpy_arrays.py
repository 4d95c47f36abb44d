import numpy as np
import pytest

from evaluators.images import read
from search_spaces.errors import InputError
from tests.evaluators.tasks.files import grey, mask


@pytest.mark.parametrize(("shape", "channels"), [((3, 6, 8), 3), ((6, 8, 2), 2), ((1, 6, 8), 1), ((6, 8, 1), 1)])
def test_the_shorter_outer_axis_holds_the_channels_where_the_task_has_two_axes(tmp_path, shape, channels):
    np.save(tmp_path / "a.npy", np.zeros(shape, np.int32))
    stored = read(tmp_path / "a.npy", "image")
    assert stored.for_axes(2).array.shape == (channels, 6, 8)
    assert stored.for_axes(2).spacing == (1.0, 1.0)
    assert stored.for_axes(3).array.shape == (1, *shape)


@pytest.mark.parametrize("shape", [(2, 5, 6, 8), (5, 6, 8, 2)])
def test_four_axes_are_three_and_channels(tmp_path, shape):
    np.save(tmp_path / "a.npy", np.zeros(shape))
    assert read(tmp_path / "a.npy", "image").array.shape == (2, 5, 6, 8)


def test_a_label_has_no_channels(tmp_path):
    np.save(tmp_path / "a.npy", np.zeros((3, 6, 8), np.uint8))
    assert read(tmp_path / "a.npy", "label").for_axes(2).array.shape == (1, 3, 6, 8)


def test_one_npz_holds_both_image_and_label(tmp_path):
    np.savez(tmp_path / "a.npz", image=np.float64(grey()), label=mask(), note=np.zeros(3))
    assert np.array_equal(read(tmp_path / "a.npz", "image").array[0], grey())
    assert np.array_equal(read(tmp_path / "a.npz", "label").array[0], mask())


def test_an_array_of_an_npz_is_read_by_its_name(tmp_path):
    np.savez(tmp_path / "a.npz", scan=grey(), image=np.zeros((2, 2)))
    assert np.array_equal(read(tmp_path / "a.npz", "image", "scan").array[0], grey())
    with pytest.raises(InputError, match=r"a\.npz: expected an array called 'mri', got scan, image"):
        read(tmp_path / "a.npz", "image", "mri")


def test_an_npz_without_the_array_lists_what_it_has(tmp_path):
    np.savez(tmp_path / "a.npz", x=mask(), y=mask())
    with pytest.raises(InputError, match=r"a\.npz: expected an array called 'image' or a single one, got x, y"):
        read(tmp_path / "a.npz", "image")
