"""Predictions are timed and their memory measured; what cannot be is told."""

from __future__ import annotations

import sys

import pytest
import torch

from evaluators.labelling import Labelling
from evaluators.preprocessing import Preprocessing
from nas.profiles import inference
from nas.profiles.inference import measure_all, measure_inference
from search_spaces.architecture.architecture import Architecture


def layout(patch: tuple[int, ...], slice_axis: int | None = None) -> Preprocessing:
    return Preprocessing(len(patch), 1, Labelling.exclusive(["organ"]), None, None, patch, slice_axis)


def unet(dims: int = 2, width: int = 4) -> Architecture:
    return Architecture.create("unet", dims, {"depth": 1, "width": width})


@pytest.mark.parametrize(
    ("architecture", "settings"),
    [(unet(), layout((48, 32))), (unet(3), layout((16, 8, 8))), (unet(), layout((48, 32), slice_axis=2))],
)
def test_a_prediction_of_one_patch_takes_time_on_one_thread(
    architecture: Architecture, settings: Preprocessing
) -> None:
    cost = measure_inference(architecture, settings)
    assert cost.size == settings.patch
    assert 0 < cost.cpu_ms < 60_000
    assert (cost.cpu_threads, cost.gpu, cost.gpu_ms, cost.gpu_bytes) == (1, None, None, None)
    assert cost.cpu


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="the system has no /proc")
def test_a_wider_network_on_a_larger_patch_takes_more_of_both() -> None:
    small, large = measure_inference(unet(), layout((32, 32))), measure_inference(unet(width=16), layout((256, 256)))
    assert small.cpu_ms < large.cpu_ms
    assert small.cpu_bytes is not None
    assert large.cpu_bytes is not None
    assert small.cpu_bytes + 2**22 < large.cpu_bytes < 2**30  # one map of 16 channels has 4 MiB


def test_mirrored_views_are_part_of_it(monkeypatch: pytest.MonkeyPatch) -> None:
    network = unet().build(1, 1)
    views: list[None] = []
    network.register_forward_hook(lambda *_: views.append(None))
    monkeypatch.setattr(Architecture, "build", lambda *_: network)
    counts = []
    for mirror in ((), (0, 1)):
        monkeypatch.setattr(inference, "_median_ms", lambda work: float(len(str(work()))))
        views.clear()
        assert measure_inference(unet(), layout((16, 16)), mirror=mirror).mirror == mirror
        counts.append(len(views))
    assert counts[1] == 4 * counts[0]


def test_only_runs_after_the_first_ones_count(monkeypatch: pytest.MonkeyPatch) -> None:
    times = iter([0.0, 0.001, 1.0, 1.002, 2.0, 2.004, 3.0, 7.0])  # the last of four takes 4 s
    monkeypatch.setattr(inference.time, "perf_counter", lambda: next(times))
    runs: list[None] = []
    assert inference._median_ms(lambda: runs.append(None)) == 3.0
    assert len(runs) == inference.WARM_UP + 4


def test_what_cannot_be_measured_is_told_and_stops_no_other(monkeypatch: pytest.MonkeyPatch) -> None:
    build = Architecture.build

    def large(self: Architecture, *arguments: int) -> torch.nn.Module:
        if dict(self.options)["width"] == 8:
            raise MemoryError
        return build(self, *arguments)

    monkeypatch.setattr(Architecture, "build", large)
    found, faults = measure_all([unet(width=8), unet()], layout((16, 16)), mirror=(), gpu=False)
    assert list(found) == [unet().key]
    (fault,) = faults
    assert fault.endswith("could not be measured: MemoryError")


@pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no GPU")
def test_a_gpu_is_measured_too() -> None:
    cost = measure_inference(unet(), layout((64, 64)), gpu=True)
    assert cost.gpu
    assert cost.gpu_ms
    assert cost.gpu_bytes
