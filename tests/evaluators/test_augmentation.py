"""Augmentation: draws that are valid, and changes that do to the image what they do to the label."""

import dataclasses
from collections.abc import Sequence

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from evaluators.augmentation import Augmentation, Draw, apply, draw

NEVER = Augmentation(flip=0, affine=0, intensity=0, noise=0)
ALWAYS = Augmentation(flip=0.5, affine=1, intensity=1, noise=1)
sizes = st.sampled_from([(7, 7), (5, 12), (1, 9), (4, 4, 4), (3, 5, 9), (1, 6, 8)])
seeds = st.integers(0, 1000)


def neutral(batch: int, dims: int) -> Draw:
    return draw(NEVER, batch, dims, np.random.default_rng(0))


def with_matrices(matrices: Sequence[Sequence[Sequence[float]]]) -> Draw:
    array = np.array(matrices, np.float32)
    return dataclasses.replace(neutral(len(array), array.shape[1]), matrices=array)


def positions(size: Sequence[int], batch: int = 1) -> tuple[Tensor, Tensor]:
    """Images whose channels are each voxel's coordinates, and labels that number the voxels."""
    grid = torch.stack(torch.meshgrid(*[torch.arange(length) for length in size], indexing="ij")).float()
    labels = torch.arange(int(np.prod(size)), dtype=torch.uint8).view(size)
    return grid.expand(batch, *grid.shape).clone(), labels.expand(batch, *size).clone()


def noise_batch(size: Sequence[int], batch: int = 3, channels: int = 2, classes: int = 3) -> tuple[Tensor, Tensor]:
    rng = np.random.default_rng(0)
    images = torch.from_numpy(rng.normal(size=(batch, channels, *size)).astype(np.float32))
    return images, torch.from_numpy(rng.integers(0, classes + 1, (batch, *size)).astype(np.uint8))


# -- drawing ----------------------------------------------------------------------------------------------


@given(seeds, st.sampled_from([2, 3]))
def test_the_same_generator_draws_the_same(seed: int, dims: int):
    first, second = (draw(ALWAYS, 4, dims, np.random.default_rng(seed)) for _ in range(2))
    other = draw(ALWAYS, 4, dims, np.random.default_rng(seed + 1))

    for name, value in vars(first).items():
        assert np.array_equal(value, getattr(second, name))
        assert not np.array_equal(value, getattr(other, name))


@given(seeds, st.sampled_from([2, 3]), st.integers(1, 5))
def test_draws_stay_within_the_settings(seed: int, dims: int, batch: int):
    drawn = draw(ALWAYS, batch, dims, np.random.default_rng(seed))

    assert drawn.matrices.shape == (batch, dims, dims)
    zoom = np.abs(np.linalg.det(drawn.matrices.astype(np.float64))) ** (-1 / dims)
    assert (zoom <= ALWAYS.scale + 1e-5).all()
    assert (zoom >= 1 / ALWAYS.scale - 1e-5).all()
    turned = drawn.matrices.astype(np.float64) * zoom[:, None, None]
    assert np.allclose(turned @ turned.transpose(0, 2, 1), np.eye(dims), atol=1e-5)
    for name, low, high in (("contrast", 0.75, 1.25), ("brightness", -0.2, 0.2), ("noise", 0, 0.1)):
        values = getattr(drawn, name)
        assert values.shape == (batch,)
        assert values.dtype == np.float32
        assert ((values >= low) & (values <= high)).all()
    assert (drawn.gamma > 0).all()


def test_a_rotation_is_at_most_the_largest_angle():
    settings = dataclasses.replace(ALWAYS, flip=0, rotation=20, scale=1)
    matrices = draw(settings, 500, 2, np.random.default_rng(0)).matrices

    angles = np.degrees(np.arctan2(matrices[:, 1, 0], matrices[:, 0, 0]))

    assert 18 < np.abs(angles).max() <= 20.001
    assert abs(angles.mean()) < 2


