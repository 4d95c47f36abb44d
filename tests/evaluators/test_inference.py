"""Prediction of a whole image: windows, mirrors and the grid of the original."""

import warnings
from collections.abc import Sequence

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from evaluators.inference import predict_probabilities


class Identity(nn.Module):
    """The image's channels are the logits; keeps the size of every input."""

    def __init__(self) -> None:
        super().__init__()
        self.sizes: list[tuple[int, ...]] = []

    def forward(self, x: Tensor) -> Tensor:
        self.sizes += [tuple(x.shape[2:])] * len(x)
        return x


class Leaning(nn.Module):
    """Two logits: the image, and the position along the last axis, which a mirrored image does not have."""

    def forward(self, x: Tensor) -> Tensor:
        ramp = torch.linspace(-1, 1, x.shape[-1]).expand(x.shape)
        return torch.cat([x, ramp], dim=1)


def random_image(size: Sequence[int], channels: int = 3) -> np.ndarray:
    return np.random.default_rng(0).normal(size=(channels, *size)).astype(np.float32)


@pytest.mark.parametrize("size", [(8, 8), (7, 13), (5, 6, 9), (1, 6, 6)])
def test_a_network_that_passes_the_image_on_predicts_its_argmax(size: tuple[int, ...]):
    image = random_image(size)

    probabilities = predict_probabilities(Identity(), image, patch=size, size=size)

    assert probabilities.shape == (3, *size)
    assert torch.allclose(probabilities.sum(0), torch.ones(size), atol=1e-5)
    assert torch.allclose(probabilities, torch.from_numpy(image).softmax(0), atol=1e-5)
    assert np.array_equal(probabilities.argmax(0).numpy(), image.argmax(0))


@pytest.mark.parametrize(
    ("size", "patch"), [((40, 23), (8, 8)), ((17, 33), (8, 16)), ((20, 11, 9), (8, 5, 4)), ((1, 30, 9), (8, 8, 8))]
)
@pytest.mark.parametrize("mirror", [False, True])
def test_sliding_windows_give_what_the_whole_image_gives_where_voxels_stand_alone(
    size: tuple[int, ...], patch: tuple[int, ...], mirror: bool
):
    convolution = {2: nn.Conv2d, 3: nn.Conv3d}[len(size)]
    torch.manual_seed(0)
    network = convolution(2, 3, 1).eval()
    image = random_image(size, channels=2)

    whole = predict_probabilities(network, image, patch=size, size=size, mirror=mirror)
    windowed = predict_probabilities(network, image, patch=patch, size=size, mirror=mirror)

    assert torch.allclose(windowed, whole, atol=1e-5)


def test_an_axis_is_seen_whole_up_to_twice_the_patch():
    network = Identity()
    predict_probabilities(network, random_image((16, 16)), patch=(8, 8), size=(16, 16))
    assert network.sizes == [(16, 16)]


def test_only_an_axis_longer_than_twice_the_patch_is_cut_into_windows():
    network = Identity()
    predict_probabilities(network, random_image((17, 12)), patch=(8, 8), size=(17, 12))
    assert set(network.sizes) == {(8, 12)}
    assert len(network.sizes) == 4


def test_the_middle_of_a_window_has_the_say_over_its_border():
    """The network sees the place within its window, from -3 to 3; away from the image's border 3 is never heard."""

    class Place(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            ramp = torch.linspace(-3, 3, x.shape[-1]).expand(x.shape)
            return torch.cat([ramp, -ramp], dim=1)

    probabilities = predict_probabilities(Place(), random_image((8, 80), 1), patch=(8, 16), size=(8, 80))
    inside = probabilities[0, :, 16:-16]
    assert inside.min() > 0.1
    assert inside.max() < 0.9


@pytest.mark.parametrize(("size", "views"), [((6, 9), 4), ((4, 5, 6), 8)])
def test_mirroring_sees_every_combination_of_axes_once(size: tuple[int, ...], views: int):
    network = Identity()
    image = random_image(size)

    probabilities = predict_probabilities(network, image, patch=size, size=size, mirror=True)

    assert network.sizes == [size] * views
    assert torch.allclose(probabilities, torch.from_numpy(image).softmax(0), atol=1e-5)


def test_mirroring_averages_the_probabilities():
    image = random_image((5, 8), channels=1)
    plain = torch.cat([torch.from_numpy(image), torch.linspace(-1, 1, 8).expand(1, 5, 8)]).softmax(0)
    mirrored = torch.cat([torch.from_numpy(image), torch.linspace(1, -1, 8).expand(1, 5, 8)]).softmax(0)

    once = predict_probabilities(Leaning(), image, patch=(5, 8), size=(5, 8))
    averaged = predict_probabilities(Leaning(), image, patch=(5, 8), size=(5, 8), mirror=True)

    assert torch.allclose(once, plain, atol=1e-6)
    assert torch.allclose(averaged, (plain + mirrored) / 2, atol=1e-6)


@pytest.mark.parametrize(
    ("size", "original"), [((8, 10), (16, 20)), ((8, 10), (5, 3)), ((4, 6, 8), (9, 3, 8)), ((1, 4, 4), (1, 9, 2))]
)
def test_probabilities_come_on_the_grid_of_the_original(size: tuple[int, ...], original: tuple[int, ...]):
    probabilities = predict_probabilities(Identity(), random_image(size), patch=size, size=original)

    assert probabilities.shape == (3, *original)
    assert torch.allclose(probabilities.sum(0), torch.ones(original), atol=1e-5)


def test_a_shared_image_is_read_without_a_warning():
    image = random_image((8, 8))
    image.flags.writeable = False
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        predict_probabilities(Identity(), image, patch=(8, 8), size=(8, 8))
