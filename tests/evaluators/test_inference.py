"""Prediction of a whole image: windows, mirrors and the grid of the original."""

import math
import warnings
from collections.abc import Sequence

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from monai.inferers import SlidingWindowInferer
from torch import Tensor, nn

from evaluators.inference import predict_label, predict_probabilities, shares
from evaluators.labelling import Labelling
from evaluators.preprocessing import Preprocessing, resize
from tests.evaluators.made_tasks import Size


class Identity(nn.Module):
    """The image's channels are the logits; keeps the size of every input."""

    def __init__(self) -> None:
        super().__init__()
        self.sizes: list[tuple[int, ...]] = []  # of every image seen
        self.calls = 0

    def forward(self, x: Tensor) -> Tensor:
        self.sizes += [tuple(x.shape[2:])] * len(x)
        self.calls += 1
        return x


class Leaning(nn.Module):
    """Two logits: the image, and the position along the last axis, which a mirrored image does not have."""

    def forward(self, x: Tensor) -> Tensor:
        ramp = torch.linspace(-1, 1, x.shape[-1]).expand(x.shape)
        return torch.cat([x, ramp], dim=1)


BRATS = Labelling(("whole", "core", "enhancing"), ((1, 2, 3), (1, 3), (3,)), (0, 1, 2, 4), (2, 1, 3))


def layout(
    patch: Sequence[int], classes: int = 2, slice_axis: int | None = None, labelling: Labelling | None = None
) -> Preprocessing:
    labelling = labelling or Labelling.exclusive([f"class{index}" for index in range(classes)])
    return Preprocessing(len(patch), 1, labelling, None, None, tuple(patch), slice_axis)


def convolutions(dims: int, channels: int = 1, outputs: int = 3) -> nn.Module:
    """What it says of a voxel hangs on those around it, and at a border on the border."""
    convolution = {2: nn.Conv2d, 3: nn.Conv3d}[dims]
    torch.manual_seed(0)
    return nn.Sequential(
        convolution(channels, 6, 5, padding=2), nn.ReLU(), convolution(6, outputs, 3, padding=1)
    ).eval()


def random_image(size: Sequence[int], channels: int = 3) -> np.ndarray:
    return np.random.default_rng(0).normal(size=(channels, *size)).astype(np.float32)


@pytest.mark.parametrize("size", [(8, 8), (7, 13), (5, 6, 9), (1, 6, 6)])
def test_a_network_that_passes_the_image_on_predicts_its_argmax(size: tuple[int, ...]):
    image = random_image(size)

    probabilities = predict_probabilities(Identity(), image, layout(size), size)

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

    axes = range(len(size) if mirror else 0)
    whole = predict_probabilities(network, image, layout(size), size, mirror=axes)
    windowed = predict_probabilities(network, image, layout(patch), size, mirror=axes)

    assert torch.allclose(windowed, whole, atol=1e-5)


def test_an_axis_is_seen_whole_up_to_twice_the_patch():
    network = Identity()
    predict_probabilities(network, random_image((16, 16)), layout((8, 8)), (16, 16))
    assert network.sizes == [(16, 16)]


def test_only_an_axis_longer_than_twice_the_patch_is_cut_into_windows():
    network = Identity()
    predict_probabilities(network, random_image((17, 12)), layout((8, 8)), (17, 12))
    assert set(network.sizes) == {(8, 12)}
    assert len(network.sizes) == 4


