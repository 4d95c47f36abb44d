"""Expected calibration error and Brier score, of probabilities that mean what they say and of others."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from evaluators.calibration import BINS, Calibration, CaseCalibration
from evaluators.inference import predict_label, predict_probabilities
from evaluators.labelling import IGNORED, Labelling
from tests.evaluators.test_inference import convolutions, layout, random_image

ORGAN = Labelling.exclusive(["organ"])
REGIONS = Labelling(("whole", "core"), ((1, 2), (2,)), (0, 1, 2), (1, 2))


def metrics_of(probabilities: np.ndarray, reference: np.ndarray, labelling: Labelling = ORGAN) -> dict[str, float]:
    """Of one case, whose foreground ``probabilities`` ``(classes, *size)`` come plane by plane along the first axis."""
    case = CaseCalibration(reference, labelling)
    block = torch.from_numpy(np.concatenate([probabilities[:1], probabilities]).astype(np.float32))
    for plane in range(reference.shape[0]):
        case.see(0, plane, block[:, plane : plane + 1])
    return case.sums.metrics()


def drawn(seen: float, true: float, size: tuple[int, int] = (300, 300)) -> dict[str, float]:
    """Of a network that says ``seen`` everywhere, where a share ``true`` of all pixels is of the class."""
    reference = (np.random.default_rng(0).uniform(size=size) < true).astype(np.uint8)
    return metrics_of(np.full((1, *size), seen), reference)


@pytest.mark.parametrize("probability", [0.2, 0.5, 0.9])
def test_probabilities_that_come_true_as_often_as_they_say_have_no_calibration_error(probability: float) -> None:
    found = drawn(probability, probability)
    assert found["ece"] < 0.01
    assert found["brier"] == pytest.approx(probability * (1 - probability), abs=0.01)


@pytest.mark.parametrize(("seen", "true"), [(0.99, 0.7), (0.3, 0.6)])
def test_the_error_is_the_gap_between_what_is_said_and_what_is(seen: float, true: float) -> None:
    assert drawn(seen, true)["ece"] == pytest.approx(abs(seen - true), abs=0.01)


def test_numbers_by_hand() -> None:
    """Four pixels in two bins: 0.9 and 0.9 of which one is right, 0.2 and 0.2 of which none is."""
    found = metrics_of(np.array([[[0.9, 0.9], [0.2, 0.2]]]), np.array([[1, 0], [0, 0]], np.uint8))
    assert found["ece"] == found["ece/organ"] == pytest.approx(0.5 * 0.4 + 0.5 * 0.2)
    assert found["brier"] == found["brier/organ"] == pytest.approx((0.01 + 0.81 + 0.04 + 0.04) / 4)


def test_background_far_from_everything_does_not_count() -> None:
    reference = np.zeros((100, 100), np.uint8)
    reference[40:48, 40:48] = 1
    near, far = np.full((1, 100, 100), 0.3), np.full((1, 100, 100), 0.3)
    far[:, 60:, 60:] = 0.01
    assert metrics_of(near, reference) == metrics_of(far, reference)
    assert metrics_of(near, reference)["brier"] == pytest.approx((64 * 0.49 + 80 * 0.09) / 144)  # a box of 12 x 12


def test_what_is_predicted_far_away_counts_against_a_network() -> None:
    reference = np.zeros((100, 100), np.uint8)
    reference[40:48, 40:48] = 1
    probabilities = reference[None].astype(float)
    assert metrics_of(probabilities, reference)["ece"] == 0
    probabilities[:, 80:84, 80:84] = 0.95
    assert metrics_of(probabilities, reference)["ece"] == pytest.approx(16 * 0.95 / (144 + 16))


def test_a_class_that_is_neither_shown_nor_predicted_has_no_number() -> None:
    nothing = np.zeros((8, 8), np.uint8)
    assert metrics_of(np.full((1, 8, 8), 0.4), nothing) == {}
    assert metrics_of(np.full((1, 8, 8), 0.8), nothing)["ece"] == pytest.approx(0.8)


def test_what_is_ignored_counts_nowhere() -> None:
    reference = np.zeros((20, 20), np.uint8)
    reference[5:15, 5:10] = 1
    cut = reference.copy()
    cut[:, 10:] = IGNORED
    probabilities = np.where(np.arange(20) < 10, reference, 0.9)[None]
    assert metrics_of(probabilities, cut)["ece"] == 0
    assert metrics_of(probabilities, reference)["ece"] > 0.3


def test_a_region_is_judged_as_the_set_of_its_indices() -> None:
    reference = np.zeros((12, 12), np.uint8)
    reference[2:10, 2:10], reference[4:8, 4:8] = 1, 2
    found = metrics_of(np.stack([reference > 0, reference > 0]).astype(float), reference, REGIONS)
    assert found["brier/whole"] == 0
    assert found["brier/core"] > 0.5
    assert found["brier"] == pytest.approx(found["brier/core"] / 2)


def test_cases_are_taken_together() -> None:
    whole, rng = Calibration(["organ"]), np.random.default_rng(0)
    chances, shown = rng.uniform(size=1000), rng.uniform(size=1000) < 0.5
    whole.see(0, chances, shown)
    parts = Calibration(["organ"])
    for start in range(0, 1000, 100):
        part = Calibration(["organ"])
        part.see(0, chances[start : start + 100], shown[start : start + 100])
        parts.add(part)
    assert parts.metrics() == pytest.approx(whole.metrics())
    assert parts.voxels.shape == (1, BINS)


@pytest.mark.parametrize(("size", "patch"), [((40, 23), (8, 8)), ((20, 31, 9), (8, 5, 4))])
def test_block_by_block_is_the_same_as_all_at_once(size: tuple[int, ...], patch: tuple[int, ...]) -> None:
    network, image = convolutions(len(size)), random_image(size, 1)
    settings = layout(patch)
    reference = np.random.default_rng(1).integers(0, 3, size).astype(np.uint8)
    case, at_once = (CaseCalibration(reference, settings.labelling) for _ in range(2))

    predict_label(network, image, settings, size, see=case.see)
    at_once.see(0, 0, predict_probabilities(network, image, settings, size))

    assert case.sums.metrics() == pytest.approx(at_once.sums.metrics())
    assert case.sums.voxels.sum() == at_once.sums.voxels.sum() > 0