def test_flips_can_be_had_along_chosen_axes_only():
    settings = dataclasses.replace(NEVER, flip=(0.0, 1.0, 0.5))
    matrices = draw(settings, 200, 3, np.random.default_rng(0)).matrices

    diagonals = np.diagonal(matrices, axis1=1, axis2=2)
    assert (diagonals[:, 0] == 1).all()
    assert (diagonals[:, 1] == -1).all()
    assert 0.35 < (diagonals[:, 2] == -1).mean() < 0.65


def test_probabilities_are_the_shares_of_changed_images():
    drawn = draw(Augmentation(affine=0.3, intensity=0.2, noise=0.1), 2000, 2, np.random.default_rng(0))

    assert abs((drawn.matrices[:, 0, 1] != 0).mean() - 0.3) < 0.04
    assert abs((drawn.contrast != 1).mean() - 0.2) < 0.04
    assert abs((drawn.noise != 0).mean() - 0.1) < 0.04


# -- doing ------------------------------------------------------------------------------------------------


@given(sizes, seeds)
def test_a_neutral_draw_leaves_images_and_labels_exactly(size: tuple[int, ...], seed: int):
    images, labels = noise_batch(size)
    drawn = draw(NEVER, 3, len(size), np.random.default_rng(seed))

    changed_images, changed_labels = apply(drawn, images, labels)

    assert torch.equal(changed_images, images)
    assert torch.equal(changed_labels, labels)


@given(sizes, seeds)
def test_shapes_and_classes_stay_and_the_inputs_are_left_alone(size: tuple[int, ...], seed: int):
    images, labels = noise_batch(size)
    images_before, labels_before = images.clone(), labels.clone()

    changed_images, changed_labels = apply(draw(ALWAYS, 3, len(size), np.random.default_rng(seed)), images, labels)

    assert changed_images.shape == images.shape
    assert changed_images.dtype == images.dtype
    assert changed_images.isfinite().all()
    assert changed_labels.shape == labels.shape
    assert changed_labels.dtype == labels.dtype
    for before, after in zip(labels, changed_labels, strict=True):
        assert set(after.unique().tolist()) <= set(before.unique().tolist())
    assert torch.equal(images, images_before)
    assert torch.equal(labels, labels_before)


@given(sizes, st.data())
def test_a_flip_mirrors_image_and_label(size: tuple[int, ...], data: st.DataObject):
    mirrored = data.draw(st.lists(st.booleans(), min_size=len(size), max_size=len(size)), "mirrored")
    images, labels = noise_batch(size, batch=2)
    flip = np.diag([-1 if along else 1 for along in mirrored])

    changed_images, changed_labels = apply(with_matrices([flip, np.eye(len(size))]), images, labels)

    axes = [axis for axis, along in enumerate(mirrored) if along]
    assert torch.equal(changed_images[0], images[0].flip([axis + 1 for axis in axes]))
    assert torch.equal(changed_labels[0], labels[0].flip(axes))
    assert torch.equal(changed_images[1], images[1])
    assert torch.equal(changed_labels[1], labels[1])


@given(sizes, seeds)
def test_a_label_moves_to_where_its_image_moves(size: tuple[int, ...], seed: int):
    """Each voxel's new label names the voxel nearest to the position that its new image holds."""
    images, labels = positions(size, batch=2)
    drawn = draw(Augmentation(affine=1, intensity=0, noise=0), 2, len(size), np.random.default_rng(seed))

    moved_images, moved_labels = apply(drawn, images, labels)

    named = np.stack(np.unravel_index(moved_labels.numpy().astype(np.int64), size), axis=1)
    assert np.abs(moved_images.numpy() - named).max() <= 0.5 + 1e-3


@given(sizes, seeds)
def test_voxels_come_from_where_the_matrix_says(size: tuple[int, ...], seed: int):
    """In voxels about the centre, so that a rotation stays one in an image that is not square."""
    images, labels = positions(size)
    drawn = draw(Augmentation(affine=1, intensity=0, noise=0), 1, len(size), np.random.default_rng(seed))

    moved = apply(drawn, images, labels)[0][0].double().numpy()

    centre = ((np.array(size) - 1) / 2).reshape(-1, *[1] * len(size))
    expected = centre + np.einsum("ij,j...->i...", drawn.matrices[0], images[0].double().numpy() - centre)
    last = centre * 2
    inside = ((expected >= 0) & (expected <= last)).all(axis=0)
    assert np.allclose(moved[:, inside], expected[:, inside], atol=1e-3)