def test_the_middle_of_a_window_has_the_say_over_its_border():
    """The network sees the place within its window, from -3 to 3; away from the image's border 3 is never heard."""

    class Place(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            ramp = torch.linspace(-3, 3, x.shape[-1]).expand(x.shape)
            return torch.cat([ramp, -ramp], dim=1)

    probabilities = predict_probabilities(Place(), random_image((8, 80), 1), layout((8, 16)), (8, 80))
    inside = probabilities[0, :, 16:-16]
    assert inside.min() > 0.1
    assert inside.max() < 0.9


@pytest.mark.parametrize(("size", "axes", "views"), [((6, 9), (0, 1), 4), ((6, 9), (1,), 2), ((4, 5, 6), (0, 1, 2), 8)])
def test_mirroring_sees_every_combination_of_axes_once(size: tuple[int, ...], axes: tuple[int, ...], views: int):
    network = Identity()
    image = random_image(size)

    probabilities = predict_probabilities(network, image, layout(size), size, mirror=axes)

    assert network.calls == views
    assert set(network.sizes) == {size}
    assert torch.allclose(probabilities, torch.from_numpy(image).softmax(0), atol=1e-5)


def test_mirroring_averages_the_logits():
    image = random_image((5, 8), channels=1)
    plain = torch.cat([torch.from_numpy(image), torch.linspace(-1, 1, 8).expand(1, 5, 8)])
    mirrored = torch.cat([torch.from_numpy(image), torch.linspace(1, -1, 8).expand(1, 5, 8)])

    once = predict_probabilities(Leaning(), image, layout((5, 8)), (5, 8))
    averaged = predict_probabilities(Leaning(), image, layout((5, 8)), (5, 8), mirror=(0, 1))

    assert torch.allclose(once, plain.softmax(0), atol=1e-6)
    assert torch.allclose(averaged, ((plain + mirrored) / 2).softmax(0), atol=1e-6)


@pytest.mark.parametrize(
    ("size", "original"), [((8, 10), (16, 20)), ((8, 10), (5, 3)), ((4, 6, 8), (9, 3, 8)), ((1, 4, 4), (1, 9, 2))]
)
def test_probabilities_come_on_the_grid_of_the_original(size: tuple[int, ...], original: tuple[int, ...]):
    probabilities = predict_probabilities(Identity(), random_image(size), layout(size), original)

    assert probabilities.shape == (3, *original)
    assert torch.allclose(probabilities.sum(0), torch.ones(original), atol=1e-5)


def test_a_shared_image_is_read_without_a_warning():
    image = random_image((8, 8))
    image.flags.writeable = False
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        predict_probabilities(Identity(), image, layout((8, 8)), (8, 8))


# -- the same as with everything in memory ----------------------------------------------------------------


@pytest.mark.parametrize(
    ("size", "patch", "original"),
    [
        ((40, 23), (8, 8), (40, 23)),
        ((17, 33), (8, 16), (61, 20)),
        ((61, 1), (8, 8), (30, 1)),
        ((20, 31, 9), (8, 5, 4), (20, 31, 9)),
        ((20, 31, 9), (8, 5, 4), (31, 20, 14)),
        ((20, 31, 9), (8, 15, 4), (9, 40, 9)),
        ((1, 30, 29), (8, 8, 8), (1, 60, 20)),
        ((12, 14, 10), (8, 8, 8), (24, 7, 25)),
    ],
)
def test_it_is_what_monai_s_windows_give_brought_to_the_original_grid_as_a_whole(
    size: tuple[int, ...], patch: tuple[int, ...], original: tuple[int, ...]
):
    network, image = convolutions(len(size)), random_image(size, 1)
    window = [length if length <= 2 * want else want for length, want in zip(size, patch, strict=True)]
    inferer = SlidingWindowInferer(window, sw_batch_size=4, overlap=0.5, mode="gaussian")
    with torch.inference_mode():
        logits = inferer(torch.from_numpy(image)[None], network)
        assert isinstance(logits, Tensor)
        expected = resize(logits.softmax(1), original)[0]

    probabilities = predict_probabilities(network, image, layout(patch), original)

    assert torch.allclose(probabilities, expected, atol=1e-5)
    label = predict_label(network, image, layout(patch), original)
    assert label.dtype == np.uint8
    assert (label == expected.argmax(0).numpy()).mean() > 0.999


@given(st.lists(st.integers(1, 30), min_size=2, max_size=3), st.data())
def test_a_label_is_the_most_probable_class_at_every_place(size: list[int], data: st.DataObject):
    original = data.draw(st.lists(st.integers(1, 30), min_size=len(size), max_size=len(size)), "original")
    image = random_image(size)
    settings = layout([6] * len(size))

    label = predict_label(Identity(), image, settings, original)

    probabilities = predict_probabilities(Identity(), image, settings, original)
    assert label.shape == tuple(original)
    assert np.array_equal(label, probabilities.argmax(0).numpy())


def test_regions_are_painted_one_over_the_other_where_they_are_likelier_than_not():
    logits = np.array([[9, 9, 9, 9, 9], [-1, 1, 1, 1, -1], [-1, -1, 2, 1, 1], [-1, -1, -1, 3, -1]], np.float32)
    image = logits[:, None]
    settings = layout((1, 5), labelling=BRATS)
    assert predict_label(Identity(), image, settings, (1, 5)).tolist() == [[0, 2, 1, 3, 1]]


@pytest.mark.parametrize("classes", [2, 20])
def test_what_is_held_is_a_window_deep_whatever_the_number_of_classes(classes: int):
    size = (96, 48, 48)
    network = nn.Conv3d(1, 1 + classes, 1)
    settings = layout((8, 8, 8), classes)
    image = random_image(size, 1)
    predict_label(network, image, settings, size)

    with torch.profiler.profile(activities=[torch.profiler.ProfilerActivity.CPU], profile_memory=True) as profile:
        predict_label(network, image, settings, size)

    assert profile.profiler is not None
    assert profile.profiler.kineto_results is not None
    events = [event for event in profile.profiler.kineto_results.events() if event.name() == "[memory]"]
    sizes = [event.nbytes() for event in sorted(events, key=lambda event: event.start_ns())]
    assert np.cumsum(sizes).max() < 3 * classes * math.prod(size)


# -- slices -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("axis", [0, 1, 2])
@pytest.mark.parametrize("mirror", [(), (0, 1)])
@pytest.mark.parametrize("original", [None, (25, 11)])
def test_a_volume_is_predicted_slice_by_slice(axis: int, mirror: tuple[int, ...], original: Size | None):
    plane, slices = (12, 21), 5
    network = convolutions(2)
    pictures = [random_image(plane, 1) * (1 + number) for number in range(slices)]
    settings = layout((12, 8))
    want = original or plane
    expected = [predict_label(network, picture, settings, want, mirror=mirror) for picture in pictures]

    size = (*want[:axis], slices, *want[axis:])
    sliced = layout((12, 8), slice_axis=axis)
    label = predict_label(network, np.stack(pictures, axis + 1), sliced, size, mirror=mirror)

    assert np.array_equal(label, np.stack(expected, axis))


# -- threads, progress, failure ---------------------------------------------------------------------------


@pytest.mark.parametrize("size", [(70, 41), (20, 31, 9)])
def test_threads_change_nothing(size: Size):
    network, image, settings = convolutions(len(size)), random_image(size, 1), layout([8] * len(size))
    one, *others = [predict_probabilities(network, image, settings, size, threads=threads) for threads in (1, 2, 3)]
    assert all(torch.equal(one, other) for other in others)


def test_pictures_are_worked_on_side_by_side_and_volumes_have_their_windows_shared_out():
    torch.set_num_threads(2)
    assert shares(layout((8, 8))) == (2, 1)
    assert shares(layout((8, 8, 8))) == (1, 2)
    assert shares(layout((8, 8), slice_axis=2)) == (1, 2)
    assert shares(layout((8, 8, 8)), "cuda") == (1, 1)


def test_it_is_told_how_many_windows_of_how_many_are_done():
    seen: list[tuple[int, int]] = []
    predict_label(Identity(), random_image((17, 70)), layout((8, 8)), (17, 70), show=lambda *done: seen.append(done))
    assert seen == sorted(seen)
    assert seen[-1] == (68, 68)
    assert len(seen) > 10


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("labelling", [None, BRATS])
def test_what_is_not_finite_is_no_prediction(value: float, labelling: Labelling | None):
    image = random_image((20, 30), 4)
    image[1, 13, 20] = value
    with pytest.raises(FloatingPointError, match="not finite"):
        predict_label(Identity(), image, layout((8, 8), 3, labelling=labelling), (40, 30))
