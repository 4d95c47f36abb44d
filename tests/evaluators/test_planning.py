"""Size, spacing and patch that follow from the training cases."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from evaluators.labelling import Labelling
from evaluators.planning import BUDGET, ROOM, THINNEST, Choice, Facts, choose, look_at, mean_chords
from evaluators.preprocessing import Preprocessing, prepare
from evaluators.tasks.task import Task
from tests.evaluators.made_tasks import make_sample, make_task


def facts(
    size: Sequence[int], spacing: Sequence[float], chord: Sequence[float], known: bool = True, **others: Sequence[float]
) -> Facts:
    """Of five equal images with one structure, ``chord`` in voxels."""
    chords = {name: np.array(value) * spacing for name, value in {"organ": chord, **others}.items()}
    return Facts(np.array([size] * 5), np.array([spacing] * 5, float), known, chords)


def chosen(facts: Facts) -> Choice:
    return choose(facts, size=None, spacing="auto", patch=None)


# -- what is measured -------------------------------------------------------------------------------------


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


# -- what is chosen ---------------------------------------------------------------------------------------


def test_a_picture_of_large_structures_is_seen_whole():
    choice = chosen(facts((512, 400), (1, 1), (90, 90), known=False))
    assert choice.size == choice.patch == (152, 120)
    assert choice.spacing is None
    (reason,) = choice.reasons
    assert "every image becomes 152 x 120, the median is 512 x 400: 'organ'" in reason


def test_a_picture_of_thin_structures_keeps_its_size_and_the_small_patch_is_told():
    choice = chosen(facts((584, 565), (1, 1), (4.7, 4.9), known=False))
    assert (choice.size, choice.spacing, choice.patch) == (None, None, (128, 128))
    assert choice.reasons == ("patch: 128 x 128 sees 5% of the median image of 584 x 565 voxels",)


def test_the_thinnest_structure_decides_how_far_images_shrink():
    choice = chosen(facts((512, 512), (1, 1), (90, 90), known=False, vessel=(2 * THINNEST, 50)))
    assert choice.size is not None
    assert choice.size[0] == 256
    assert "'vessel'" in choice.reasons[0]


def test_flat_volumes_get_flat_patches_no_deeper_than_they_are():
    choice = chosen(facts((208, 208, 10), (1.4, 1.4, 8), (40, 40, 5)))
    assert choice.spacing is not None
    assert choice.spacing[2] == 8
    assert choice.patch[2] == 10
    assert choice.patch[0] == choice.patch[1] > 90


def test_a_small_volume_is_seen_whole_at_its_own_spacing():
    choice = chosen(facts((35, 50, 39), (1, 1, 1), (7, 5, 5)))
    assert choice == Choice(None, (1, 1, 1), (40, 56, 40), ())


def test_voxels_become_cubes_before_all_axes_shrink():
    choice = chosen(facts((512, 512, 100), (0.5, 0.5, 3), (200, 200, 60)))
    assert choice.spacing is not None
    assert choice.spacing[0] == choice.spacing[1] == pytest.approx(max(3, choice.spacing[2]), rel=0.01)


def test_a_spacing_that_differs_is_brought_to_the_median_and_said():
    given_facts = facts((32, 32, 16), (1, 1, 2), (10, 10, 5))
    given_facts.spacings[0] = (2, 1, 2)
    choice = chosen(given_facts)
    assert choice.spacing == (1, 1, 2)
    assert choice.reasons == ("spacing: 1 x 1 x 2 mm in place of 1 x 1 x 2: the median, as they differ",)


def test_what_the_user_gives_is_kept():
    large = facts((512, 512), (1, 1), (90, 90), known=False)
    assert choose(large, size=(64, 48), spacing="auto", patch=None).patch == (64, 48)
    assert choose(large, size=None, spacing=None, patch=None).size is None
    assert choose(large, size=None, spacing=None, patch=(32, 32)).patch == (32, 32)
    assert choose(large, size=None, spacing=(2, 2), patch=None).spacing == (2, 2)


axes = st.tuples(st.integers(1, 700), st.floats(0.1, 10), st.floats(1, 300))


@given(st.lists(axes, min_size=2, max_size=3), st.booleans())
def test_a_patch_fits_the_budget_and_is_not_longer_than_the_images_but_for_rounding(
    along: list[tuple[int, float, float]], known: bool
):
    size = [length for length, _, _ in along]
    spacing = [mm if known else 1.0 for _, mm, _ in along]
    choice = chosen(facts(size, spacing, [min(chord, length) for length, _, chord in along], known))
    layout = Preprocessing(len(size), 1, Labelling.exclusive(["organ"]), choice.size, choice.spacing, choice.patch)
    working = layout.working_size(size, spacing)
    assert np.prod(choice.patch) <= ROOM * BUDGET[len(size)]
    assert all(patch <= max(1.25 * length, length + 1) for patch, length in zip(choice.patch, working, strict=True))


def test_the_choices_are_among_the_notes_of_a_prepared_task():
    label = np.zeros((300, 300), np.uint8)
    label[50:250, 50:250] = 1
    prepared = prepare(make_task({"train": [make_sample(label[None], label)] * 3}))
    assert prepared.preprocessing.size == (128, 128)
    assert any(note.startswith("size: every image becomes 128 x 128") for note in prepared.notes)
