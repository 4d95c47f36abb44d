"""The stream of training batches: it follows from the seed alone, and shows every case and every part of it."""

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from evaluators.augmentation import Augmentation
from evaluators.batches import batches
from evaluators.labelling import IGNORED, Labelling
from evaluators.preprocessing import PreparedCase, Preprocessing
from tests.evaluators.made_tasks import Size, prepared_case

PLAIN = Augmentation(flip=0, affine=0, intensity=0, noise=0)
STRONG = Augmentation(flip=0.5, affine=1, intensity=1, noise=1)


def random_cases(sizes: Sequence[Size], seed: int = 0) -> list[PreparedCase]:
    rng = np.random.default_rng(seed)
    return [
        prepared_case(f"case{index}", rng.normal(size=(1, *size)), rng.integers(0, 2, size).astype(np.uint8))
        for index, size in enumerate(sizes)
    ]


def numbered_cases(count: int, size: Size = (8, 8)) -> list[PreparedCase]:
    """Cases whose image is their number everywhere."""
    return [
        prepared_case(f"case{index}", np.full((1, *size), index), np.zeros(size, np.uint8)) for index in range(count)
    ]


def stream(
    cases: Sequence[PreparedCase],
    patch: Size,
    batch: int = 4,
    steps: int = 4,
    seed: int = 0,
    augmentation: Augmentation = PLAIN,
    slice_axis: int | None = None,
) -> list[tuple[Tensor, Tensor]]:
    layout = Preprocessing(len(patch), 1, Labelling.exclusive(["a"]), None, None, patch, slice_axis)
    return list(batches(cases, layout, batch, steps, augmentation, seed))


def equal(first: Sequence[tuple[Tensor, Tensor]], second: Sequence[tuple[Tensor, Tensor]]) -> bool:
    return all(torch.equal(a, c) and torch.equal(b, d) for (a, b), (c, d) in zip(first, second, strict=True))


@pytest.mark.parametrize("patch", [(8, 8), (5, 11), (6, 5, 8)])
def test_a_seed_gives_one_stream_and_another_seed_another(patch: Size):
    cases = random_cases([tuple(length + 3 for length in patch)] * 5)
    first = stream(cases, patch, seed=1, augmentation=STRONG)

    assert equal(first, stream(cases, patch, seed=1, augmentation=STRONG))
    other = stream(cases, patch, seed=2, augmentation=STRONG)
    assert not any(torch.equal(a, c) for (a, _), (c, _) in zip(first, other, strict=True))
    assert not any(torch.equal(a, c) for (a, _), (c, _) in pairwise(first))


def test_the_first_batch_comes_at_once_however_long_the_training_is():
    cases = random_cases([(8, 8)] * 3)
    layout = Preprocessing(2, 1, Labelling.exclusive(["a"]), None, None, (8, 8))
    endless = batches(cases, layout, 4, 10**15, PLAIN, 0)
    assert equal([next(endless)], stream(cases, (8, 8), steps=1))


def test_the_stream_does_not_touch_the_random_state_of_torch_and_numpy():
    cases = random_cases([(8, 8)] * 3)
    torch.manual_seed(0)
    np.random.seed(0)
    state = torch.get_rng_state()
    first = stream(cases, (8, 8), augmentation=STRONG)
    assert torch.equal(torch.get_rng_state(), state)

    torch.manual_seed(1)
    np.random.seed(1)
    assert equal(first, stream(cases, (8, 8), augmentation=STRONG))


@given(st.integers(1, 8), st.integers(1, 6), st.integers(0, 100))
def test_every_case_comes_once_before_any_comes_again(cases: int, batch: int, seed: int):
    shown = stream(numbered_cases(cases), (8, 8), batch=batch, steps=2 * cases, seed=seed)
    order = [int(image.mean()) for images, _ in shown for image in images]

    assert len(order) == 2 * cases * batch
    for start in range(0, len(order), cases):
        assert sorted(order[start : start + cases]) == list(range(cases))


def test_the_order_of_cases_changes_from_round_to_round():
    shown = stream(numbered_cases(8), (8, 8), batch=8, steps=4)
    orders = {tuple(int(image.mean()) for image in images) for images, _ in shown}
    assert len(orders) == 4


@given(st.integers(1, 6), st.integers(0, 100))
def test_a_step_is_the_same_however_many_steps_there_are(steps: int, seed: int):
    cases = random_cases([(12, 9)] * 5)
    longer = stream(cases, (8, 8), steps=steps + 5, seed=seed, augmentation=STRONG)
    assert equal(stream(cases, (8, 8), steps=steps, seed=seed, augmentation=STRONG), longer[:steps])


def test_what_is_drawn_does_not_depend_on_what_images_show():
    """Windows and moves are the same, so twice the image gives twice the batch."""
    moving = Augmentation(affine=0.5, intensity=0, noise=0)
    cases = random_cases([(12, 15)] * 4)
    twice = [prepared_case(case.name, 2 * case.image, case.label) for case in cases]
    first = stream(cases, (8, 8), augmentation=moving)
    second = stream(twice, (8, 8), augmentation=moving)

    for (images, labels), (doubled, same) in zip(first, second, strict=True):
        assert torch.allclose(2 * images, doubled, atol=1e-5)
        assert torch.equal(labels, same)


