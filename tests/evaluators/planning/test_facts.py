"""What training cases look like."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from evaluators.labelling import Labelling
from evaluators.planning.facts import LOOKED_AT, VALUES, look_at, mean_chords
from evaluators.tasks.task import Task
from tests.evaluators.made_tasks import make_sample, make_task


def test_a_band_is_as_far_across_as_it_is_wide_and_as_long_as_it_is_long():
    label = np.zeros((40, 50), np.uint8)
    label[10:13, 5:45] = 1
    assert mean_chords(label)[1].tolist() == [3, 40]


def test_the_mean_chord_of_a_disc_is_what_the_textbook_says():
    y, x = np.mgrid[:200, :200]
    label = ((y - 100) ** 2 + (x - 90) ** 2 < 60**2).astype(np.uint8)
    assert mean_chords(label)[1] == pytest.approx([np.pi * 120 / 4] * 2, rel=0.02)


@given(st.integers(0, 100), st.sampled_from([(5, 7), (3, 4, 5), (1, 6)]))
def test_chords_are_the_mean_lengths_of_runs(seed: int, size: tuple[int, ...]):
    label = np.random.default_rng(seed).integers(0, 3, size).astype(np.uint8)
    for index, chords in mean_chords(label).items():
        for axis, chord in enumerate(chords):
            lines = np.moveaxis(label, axis, -1).reshape(-1, size[axis])
            runs = [len(run) for line in lines for run in "".join("x" if v == index else " " for v in line).split()]
            assert chord == pytest.approx(np.mean(runs))


def test_a_class_that_is_thin_in_a_quarter_of_the_cases_counts_as_thin():
    def band(width: int) -> np.ndarray:
        label = np.zeros((64, 64), np.uint8)
        label[:width] = 1
        return label

    samples = [make_sample(np.zeros((1, 64, 64)), band(width)) for width in (4, 4, 30, 30, 30, 30)]
    task = make_task({"train": samples})
    assert look_at(task, samples).chords["disc"].tolist() == [10.5, 64]


def test_a_class_that_few_of_many_cases_show_is_measured_all_the_same():
    rare, empty = np.zeros((2, 20, 30), np.uint8)
    rare[4:8, 5:15] = 1
    samples = [make_sample(np.zeros((1, 20, 30)), empty)] * 3 * LOOKED_AT
    assert look_at(make_task({}), samples).chords == {}
    samples[LOOKED_AT + 1] = make_sample(np.full((1, 20, 30), 7.0), rare)  # none of those that are evenly spread
    facts = look_at(make_task({}), samples)
    assert facts.chords["disc"].tolist() == [4, 10]
    assert facts.centres["disc"].shape == (1, 2)
    assert facts.shares == {"disc": 0.0}
    assert facts.intensities is not None
    assert facts.intensities.mean.tolist() == [7.0]


def test_regions_and_slices_are_measured_in_the_plane_of_the_network():
    label = np.zeros((10, 12, 4), np.uint8)
    label[2:6, 2:8] = 1
    label[3:5, 3:5] = 2
    sample = make_sample(np.zeros((1, 10, 12, 4)), label, (0.5, 2, 5))
    labelling = Labelling(("whole", "core"), ((1, 2), (2,)), (0, 1, 2), (1, 2))
    task = Task("made", 2, labelling, 1, (), lambda case: sample, slice_axis=2)
    seen = look_at(task, [sample])
    assert seen.sizes.tolist() == [[10, 12]]
    assert seen.spacings.tolist() == [[0.5, 2]]
    assert seen.known
    assert set(seen.chords) == {"whole", "core"}
    assert seen.chords["core"].tolist() == [1, 4]
    assert seen.chords["whole"].tolist() == [2, 12]


def test_a_background_that_is_less_than_half_is_a_structure_of_its_own():
    label = np.ones((40, 60), np.uint8)
    label[:, ::20] = 0  # membranes between cells
    image = np.zeros((1, 40, 60))
    assert look_at(make_task({}), [make_sample(image, label)]).chords["background"].tolist() == [40, 1]
    assert "background" not in look_at(make_task({}), [make_sample(image, 1 - label)]).chords


def test_the_centre_of_a_structure_is_a_share_of_the_image_from_its_middle():
    label = np.zeros((40, 20), np.uint8)
    label[30:40, 5:15] = 1
    facts = look_at(make_task({}), [make_sample(np.zeros((1, 40, 20)), label)] * 2)
    assert facts.centres["disc"].tolist() == [[0.375, 0]] * 2
    assert facts.shares["disc"] == 100 / 800


def test_intensities_are_those_of_structures_and_the_least_of_images():
    label = np.zeros((30, 30), np.uint8)
    label[:10] = 1
    image = np.full((2, 30, 30), -1000.0)
    image[0, :10] = np.linspace(0, 100, 300).reshape(10, 30)
    image[1, 10:] = 0
    image[:, 20:] = 0
    seen = look_at(make_task({}), [make_sample(image, label)] * 3).intensities
    assert seen is not None
    assert seen.smallest.tolist() == [-1000, -1000]
    assert seen.zeros == pytest.approx(1 / 3)
    assert seen.low[0] == pytest.approx(0.5, abs=0.2)
    assert seen.high[0] == pytest.approx(99.5, abs=0.2)
    assert seen.mean.tolist() == pytest.approx([50, -1000], abs=0.1)
    assert seen.deviation[1] == 0


def test_few_values_of_large_structures_are_kept():
    label = np.ones((400, 300), np.uint8)
    image = np.random.default_rng(0).normal(7, 2, (1, 400, 300))
    assert image.size > 2 * VALUES
    seen = look_at(make_task({}), [make_sample(image, label)]).intensities
    assert seen is not None
    assert seen.mean[0] == pytest.approx(7, abs=0.1)
