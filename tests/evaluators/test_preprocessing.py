"""Preparation: from samples of any size, spacing and intensity to what training and scoring read."""

import json
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from evaluators.labelling import Labelling
from evaluators.preprocessing import MAX_FOREGROUND_POINTS, Preprocessing, prepare, resize, resize_labels
from evaluators.tasks import Sample
from search_spaces.errors import InputError
from tests.evaluators.made_tasks import disc_sample, disc_task, make_sample, make_task

DISC = Labelling.exclusive(["disc"])


def blank(size: Sequence[int], spacing: Sequence[float] | None = None) -> Sample:
    """A ramp with one foreground voxel."""
    label = np.zeros(size, np.uint8)
    label[(0,) * len(size)] = 1
    return make_sample(np.arange(label.size).reshape(1, *size), label, spacing)


# -- resizing ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("length", "target"), [(4, 8), (9, 3), (1, 5)])
def test_a_picture_one_pixel_wide_is_resized_as_one_that_is_one_pixel_high(length: int, target: int):
    across = torch.rand(2, 3, 5, length)
    assert torch.allclose(resize(across.mT, (target, 1)), resize(across, (1, target)).mT)
    row = torch.rand(2, 3, 1, length)
    assert torch.equal(resize(row.transpose(2, 3), (target, 1)), resize(row, (1, target)).transpose(2, 3))


@pytest.mark.parametrize(("have", "want"), [((3, 2), (9, 1)), ((13, 9), (6, 1)), ((4, 1), (10, 1)), ((4, 5), (1, 1))])
def test_a_picture_that_becomes_one_pixel_wide_keeps_its_rows(have: tuple[int, int], want: tuple[int, int]):
    images = torch.rand(2, 3, *have)
    torch.testing.assert_close(resize(images, want), resize(resize(images, (have[0], 1)), want))


@given(st.lists(st.integers(1, 12), min_size=2, max_size=3), st.data())
def test_an_image_resized_has_the_size_asked_for_and_stays_within_its_values(size: list[int], data: st.DataObject):
    target = data.draw(st.lists(st.integers(1, 12), min_size=len(size), max_size=len(size)), "target")
    image = torch.from_numpy(np.random.default_rng(0).normal(size=(1, 2, *size)).astype(np.float32))

    resized = resize(image, target)

    assert resized.shape == (1, 2, *target)
    assert resized.min() >= image.min() - 1e-5
    assert resized.max() <= image.max() + 1e-5


@pytest.mark.parametrize("size", [(8, 12), (8, 12, 4)])
def test_resizing_keeps_an_image_in_its_place(size: tuple[int, ...]):
    """A ramp of positions stays one, but for the edges: no shift by half a voxel."""
    for axis, length in enumerate(size):
        positions = (torch.arange(length) + 0.5) / length
        ramp = positions.view([-1 if other == axis else 1 for other in range(len(size))]).expand(size)[None, None]
        for factor in (0.5, 2):
            target = [round(factor * extent) for extent in size]
            resized = resize(ramp.contiguous(), target)[0, 0].movedim(axis, 0).flatten(1)
            expected = (torch.arange(target[axis]) + 0.5) / target[axis]
            middle = slice(1, -1) if target[axis] > 2 else slice(None)
            assert torch.allclose(resized[middle, 0], expected[middle], atol=1e-5)


def test_an_image_is_averaged_where_it_shrinks():
    for size in ((16, 16), (16, 16, 16)):
        noise = torch.from_numpy(np.random.default_rng(0).normal(size=(1, 1, *size)).astype(np.float32))
        assert resize(noise, [4] * len(size)).std() < 0.4


@given(st.lists(st.integers(1, 9), min_size=2, max_size=3), st.integers(1, 4), st.data())
def test_labels_resized_are_classes_that_were_there(size: list[int], classes: int, data: st.DataObject):
    target = tuple(data.draw(st.lists(st.integers(1, 9), min_size=len(size), max_size=len(size)), "target"))
    label = np.random.default_rng(0).integers(0, classes + 1, size).astype(np.uint8)

    resized = resize_labels(label, target)

    assert resized.shape == target
    assert resized.dtype == np.uint8
    assert set(np.unique(resized)) <= set(np.unique(label))