@given(
    st.lists(st.tuples(st.integers(1, 20), st.integers(1, 20)), min_size=1, max_size=4),
    st.tuples(st.integers(1, 12), st.integers(1, 12)),
    st.integers(1, 5),
)
def test_batches_have_the_shape_of_the_patch_whatever_the_images(sizes: list[Size], patch: Size, batch: int):
    for images, labels in stream(random_cases(sizes), patch, batch=batch, steps=2, augmentation=STRONG):
        assert images.shape == (batch, 1, *patch)
        assert images.dtype == torch.float32
        assert images.isfinite().all()
        assert labels.shape == (batch, *patch)
        assert labels.dtype == torch.int64
        assert set(labels.unique().tolist()) <= {0, 1}


@pytest.mark.parametrize("size", [(5, 20), (1, 6, 9)])
def test_an_image_smaller_than_the_patch_is_continued_together_with_its_label(size: Size):
    label = np.random.default_rng(0).integers(0, 3, size).astype(np.uint8)
    patch = tuple(length if length > 10 else length + 5 for length in size)

    (images, labels), *_ = stream([prepared_case("case", label[None], label)], patch, batch=1, steps=1)

    assert torch.equal(images[0, 0].long(), labels[0])
    missing = [want - have for want, have in zip(patch, size, strict=True)]
    assert np.array_equal(labels[0].numpy(), np.pad(label, [(m // 2, m - m // 2) for m in missing], mode="edge"))


@pytest.mark.parametrize("batch", [1, 2, 3, 8])
@pytest.mark.parametrize("place", [(0, 0), (39, 29), (20, 11)])
def test_one_patch_of_three_shows_the_foreground(batch: int, place: Size):
    label = np.zeros((40, 30), np.uint8)
    label[place] = 1
    case = prepared_case("case", label[None], label)

    shown = stream([case], (4, 5), batch=batch, steps=12)

    with_foreground = [bool(patch.any()) for _, labels in shown for patch in labels]
    assert all(with_foreground[::3])
    assert np.mean(with_foreground) < 0.6


def test_a_centred_patch_has_its_voxel_in_the_middle_away_from_the_border():
    label = np.zeros((40, 30), np.uint8)
    label[20, 11] = 1
    (_, labels), *_ = stream([prepared_case("case", label[None], label)], (5, 7), batch=1, steps=1)
    assert torch.nonzero(labels[0]).tolist() == [[2, 3]]


def test_centred_patches_visit_every_foreground_voxel():
    label = np.zeros((20, 20), np.uint8)
    label[4, 4], label[15, 15] = 1, 2
    shown = stream([prepared_case("case", label[None], label)], (5, 5), batch=9, steps=3)
    assert {1, 2} <= {int(value) for _, labels in shown for value in labels.unique()}


def test_patches_reach_every_place_of_a_large_image():
    corners = np.arange(7 * 6).reshape(1, 7, 6)
    case = prepared_case("case", corners, np.zeros((7, 6), np.uint8))
    shown = stream([case], (5, 5), batch=8, steps=10)
    starts = {int(image[0, 0, 0]) for images, _ in shown for image in images}
    assert starts == {row * 6 + column for row in range(3) for column in range(2)}


def test_a_single_case_fills_a_batch_with_different_patches():
    (images, _), *_ = stream(random_cases([(30, 30)]), (8, 8), batch=4, steps=1)
    assert len({image.numpy().tobytes() for image in images}) == 4


def test_a_patch_without_augmentation_is_cut_from_its_image_and_label_at_the_same_place():
    label = np.arange(11 * 13, dtype=np.uint8).reshape(11, 13)
    for images, labels in stream([prepared_case("case", label[None], label)], (4, 6), steps=5):
        assert torch.equal(images[:, 0].long(), labels)
        assert (labels.diff(dim=2) == 1).all()
        assert (labels.diff(dim=1) == 13).all()


# -- slices of volumes ------------------------------------------------------------------------------------


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_patches_of_volumes_are_cut_out_of_single_slices(axis: int):
    plane, slices = (7, 9), 6
    numbers = np.arange(slices * 7 * 9).reshape(slices, *plane)
    volume = np.moveaxis(numbers, 0, axis)
    case = prepared_case("case", volume[None], (volume % 251).astype(np.uint8))

    shown = stream([case], (5, 6), batch=8, steps=10, slice_axis=axis)

    seen = set()
    for images, labels in shown:
        assert images.shape == (8, 1, 5, 6)
        assert torch.equal(images[:, 0].long() % 251, labels)
        assert (images[:, 0].diff(dim=1) == 9).all()
        assert (images[:, 0].diff(dim=2) == 1).all()
        seen |= {int(image[0, 0, 0]) // 63 for image in images}
    assert seen == set(range(slices))


def test_one_patch_of_three_is_of_a_slice_that_shows_the_foreground():
    label = np.zeros((8, 8, 40), np.uint8)
    label[3, 4, 17] = 1
    shown = stream([prepared_case("case", label[None], label)], (4, 4), batch=3, steps=12, slice_axis=2)
    with_foreground = [bool(patch.any()) for _, labels in shown for patch in labels]
    assert all(with_foreground[::3])
    assert np.mean(with_foreground) < 0.6


def test_ignored_voxels_stay_ignored_and_nothing_else_becomes_so():
    label = np.zeros((20, 20), np.uint8)
    label[:, :7], label[5:9, 9:15] = IGNORED, 1
    case = prepared_case("case", label[None] == IGNORED, label)
    for images, labels in stream([case], (24, 16), batch=8, steps=4, augmentation=Augmentation(affine=1, noise=0)):
        assert set(labels.unique().tolist()) <= {0, 1, IGNORED}
        assert (labels == IGNORED).any()
        assert images.shape[2:] == labels.shape[1:]
