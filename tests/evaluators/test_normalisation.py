"""Intensities on one scale."""

from __future__ import annotations

import tracemalloc

import numpy as np
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from evaluators import normalisation as module
from evaluators.normalisation import Normalisation, Window, normalise


@given(
    st.floats(-1e5, 1e5, width=32),
    st.floats(1, 1e5, width=32),
    st.sampled_from([(7, 9), (64, 50), (5, 6, 7)]),
)
def test_every_channel_has_zero_mean_and_unit_deviation(mean: float, deviation: float, size: tuple[int, ...]):
    rng = np.random.default_rng(0)
    image = (mean + deviation * rng.normal(size=(2, *size))).astype(np.float32)
    image[1] *= 3

    normalised = normalise(image)

    assert normalised.dtype == np.float32
    for channel in normalised.astype(np.float64):
        assert abs(channel.mean()) < 1e-3
        assert abs(channel.std() - 1) < 1e-3


@given(st.floats(-1e6, 1e6, width=32), st.sampled_from([(1, 1), (33, 47), (20, 30, 10)]))
def test_a_constant_channel_becomes_zero(value: float, size: tuple[int, ...]):
    image = np.full((2, *size), value, np.float32)
    image[1].flat[0] += 10 + abs(value)

    normalised = normalise(image)

    assert (normalised[0] == 0).all()
    assert np.isfinite(normalised).all()


def test_what_is_not_counted_becomes_zero_and_has_no_part_in_the_mean():
    image = np.zeros((2, 6, 5), np.float32)
    image[0, 2:4] = np.arange(10).reshape(2, 5) + 3
    image[1, 2:4, :3] = 7

    normalised = Normalisation("nonzero")(image)

    assert (normalised[:, [0, 1, 4, 5]] == 0).all()
    assert normalised[0, 2:4].mean() == pytest.approx(0, abs=1e-6)
    assert normalised[0, 2:4].std() == pytest.approx(1)
    assert normalised[1, 2:4].std() == pytest.approx(1)  # zero in one channel alone is a value


def test_an_empty_image_stays_empty():
    assert (Normalisation("nonzero")(np.zeros((1, 4, 4), np.int16)) == 0).all()


@pytest.mark.parametrize("kind", [np.int16, np.float32, np.float64])
def test_a_window_clips_and_scales_every_image_alike(kind: type):
    window = Normalisation("window", (Window.between(-100, 300),))
    image = np.array([[-1000, -100, 100, 200, 300, 3000]], kind)
    assert window(image).tolist() == [[-1, -1, 0, 0.5, 1, 1]]
    assert window(image).dtype == np.float32


def test_channels_have_windows_of_their_own():
    window = Normalisation("window", (Window(0, 10, 5, 2), Window(-1, 1, 0, 0.5)))
    assert window(np.array([[20.0], [0.25]])).tolist() == [[2.5], [0.5]]


@pytest.mark.parametrize(
    "normalisation", [Normalisation(), Normalisation("nonzero"), Normalisation("window", (Window(0, 10, 5, 2),))]
)
def test_it_is_plain_data_and_back(normalisation: Normalisation):
    assert Normalisation.from_dict(yaml.safe_load(yaml.safe_dump(normalisation.to_dict()))) == normalisation


@pytest.mark.parametrize("kind", ["case", "nonzero"])
@pytest.mark.parametrize("block", [1, 100, 777])
def test_blocks_change_nothing(monkeypatch: pytest.MonkeyPatch, kind: str, block: int):
    image = np.random.default_rng(0).normal(50, 30, (2, 19, 12, 7)).astype(np.float32)
    image[:, 5:9] = 0
    normalisation = Normalisation.from_dict({"kind": kind, "windows": []})
    whole = normalisation(image)
    monkeypatch.setattr(module, "BLOCK", block)
    assert np.allclose(normalisation(image), whole, atol=1e-6)


@pytest.mark.parametrize("kind", ["case", "nonzero", "window"])
def test_a_volume_takes_its_result_and_a_block_at_a_time(monkeypatch: pytest.MonkeyPatch, kind: str):
    monkeypatch.setattr(module, "BLOCK", 2**12)
    image = np.random.default_rng(0).normal(50, 30, (1, 64, 48, 40)).astype(np.float32)
    image[:, 20:30] = 0
    windows = [{"low": 0, "high": 90, "mean": 50, "deviation": 30}] if kind == "window" else []
    normalisation = Normalisation.from_dict({"kind": kind, "windows": windows})
    tracemalloc.start()
    result = normalisation(image)
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert result.nbytes <= most < 1.7 * result.nbytes
