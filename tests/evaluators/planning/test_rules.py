"""What is decided of a task from what its training cases look like."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from evaluators.labelling import Labelling
from evaluators.normalisation import Normalisation, Window
from evaluators.planning.facts import Facts, Intensities
from evaluators.planning.rules import (
    BUDGET,
    ROOM,
    THINNEST,
    Decision,
    Sizes,
    choose_normalisation,
    choose_sizes,
    decide,
)
from evaluators.preprocessing import Preprocessing, prepare
from tests.evaluators.made_tasks import make_sample, make_task


def facts(
    size: Sequence[int], spacing: Sequence[float], chord: Sequence[float], known: bool = True, **others: Sequence[float]
) -> Facts:
    """Of five equal images with one structure, ``chord`` in voxels."""
    chords = {name: np.array(value) * spacing for name, value in {"organ": chord, **others}.items()}
    return Facts(np.array([size] * 5), np.array([spacing] * 5, float), known, chords)


def chosen(facts: Facts, **given: object) -> tuple[Sizes, dict[str, str]]:
    """And the reasons that a user is told."""
    sizes, decisions = choose_sizes(facts, **{"size": None, "spacing": "auto", "patch": None, **given})  # type: ignore[arg-type]
    assert [one.key for one in decisions] == ["task.size", "task.spacing", "task.patch"]
    return sizes, {one.name: one.reason for one in decisions if one.notable}


# -- size, spacing and patch -------------------------------------------------------------------------------


def test_a_picture_of_large_structures_is_seen_whole():
    choice, told = chosen(facts((512, 400), (1, 1), (90, 90), known=False))
    assert choice.size == choice.patch == (152, 120)
    assert choice.spacing is None
    assert list(told) == ["size"]
    assert "every image becomes 152 x 120, the median is 512 x 400: 'organ'" in told["size"]


def test_a_picture_of_thin_structures_keeps_its_size_and_the_small_patch_is_told():
    choice, told = chosen(facts((584, 565), (1, 1), (4.7, 4.9), known=False))
    assert (choice.size, choice.spacing, choice.patch) == (None, None, (128, 128))
    assert told == {"patch": "128 x 128 sees 5% of the median image of 584 x 565 voxels"}


def test_a_patch_that_sees_next_to_nothing_is_not_told_to_see_nothing():
    _, told = chosen(facts((512, 512, 400), (0.7, 0.7, 0.7), (7, 7, 7)))
    assert told["patch"] == "48 x 48 x 48 sees less than 1% of the median image of 512 x 512 x 400 voxels"


def test_the_thinnest_structure_decides_how_far_images_shrink():
    choice, told = chosen(facts((512, 512), (1, 1), (90, 90), known=False, vessel=(2 * THINNEST, 50)))
    assert choice.size is not None
    assert choice.size[0] == 256
    assert "'vessel'" in told["size"]


def test_flat_volumes_get_flat_patches_no_deeper_than_they_are():
    choice, _ = chosen(facts((208, 208, 10), (1.4, 1.4, 8), (40, 40, 5)))
    assert choice.spacing is not None
    assert choice.spacing[2] == 8
    assert choice.patch[2] == 10
    assert choice.patch[0] == choice.patch[1] > 90


def test_a_small_volume_is_seen_whole_at_its_own_spacing():
    assert chosen(facts((35, 50, 39), (1, 1, 1), (7, 5, 5))) == (Sizes(None, (1, 1, 1), (40, 56, 40)), {})


def test_voxels_become_cubes_before_all_axes_shrink():
    choice, _ = chosen(facts((512, 512, 100), (0.5, 0.5, 3), (200, 200, 60)))
    assert choice.spacing is not None
    assert choice.spacing[0] == choice.spacing[1] == pytest.approx(max(3, choice.spacing[2]), rel=0.01)


def test_a_spacing_that_differs_is_brought_to_the_median_and_said():
    given_facts = facts((32, 32, 16), (1, 1, 2), (10, 10, 5))
    given_facts.spacings[0] = (2, 1, 2)
    choice, told = chosen(given_facts)
    assert choice.spacing == (1, 1, 2)
    assert told == {"spacing": "1 x 1 x 2 mm in place of 1 x 1 x 2: the median, as they differ"}


def test_what_the_user_gives_is_kept():
    large = facts((512, 512), (1, 1), (90, 90), known=False)
    assert chosen(large, size=(64, 48))[0].patch == (64, 48)
    assert chosen(large, spacing=None)[0].size is None
    assert chosen(large, spacing=None, patch=(32, 32))[0].patch == (32, 32)
    assert chosen(large, spacing=(2, 2))[0].spacing == (2, 2)


axes = st.tuples(st.integers(1, 700), st.floats(0.1, 10), st.floats(1, 300))


@given(st.lists(axes, min_size=2, max_size=3), st.booleans())
def test_a_patch_fits_the_budget_and_is_not_longer_than_the_images_but_for_rounding(
    along: list[tuple[int, float, float]], known: bool
):
    size = [length for length, _, _ in along]
    spacing = [mm if known else 1.0 for _, mm, _ in along]
    choice, _ = chosen(facts(size, spacing, [min(chord, length) for length, _, chord in along], known))
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


# -- intensities ------------------------------------------------------------------------------------------


def of_values(smallest: float, zeros: float = 0.0, channels: int = 1) -> Facts:
    each = np.ones(channels)
    seen = Intensities(smallest * each, zeros, -50 * each, 150 * each, 60 * each, 40 * each)
    return replace(facts((64, 64), (1, 1), (20, 20)), intensities=seen)


def test_hounsfield_units_are_clipped_and_scaled_by_the_structures_of_all_cases():
    normalisation, decision = choose_normalisation(of_values(-1024), "auto")
    assert normalisation == Normalisation("window", (Window(-50, 150, 60, 40),))
    assert (decision.value, decision.notable) == ("foreground", True)
    assert "-1024 on these look like Hounsfield units" in decision.reason


def test_values_of_scanners_without_units_are_scaled_image_by_image():
    assert choose_normalisation(of_values(0), "auto")[0] == Normalisation("case")
    assert choose_normalisation(of_values(-3), "auto")[0] == Normalisation("case")  # standardised before


def test_where_much_is_zero_it_does_not_count():
    normalisation, decision = choose_normalisation(of_values(0, zeros=0.6), "auto")
    assert normalisation == Normalisation("nonzero")
    assert "60% of an image is" in decision.reason


def test_a_given_normalisation_is_kept():
    assert choose_normalisation(of_values(-1024), "case")[0] == Normalisation("case")
    assert choose_normalisation(of_values(0), "nonzero")[0] == Normalisation("nonzero")
    assert choose_normalisation(of_values(0, channels=3), "foreground")[0].windows == (Window(-50, 150, 60, 40),) * 3
    assert choose_normalisation(of_values(0), [-160, 240])[0].windows == (Window(-160, 240, 40, 200),)


# -- training ---------------------------------------------------------------------------------------------


def decided(facts: Facts, patch: Sequence[int]) -> dict[str, Decision]:
    return {one.name: one for one in decide(facts, patch)}


@pytest.mark.parametrize(
    ("patch", "batch"), [((128, 128), 8), ((64, 64), 16), ((512, 512), 2), ((40, 56, 40), 2), ((16, 32, 40), 11)]
)
def test_a_step_sees_about_as_many_voxels_whatever_the_patch(patch: tuple[int, ...], batch: int):
    assert decided(facts(patch, [1] * len(patch), [9] * len(patch)), patch)["batch"].value == batch


def test_images_are_not_mirrored_along_an_axis_that_tells_structures_apart():
    rng = np.random.default_rng(0)
    left = np.stack([rng.normal(0, 0.02, 30), rng.normal(-0.2, 0.03, 30)], 1)
    sided = replace(facts((64, 64), (1, 1), (20, 20)), centres={"left lung": left, "right lung": -0.8 * left})
    decision = decided(sided, (64, 64))["flip"]
    assert decision.value == [0.5, 0]
    assert decision.notable
    assert "none along axis 1, 'left lung' lies 19% before the middle" in decision.reason


def test_images_are_mirrored_where_structures_lie_anywhere_or_in_the_middle():
    rng = np.random.default_rng(0)
    anywhere = np.stack([rng.uniform(-0.4, 0.4, 30), rng.normal(0.01, 0.001, 30)], 1)
    decision = decided(replace(facts((64, 64), (1, 1), (20, 20)), centres={"polyp": anywhere}), (64, 64))["flip"]
    assert decision.value == [0.5, 0.5]
    assert not decision.notable


def test_one_case_tells_nothing_of_sides():
    one = replace(facts((64, 64), (1, 1), (20, 20)), centres={"lesion": np.array([[0.3, -0.3]])})
    assert decided(one, (64, 64))["flip"].value == [0.5, 0.5]


@pytest.mark.parametrize(("patch", "depth"), [((128, 128), 5), ((48, 48, 48), 3), ((10, 128, 96), 5), ((7, 5), 1)])
def test_networks_are_no_deeper_than_a_patch_has_voxels_for(patch: tuple[int, ...], depth: int):
    assert decided(facts(patch, [1] * len(patch), [5] * len(patch)), patch)["depth"].value == depth
