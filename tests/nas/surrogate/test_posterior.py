from __future__ import annotations

import numpy as np
import pytest
from scipy import sparse

from nas.surrogate.earlier import Earlier
from nas.surrogate.features import GROUPS, Feature, Row, row_of
from nas.surrogate.observations import Observations, columns_of, matrix_of, observed
from nas.surrogate.posterior import Posterior, _Ridge
from nas.surrogate.scales import LEVEL, PRIORS, learn_scales
from tests.nas.surrogate.made_up import SPACE, drawn, observations, trials_of

SCALES = {name: median for name, (median, _) in PRIORS.items()}


def kernel(first: tuple[Row, ...], second: tuple[Row, ...]) -> np.ndarray:
    """What two architectures share, written out."""

    def shared(one: Row, other: Row) -> float:
        total = LEVEL**2
        for feature, value in zip(one.features, one.values, strict=True):
            for another, weight in zip(other.features, other.values, strict=True):
                total += (feature == another) * value * weight * SCALES[feature[0]] ** 2
        return total

    return np.array([[shared(one, other) for other in second] for one in first])


@pytest.mark.parametrize("count", [5, 60])
def test_it_is_the_gaussian_process_whose_kernel_adds_up_what_architectures_share(count):
    seen = observations(count)
    asked = tuple(row_of(architecture) for architecture in drawn(20, seed=1))
    noisy = kernel(seen.rows, seen.rows) + np.eye(count) * (SCALES["rest"] ** 2 + SCALES["noise"] ** 2)
    across = kernel(asked, seen.rows)
    solved = np.linalg.solve(noisy, across.T).T
    offset = seen.scores.mean()
    means, deviations = Posterior(seen, SCALES).predict(asked)
    assert means == pytest.approx(offset + solved @ (seen.scores - offset), abs=1e-9)
    variance = np.diag(kernel(asked, asked)) - np.einsum("ij,ij->i", solved, across) + SCALES["rest"] ** 2
    assert deviations == pytest.approx(np.sqrt(variance), abs=1e-6)


def test_solving_for_weights_and_for_rows_is_the_same():
    rng = np.random.default_rng(0)
    rows = sparse.csr_matrix(rng.normal(size=(8, 5)) * (rng.random((8, 5)) < 0.6))
    wide = _Ridge(sparse.hstack([rows, sparse.csr_matrix((8, 9))], format="csr"))  # more weights than rows
    tall = _Ridge(rows)
    targets, asked = rng.normal(size=8), rng.normal(size=(4, 5))
    assert wide.mean(targets)[:5] == pytest.approx(tall.mean(targets))
    narrow, padded = sparse.csr_matrix(asked), sparse.csr_matrix(np.hstack([asked, np.zeros((4, 9))]))
    assert wide.variance(padded) == pytest.approx(tall.variance(narrow))
    assert wide.covariance(padded) == pytest.approx(tall.covariance(narrow))
    assert np.diag(wide.covariance(padded)) == pytest.approx(wide.variance(padded))
    for ridge in (wide, tall):
        draws = ridge.draws(40_000, rng)[:, :5]
        assert draws.mean(axis=0) == pytest.approx(np.zeros(5), abs=0.02)
        assert np.cov(draws.T) == pytest.approx(np.linalg.inv((rows.T @ rows).toarray() + np.eye(5)), abs=0.03)


def said_by(*weights: dict[Feature, float]) -> Earlier:
    features = dict.fromkeys(feature for one in weights for feature in one)
    return Earlier({feature: tuple(one.get(feature, 0.0) for one in weights) for feature in features}, len(weights))


HELPS: dict[Feature, float] = {("mechanism", "se"): 0.02, ("count", None): -0.003, ("slot", ("eca", "skip.0")): 0.01}
HURTS: dict[Feature, float] = {("mechanism", "cbam"): -0.02}


@pytest.mark.parametrize("count", [6, 60])
@pytest.mark.parametrize("earlier", [None, said_by(HELPS), said_by(HELPS, HURTS)], ids=["none", "one", "two"])
def test_weights_add_up_to_what_is_predicted(count, earlier):
    """Of networks whose features all have a weight, known or not."""
    rows = [row_of(architecture) for architecture in drawn(20, seed=1)]
    posterior = Posterior(observations(count), SCALES, earlier=earlier)
    alone = [Row((feature,), (1.0,)) for feature in columns_of(rows)]
    level = Row((), ())
    whole = np.array([*(0.0 for _ in alone), 1.0])
    weights, covariance = posterior.jointly_added([*alone, level], whole)
    design = np.hstack([matrix_of(rows, columns_of(rows)).toarray(), np.ones((20, 1))])
    means, deviations = posterior.predict(rows)
    assert design @ weights == pytest.approx(means, abs=1e-9)
    same, unsure = posterior.added([*alone, level], whole)
    assert same == pytest.approx(weights)
    assert unsure == pytest.approx(np.sqrt(np.diag(covariance)))
    variances = np.einsum("ij,jk,ik->i", design, covariance, design) + SCALES["rest"] ** 2
    assert np.sqrt(variances) == pytest.approx(deviations, abs=1e-7)


