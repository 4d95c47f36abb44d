"""The spread between trainings, from a few seeds of several networks."""

from __future__ import annotations

import numpy as np
import pytest

from nas.evidence.training_noise import NOISE, TrainingNoise, learn_noise


def learnt(dice: list[list[float]] | np.ndarray, failed: np.ndarray | None = None) -> TrainingNoise:
    table = np.array(dice, dtype=float)
    return learn_noise(table, np.zeros(table.shape, bool) if failed is None else failed)


def made(noise: float, shared: float, networks: int = 6, seeds: int = 3, seed: int = 0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    worth = rng.uniform(0.5, 0.9, (networks, 1))
    return worth + rng.normal(0, shared, seeds) + rng.normal(0, noise, (networks, seeds))


def test_one_training_each_leaves_what_was_known_before():
    found = learnt([[0.8], [0.6], [0.7]])
    assert found.own == pytest.approx([NOISE] * 3)
    assert found.shared == 0


def test_two_trainings_that_happen_to_agree_do_not_say_that_there_is_no_noise():
    found = learnt([[0.8, 0.8], [0.6, 0.6]])
    assert all(found.own > 0.3 * NOISE)
    assert found.freedom < 3
    assert found.errors(20_000, np.random.default_rng(0)).std(axis=0).min() > 0.3 * NOISE


@pytest.mark.parametrize("noise", [0.003, 0.03])
def test_the_noise_is_learnt_from_all_networks_and_what_a_seed_does_to_all_of_them_is_no_part_of_it(noise):
    found = [learnt(made(noise, 0.05, networks=8, seed=seed)) for seed in range(20)]
    assert np.sqrt(np.mean([one.own**2 for one in found])) == pytest.approx(noise, rel=0.35)
    assert np.sqrt(np.mean([one.shared**2 for one in found])) == pytest.approx(0.05, rel=0.4)


def test_one_network_alone_tells_its_own_spread_and_so_do_seeds_that_no_other_has():
    (found,) = learnt([[0.5, 0.7, 0.9]]).own
    assert 0.07 < found < 0.2
    raced = made(0.001, 0, networks=4, seeds=5)
    raced[1:, 3:] = np.nan
    raced[0, 4] += 0.2
    assert learnt(raced).own[0] > 0.05


def test_a_seed_is_off_for_all_networks_that_share_it():
    noise = TrainingNoise(np.array([[1, 1, 0], [1, 1, 0], [0, 0, 1]], bool), np.full(3, 1e-6), 0.1, 50.0)
    errors = noise.errors(20_000, np.random.default_rng(0))
    assert errors[:, 0] == pytest.approx(errors[:, 1], abs=1e-4)
    assert errors.std(axis=0) == pytest.approx([0.1 / 2**0.5, 0.1 / 2**0.5, 0.1], rel=0.05)
    assert abs(np.corrcoef(errors[:, 0], errors[:, 2])[0, 1]) < 0.05


def test_a_training_that_failed_makes_its_own_network_unsure_and_no_other():
    dice = made(0.005, 0)
    dice[2, 1] = 0
    failed = np.zeros(dice.shape, bool)
    failed[2, 1] = True
    found = learnt(dice, failed)
    assert found.own[2] > 0.1
    assert max(np.delete(found.own, 2)) < 0.02


def test_where_every_training_failed_nothing_breaks():
    found = learnt([[0.0, 0.0]], np.ones((1, 2), bool))
    assert np.isfinite(found.errors(10, np.random.default_rng(0))).all()


def test_networks_may_have_different_seeds():
    dice = made(0.01, 0.02)
    dice[0, 2] = dice[3, 1] = np.nan
    found = learnt(dice)
    assert np.isfinite(found.own).all()
    assert found.trained.sum() == dice.size - 2