@given(st.sampled_from([2, 3]), st.sampled_from([2, 3]), st.integers(5, 9), st.sampled_from([1, 2]))
def test_a_line_as_wide_as_a_new_voxel_survives_wherever_it_lies(dims: int, factor: int, start: int, index: int):
    label = np.zeros((18,) * dims, np.uint8)
    label[:, start : start + factor] = index

    resized = resize_labels(label, (18 // factor,) * dims)

    assert (resized == index).any(axis=1).all()
    assert (resized > 0).sum(axis=1).max() <= 2


def test_a_thin_part_of_two_classes_survives_as_the_larger_of_them():
    label = np.zeros((8, 8), np.uint8)
    label[2:4, 2:8] = 2
    label[2:4, 2:3] = 1

    assert set(np.unique(resize_labels(label, (4, 4)))) == {0, 2}


def test_labels_grow_back_to_what_they_were():
    label = disc_sample(np.random.default_rng(0), (24, 32)).label
    assert label is not None
    assert (resize_labels(resize_labels(label, (48, 64)), (24, 32)) == label).mean() > 0.99


# -- normalisation -----------------------------------------------------------------------------------------


def test_a_constant_image_stays_constant_when_it_is_resized():
    layout = Preprocessing(2, 1, DISC, (23, 17), None, (24, 24))
    assert (layout.image(np.full((1, 31, 40), 1000.1, np.float32), (1, 1)) == 0).all()


def test_an_image_is_prepared_the_same_from_any_memory_layout():
    layout = Preprocessing(2, 1, DISC, (12, 10), None, (16, 16))
    image = np.random.default_rng(0).normal(size=(1, 20, 16)).astype(np.float32)
    expected = layout.image(image[:, ::-1].copy(), (1, 1))

    assert (layout.image(image[:, ::-1], (1, 1)) == expected).all()
    assert expected.flags.c_contiguous


# -- settings ---------------------------------------------------------------------------------------------

settings = st.sampled_from([2, 3]).flatmap(
    lambda dims: st.builds(
        Preprocessing,
        dims=st.just(dims),
        channels=st.integers(1, 4),
        labelling=st.lists(st.text(min_size=1), min_size=1, max_size=3, unique=True).map(Labelling.exclusive),
        size=st.none() | st.tuples(*[st.integers(1, 512)] * dims),
        spacing=st.none() | st.tuples(*[st.floats(0.1, 10)] * dims),
        patch=st.tuples(*[st.integers(1, 512)] * dims),
    )
)


@given(settings)
def test_settings_come_back_from_plain_data(layout: Preprocessing):
    assert Preprocessing.from_dict(json.loads(json.dumps(layout.to_dict()))) == layout


def test_an_unknown_setting_is_refused():
    with pytest.raises(TypeError, match="spacng"):
        Preprocessing.from_dict({**Preprocessing(2, 1, DISC, None, None, (8, 8)).to_dict(), "spacng": [1, 1]})


def test_a_spacing_that_differs_is_brought_to_the_median_of_training():
    train = [blank((10, 20), spacing) for spacing in ((1, 1), (2, 1), (4, 1))]
    task = make_task({"train": train, "val": [blank((10, 20), (1, 4))]})

    prepared = prepare(task)

    assert prepared.preprocessing.spacing == (2, 1)
    assert [case.label.shape for case in prepared.train] == [(5, 20), (10, 20), (20, 20)]
    assert [case.image.shape for case in prepared.train] == [(1, 5, 20), (1, 10, 20), (1, 20, 20)]
    assert prepared.val[0].label.shape == (5, 80)
    assert prepared.val[0].reference.shape == (10, 20)
    assert prepared.val[0].spacing == (1, 4)


def test_validation_cases_do_not_move_the_target_spacing():
    task = make_task({"train": [blank((8, 8), (1, 2))] * 2, "val": [blank((8, 8), (3, 3))] * 5})
    prepared = prepare(task)
    assert prepared.preprocessing.spacing == (1, 2)
    assert prepared.val[0].image.shape == (1, 24, 12)


def test_voxels_that_differ_by_less_than_five_percent_stay():
    layout = prepare(make_task({"train": [blank((40, 40), (0.5, 2))]})).preprocessing
    assert layout.working_size((40, 40), (0.52, 1.95)) == (40, 40)
    assert layout.working_size((40, 40), (0.55, 2)) == (44, 40)


def test_a_spacing_given_is_used_and_none_keeps_sizes():
    task = make_task({"train": [blank((8, 8), (1, 1)), blank((8, 8), (2, 2))]})

    assert [case.label.shape for case in prepare(task, spacing=(0.5, 1)).train] == [(16, 8), (32, 16)]
    assert [case.label.shape for case in prepare(task, spacing=None).train] == [(8, 8), (8, 8)]


def test_a_size_given_is_the_size_of_every_case_whatever_the_spacing():
    task = make_task({"train": [blank((8, 12), (1, 1)), blank((20, 9), (2, 3))]})

    prepared = prepare(task, size=(16, 10))

    assert prepared.preprocessing.spacing is None
    assert prepared.preprocessing.patch == (16, 10)
    assert [case.image.shape for case in prepared.train] == [(1, 16, 10)] * 2
    assert [case.label.shape for case in prepared.train] == [(16, 10)] * 2
    assert [case.reference.shape for case in prepared.train] == [(8, 12), (20, 9)]


@pytest.mark.parametrize("name", ["size", "patch", "spacing"])
def test_a_setting_with_too_few_numbers_is_one_line(name: str):
    task = disc_task([(12, 12, 12)])
    with pytest.raises(InputError, match=f"{name}.*3D") as caught:
        prepare(task, **{name: (8, 8)})  # type: ignore[arg-type]
    assert len(caught.value.faults) == 1


def test_a_patch_given_is_taken():
    assert prepare(disc_task([(20, 20)]), patch=(9, 11)).preprocessing.patch == (9, 11)


# -- slices -----------------------------------------------------------------------------------------------


def sliced(axis: int, **changes: object) -> Preprocessing:
    settings = {"size": None, "spacing": None, "patch": (8, 12), **changes}
    return Preprocessing(2, 1, DISC, slice_axis=axis, **settings)  # type: ignore[arg-type]


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_size_and_spacing_of_volumes_in_slices_are_those_of_a_slice(axis: int):
    size, spacing = [20, 30], [1.0, 2.0]
    size.insert(axis, 7)
    spacing.insert(axis, 5.0)
    for changes, expected in (({}, [20, 30]), ({"size": (10, 12)}, [10, 12]), ({"spacing": (2, 4)}, [10, 15])):
        expected = [*expected[:axis], 7, *expected[axis:]]
        assert sliced(axis, **changes).working_size(size, spacing) == tuple(expected)
    assert sliced(axis).box == (*(8, 12)[:axis], 1, *(8, 12)[axis:])


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_every_slice_of_a_volume_is_resized_as_a_picture(axis: int):
    volume = torch.from_numpy(np.random.default_rng(0).normal(size=(2, 3, 9, 8, 7)).astype(np.float32))
    size = [5, 6]
    size.insert(axis, volume.shape[axis + 2])
    resized = resize(volume, size, axis)
    assert resized.shape == (2, 3, *size)
    for number in range(volume.shape[axis + 2]):
        picture = resize(volume.select(axis + 2, number), (5, 6))
        assert torch.allclose(resized.select(axis + 2, number), picture, atol=1e-6)


def test_volumes_of_a_2d_task_are_prepared_slice_by_slice():
    rng = np.random.default_rng(0)
    samples = [disc_sample(rng, size) for size in ((16, 20, 5), (24, 18, 9))]
    spaced = [make_sample(s.image, s.label, (step, step, 3 * step)) for s, step in zip(samples, (1, 2), strict=True)]
    task = replace(make_task({"train": spaced}), slice_axis=2)

    prepared = prepare(task)

    assert prepared.preprocessing.spacing == (1.5, 1.5)
    assert prepared.preprocessing.patch == (32, 24)
    assert [case.image.shape for case in prepared.train] == [(1, 11, 13, 5), (1, 32, 24, 9)]
    for case, sample in zip(prepared.train, spaced, strict=True):
        assert case.label.shape == case.image.shape[1:]
        assert case.reference is sample.label
        assert case.image.flags.c_contiguous
        assert case.foreground.shape[1] == 3


@pytest.mark.parametrize(
    ("spacing", "axis"), [((1, 1, 5), 2), ((5, 1, 1), 0), ((1, 2, 1), 1), ((1, 1, 1), 2), ((3, 3, 1), 2)]
)
def test_a_volume_given_to_a_network_of_pictures_is_cut_across_its_widest_axis(spacing: tuple[float, ...], axis: int):
    pictures = Preprocessing(2, 1, DISC, None, None, (8, 8))
    assert pictures.for_image((9, 9, 9), spacing).slice_axis == axis
    assert pictures.for_image((9, 9), spacing[:2]) is pictures
    assert sliced(1).for_image((9, 9, 9), spacing).slice_axis == 1
    volumes = Preprocessing(3, 1, DISC, None, None, (8, 8, 8))
    assert volumes.for_image((9, 9, 9), spacing) is volumes


def test_a_spacing_that_no_image_can_be_brought_to_is_told_however_small_it_is():
    samples = [disc_sample(np.random.default_rng(seed), (16, 20)) for seed in range(2)]
    with pytest.raises(InputError, match=r"brought to the 1e-300 x 1e-300 mm of the network"):
        prepare(make_task({"train": samples[:1], "val": samples[1:]}), spacing=(1e-300, 1e-300))


def test_voxel_sizes_out_of_reach_of_the_others_are_told_before_anything_is_resampled():
    rng = np.random.default_rng(0)
    fine = [disc_sample(rng, (16, 20)) for _ in range(4)]
    samples = [make_sample(s.image, s.label, (2e-4, 2e-4)) for s in fine[:3]]
    far = [fine[3], make_sample(fine[3].image, fine[3].label, (0.1, 0.1))]
    with pytest.raises(InputError) as caught:
        prepare(make_task({"train": [*samples, *far], "val": samples}), duplicates="allow")
    assert caught.value.faults == [
        "case 'train3': does not say how large its voxels are (1 mm is assumed); brought to the 0.0002 x 0.0002 mm of "
        "the network, its 16 x 20 voxels would become 80000 x 100000",
        "case 'train4': has voxels of 0.1 x 0.1 mm; brought to the 0.0002 x 0.0002 mm of the network, its 16 x 20 "
        "voxels would become 8000 x 10000",
    ]


def test_voxel_sizes_that_some_files_do_not_say_are_noted():
    rng = np.random.default_rng(0)
    samples = [make_sample(s.image, s.label, (step, step)) for step in (1, 2, 2) for s in [disc_sample(rng, (16, 20))]]
    told = prepare(make_task({"train": samples, "val": samples[1:]}), duplicates="allow").notes
    assert "train0: the file does not say how large its voxels are; 1 mm is assumed" in told


# -- cases ------------------------------------------------------------------------------------------------


def test_every_case_is_in_its_split_once_and_progress_counts_them():
    seen: list[tuple[str, int, int]] = []
    prepared = prepare(disc_task([(16, 16)], train=3, val=2, test=1), progress=lambda *told: seen.append(told))

    assert [case.name for case in prepared.train] == ["train0", "train1", "train2"]
    assert [case.name for case in prepared.val] == ["val0", "val1"]
    assert [case.name for case in prepared.test] == ["test0"]
    read = [("reading cases", done, 6) for done in range(1, 7)]
    assert seen == [*read, *(("preparing cases", done, 6) for done in range(7))]


def test_foreground_points_are_voxels_of_every_class_in_equal_numbers():
    label = np.zeros((64, 64), np.uint8)
    label[4:60, 4:60] = 1
    label[30, 30:33] = 2
    task = make_task({"train": [make_sample(label[None], label)]}, classes=("organ", "lesion"))

    points = prepare(task).train[0].foreground

    assert points.dtype == np.int32
    found = label[tuple(points.T)]
    assert (found > 0).all()
    assert (found == 2).sum() == 3
    assert (found == 1).sum() == MAX_FOREGROUND_POINTS // 2
    assert np.ptp(points[found == 1], axis=0).tolist() == [55, 55]


def test_a_case_without_foreground_has_no_points():
    empty = make_sample(np.ones((1, 8, 8)), np.zeros((8, 8), np.uint8))
    assert prepare(make_task({"train": [blank((8, 8)), empty]})).train[1].foreground.shape == (0, 2)


def test_faults_of_several_cases_are_reported_together():
    unlabelled = make_sample(np.ones((1, 8, 8)), None)
    task = make_task(
        {
            "train": [blank((8, 8)), InputError("a.png: holds NaN"), unlabelled],
            "val": [InputError("b.png: 3 channels, expected 1")],
            "test": [unlabelled],
        }
    )
    with pytest.raises(InputError) as caught:
        prepare(task)
    faults = caught.value.faults
    assert len(faults) == 4
    assert faults[0] == "a.png: holds NaN"
    assert "train2" in faults[1]
    assert faults[2] == "b.png: 3 channels, expected 1"
    assert "test0" in faults[3]


def test_a_task_without_training_cases_is_one_line():
    with pytest.raises(InputError, match="no training case") as caught:
        prepare(make_task({"val": [blank((8, 8))]}, classes=("organ", "vessel")))
    assert len(caught.value.faults) == 1


def test_a_class_that_no_training_case_shows_is_one_line():
    shows = make_sample(np.ones((1, 8, 8)), np.full((8, 8), 2, np.uint8))
    task = make_task({"train": [blank((8, 8))], "val": [shows]}, classes=("organ", "vessel"))
    with pytest.raises(InputError, match="'vessel'") as caught:
        prepare(task)
    assert len(caught.value.faults) == 1