def test_an_earlier_run_counts_as_far_as_it_predicts():
    architectures = drawn(40)
    rows = [row_of(architecture) for architecture in architectures]
    good, bad = said_by(HELPS), said_by({feature: -weight for feature, weight in HELPS.items()})
    scores = 0.8 + good.of_rows(rows)[:, 0]
    seen = observed(trials_of(architectures[:25], scores[:25]))
    wrong = {}
    for name, earlier in (("none", None), ("good", good), ("bad", bad), ("both", said_by(HURTS, HELPS))):
        posterior = Posterior(seen, learn_scales(seen, earlier), earlier=earlier)
        wrong[name] = float(np.abs(posterior.predict(rows[25:])[0] - scores[25:]).mean())
    assert wrong["good"] < 0.5 * wrong["none"]
    assert wrong["both"] < 0.7 * wrong["none"]
    assert wrong["bad"] < 1.1 * wrong["none"]  # what is said the wrong way round is as good


def test_before_there_is_data_an_earlier_run_is_believed_by_half():
    plain = SPACE.plain_networks()
    seen = observed(trials_of(plain, [0.8] * len(plain)))
    posterior = Posterior(seen, SCALES, earlier=said_by(HELPS))
    row = Row((("mechanism", "se"),), (1.0,))
    assert posterior.predict([row])[0] - posterior.predict([Row((), ())])[0] == pytest.approx(0.01, abs=1e-6)


def test_what_is_pending_makes_its_like_surer_and_moves_no_mean():
    seen = observations(12)
    first, second = (row_of(architecture) for architecture in drawn(2, seed=5))
    alone, pending = Posterior(seen, SCALES), Posterior(seen, SCALES, [first])
    (means, before), (same, after) = alone.predict([first, second]), pending.predict([first, second])
    assert same == pytest.approx(means)
    assert after[0] < before[0]
    assert np.all(after <= before + 1e-12)


def test_the_more_trials_an_architecture_has_the_more_its_own_score_counts():
    seen = observations(20)
    often = Observations(seen.architectures, seen.rows, seen.scores, np.full(20, 100.0), seen.params)
    once = np.abs(Posterior(seen, SCALES).of_tried(seen) - seen.scores)
    many = np.abs(Posterior(often, SCALES).of_tried(often) - seen.scores)
    assert many.mean() < 0.3 * once.mean()


def test_draws_of_what_was_tried_lie_around_its_means():
    seen = observations(15)
    posterior = Posterior(seen, SCALES)
    draws = posterior.draws_of_tried(seen, 20_000, np.random.default_rng(0))
    assert draws.mean(axis=0) == pytest.approx(posterior.of_tried(seen), abs=3e-4)
    assert 0 < draws.std(axis=0).max() < SCALES["noise"]


def test_of_a_feature_that_nobody_has_seen_the_weight_is_as_unsure_as_before():
    seen = observations(200)
    scales = learn_scales(seen)
    alone = [Row((("mechanism", name),), (1.0,)) for name in ("se", "never seen")]
    means, covariance = Posterior(seen, scales).jointly_added(alone, np.zeros(2))
    assert means[0] != 0
    assert means[1] == 0
    assert covariance[0, 0] < scales["mechanism"] ** 2
    assert covariance[1].tolist() == [0.0, pytest.approx(scales["mechanism"] ** 2)]


@pytest.mark.parametrize("noise", [0.003, 0.03])
def test_the_noise_is_learnt_from_the_scores(noise):
    seen = observations(250, noise=noise)
    scales = learn_scales(seen)
    assert set(scales) == {*GROUPS, "rest", "noise"}
    assert np.hypot(scales["noise"], scales["rest"]) == pytest.approx(noise, rel=0.3)


def test_scales_of_hardly_anything_are_those_of_the_prior():
    assert learn_scales(observations(1))["slot"] == pytest.approx(PRIORS["slot"][0], rel=0.05)