def test_a_quarter_turn_is_exact_in_a_square():
    images, labels = noise_batch((6, 6), batch=1)

    turned_images, turned_labels = apply(with_matrices([[[0, -1], [1, 0]]]), images, labels)

    assert torch.allclose(turned_images[0], images[0].rot90(-1, (1, 2)), atol=1e-4)
    assert torch.equal(turned_labels[0], labels[0].rot90(-1))


def test_only_turned_images_of_a_batch_are_resampled():
    images, labels = noise_batch((6, 8), batch=3)
    turn = [[0.9, -0.3], [0.3, 0.9]]

    changed, _ = apply(with_matrices([np.eye(2), turn, np.diag([-1, 1])]), images, labels)

    assert torch.equal(changed[0], images[0])
    assert not torch.allclose(changed[1], images[1], atol=0.1)
    assert torch.equal(changed[2], images[2].flip(1))


def test_a_matrix_that_only_sums_up_like_a_mirror_is_not_taken_for_one():
    """Its absolute entries sum up to 2 as those of a mirror do."""
    images, labels = positions((6, 8))

    moved, _ = apply(with_matrices([[[0.5, -0.5], [0.5, 0.5]]]), images, labels)

    assert not torch.allclose(moved, images, atol=0.1)


def test_contrast_and_brightness_scale_and_shift_each_image():
    images, labels = noise_batch((5, 6), batch=2)
    changes = {"contrast": np.array([1.2, 1], "f4"), "brightness": np.array([0, -0.1], "f4")}

    changed, same = apply(dataclasses.replace(neutral(2, 2), **changes), images, labels)

    assert torch.allclose(changed[0], images[0] * 1.2)
    assert torch.allclose(changed[1], images[1] - 0.1)
    assert torch.equal(same, labels)


@pytest.mark.parametrize("gamma", [0.7, 1.4])
def test_gamma_keeps_the_range_and_the_order_of_intensities(gamma: float):
    images, labels = noise_batch((5, 6), batch=2, channels=1)

    changed, _ = apply(dataclasses.replace(neutral(2, 2), gamma=np.array([gamma, 1], "f4")), images, labels)

    assert torch.equal(changed[1], images[1])
    assert torch.allclose(changed[0].amin(), images[0].amin())
    assert torch.allclose(changed[0].amax(), images[0].amax())
    order = images[0].flatten().argsort()
    assert (changed[0].flatten()[order].diff() >= 0).all()
    inside = images[0].flatten()[order][1:-1]
    bent = changed[0].flatten()[order][1:-1]
    assert (bent > inside).all() if gamma < 1 else (bent < inside).all()


def test_gamma_leaves_a_constant_image_finite():
    images, labels = torch.full((1, 1, 4, 4), 3.0), torch.zeros((1, 4, 4), dtype=torch.uint8)
    changed, _ = apply(dataclasses.replace(neutral(1, 2), gamma=np.array([0.7], "f4")), images, labels)
    assert torch.allclose(changed, images)


def test_noise_follows_from_its_seed_and_has_the_deviation_drawn():
    images, labels = torch.zeros((2, 1, 64, 64)), torch.zeros((2, 64, 64), dtype=torch.uint8)
    noisy = dataclasses.replace(neutral(2, 2), noise=np.array([0.1, 0], "f4"), noise_seed=7)

    torch.manual_seed(0)
    first, _ = apply(noisy, images, labels)
    torch.manual_seed(1)
    again, _ = apply(noisy, images, labels)
    other, _ = apply(dataclasses.replace(noisy, noise_seed=8), images, labels)

    assert torch.equal(first, again)
    assert not torch.equal(first, other)
    assert abs(float(first[0].std()) - 0.1) < 0.01
    assert torch.equal(first[1], images[1])
