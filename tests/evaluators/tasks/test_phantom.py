import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.ndimage import label as connected_parts

from evaluators.tasks import open_task
from evaluators.tasks.task import SPLITS
from search_spaces.errors import InputError


@pytest.mark.parametrize(("name", "size"), [("phantom2d", (64, 64)), ("phantom3d", (32, 32, 32))])
def test_a_phantom_has_an_organ_and_a_vessel_in_every_case(name, size):
    task = open_task(name)
    assert (task.name, task.dims, task.channels, task.classes) == (name, len(size), 1, ("organ", "vessel"))
    for case in task.cases:
        sample = task.read(case)
        assert sample.image.shape == (1, *size)
        assert sample.image.dtype == np.float32
        assert np.isfinite(sample.image).all()
        assert sample.label.shape == size
        assert sample.spacing == (1.0,) * len(size)
        shares = np.bincount(sample.label.ravel(), minlength=3) / sample.label.size
        assert shares[0] > 0.5
        assert shares[1] > 0.005
        assert shares[2] > 0.005


def test_plain_phantom_goes_by_dims():
    assert open_task("phantom").dims == 2
    assert open_task("phantom", dims=3) == open_task("phantom3d")


@given(st.integers(0, 2**40), st.integers(0, 5))
@settings(max_examples=15, deadline=None)
def test_a_case_follows_from_seed_split_and_number_alone(seed, number):
    small = open_task("phantom2d", seed=seed, counts={"train": number + 1, "val": 1})
    large = open_task("phantom2d", seed=seed)
    case = small.split("train")[number]
    first, second = small.read(case), large.read(large.split("train")[number])
    assert np.array_equal(first.image, second.image)
    assert np.array_equal(first.label, second.label)


@pytest.mark.parametrize(
    ("name", "expected"), [("phantom2d", ([3558, 355, 183], 169.4)), ("phantom3d", ([30209, 1970, 589], 161.75))]
)
def test_a_phantom_is_the_same_on_every_machine(name, expected):
    task = open_task(name)
    sample = task.read(task.split("val")[1])
    counts = np.bincount(sample.label.ravel()).tolist()
    assert (counts, round(float(sample.image.mean(dtype=np.float64)), 2)) == expected


def test_no_two_cases_are_alike():
    task = open_task("phantom2d")
    assert len({task.read(case).image.tobytes() for case in task.cases}) == len(task.cases)
    first, other = (open_task("phantom2d", seed=seed) for seed in (0, 1))
    assert not np.array_equal(first.read(first.cases[0]).image, other.read(other.cases[0]).image)


def test_the_vessel_is_thin_and_long():
    task = open_task("phantom2d", counts={"train": 20})
    for case in task.split("train"):
        label = task.read(case).label
        vessel = label == 2
        assert connected_parts(vessel, np.ones((3, 3)))[1] <= 2
        rows, columns = np.nonzero(vessel)
        assert max(np.ptp(rows), np.ptp(columns)) > 50


def test_difficulty_is_noise():
    easy, hard = (open_task("phantom2d", difficulty=difficulty) for difficulty in (0, 2))
    for case in easy.split("val"):
        clean, noisy = easy.read(case), hard.read(case)
        assert np.array_equal(clean.label, noisy.label)
        assert np.abs(np.diff(noisy.image)).mean() > 2 * np.abs(np.diff(clean.image)).mean()


def test_size_and_counts_can_be_given():
    task = open_task("phantom3d", size=[16, 20, 24], counts={"train": 2, "val": 1, "test": 3})
    assert [len(task.split(part)) for part in SPLITS] == [2, 1, 3]
    assert task.read(task.cases[0]).label.shape == (16, 20, 24)
    assert open_task("phantom2d", size=17).read(task.cases[0]).label.shape == (17, 17)


@pytest.mark.parametrize(
    ("given_options", "message"),
    [
        ({"dims": 3}, "dims: phantom2d has 2, got 3"),
        ({"classes": {"organ": 1}}, "classes: phantom2d has its own"),
        ({"split": {"val": 0.2}}, "split: phantom2d takes counts"),
        ({"seed": -1}, "seed: expected a whole number from 0, got -1"),
        ({"size": 8}, "size: expected 2 whole numbers from 16"),
        ({"size": [64, 64, 64]}, "size: expected 2 whole numbers"),
        ({"counts": {"tset": 3}}, "unknown part of counts 'tset' .did you mean 'test'"),
        ({"counts": {"test": 0}}, r"counts\.test: expected a whole number from 1, got 0"),
        ({"difficulty": -1}, "difficulty: expected a number from 0 to 10, got -1"),
        ({"noise": 1}, "unknown option of task format phantom 'noise'"),
    ],
)
def test_an_option_that_makes_no_sense_is_named(given_options, message):
    with pytest.raises(InputError, match=message):
        open_task("phantom2d", **given_options)


def test_another_name_is_no_phantom():
    with pytest.raises(InputError, match="task 'organ': unknown; expected one of phantom, phantom2d, phantom3d"):
        open_task("organ", format="phantom")
