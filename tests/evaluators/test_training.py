"""Training from scratch: it learns, repeats bit by bit, and fails loudly."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Sequence

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.optim.optimizer import register_optimizer_step_pre_hook

from evaluators import training
from evaluators.augmentation import Augmentation
from evaluators.calibration import Calibration
from evaluators.evaluator import Assignment, Diverged, Evaluation
from evaluators.labelling import IGNORED, Labelling
from evaluators.preprocessing import PreparedCase, PreparedTask, prepare
from evaluators.tasks import Sample
from evaluators.training import TrainingEvaluator, resolve_device
from search_spaces.architecture.architecture import Architecture
from search_spaces.architecture.placement import Placement
from search_spaces.errors import InputError
from search_spaces.hosts import Host, Outputs
from tests.evaluators.evaluations import finish
from tests.evaluators.made_tasks import Size, disc_task, make_sample, make_task, prepared_case, read_only


def unet(dims: int = 2, attention: dict[str, Placement] | None = None, **options: int) -> Architecture:
    return Architecture.create("unet", dims, {"depth": 2, "width": 4, **options}, attention)


def discs(*sizes: Size, train: int = 6, patch: Size | None = None) -> PreparedTask:
    task = prepare(disc_task(sizes, train=train), patch=patch)
    for case in (*task.train, *task.val, *task.test):
        read_only(case)
    return task


def quick(**settings: object) -> TrainingEvaluator:
    return TrainingEvaluator(**{"batch": 4, "learning_rate": 2e-2, **settings})  # type: ignore[arg-type]


@pytest.fixture
def every_step(monkeypatch: pytest.MonkeyPatch) -> None:
    """Progress is reported at every step, not once a second."""
    monkeypatch.setattr(training, "REPORT_SECONDS", -1.0)


# -- learning ---------------------------------------------------------------------------------------------


@pytest.mark.usefixtures("every_step")
@pytest.mark.parametrize("size", [(32, 32), (16, 16, 16)])
def test_an_easy_task_is_learnt_in_sixty_steps(size: Size):
    reports, evaluation = finish(quick(), Assignment(unet(len(size)), discs(size), 60, seed=0))

    losses = [report.loss for report in reports]
    assert np.mean(losses[-6:]) < 0.6 * np.mean(losses[:6])
    assert evaluation.metrics["dice"] > 0.8
    assert evaluation.metrics["dice/disc"] == evaluation.metrics["dice"]


@pytest.mark.parametrize(
    ("sizes", "patch"),
    [
        ([(1, 32, 32)], None),  # one voxel thick
        ([(20, 20), (24, 90), (60, 30)], (64, 64)),  # patches larger and smaller than the images
        ([(70, 66)], (32, 32)),  # larger than twice the patch: windows
    ],
)
def test_images_of_unusual_sizes_are_learnt(sizes: Sequence[Size], patch: Size | None):
    task = discs(*sizes, patch=patch)
    _, evaluation = finish(quick(), Assignment(unet(len(sizes[0])), task, 60, seed=0))
    assert evaluation.metrics["dice"] > 0.7


def test_one_training_case_is_enough_for_a_larger_batch():
    _, evaluation = finish(quick(batch=8), Assignment(unet(), discs((24, 24), train=1), 40, seed=0))
    assert evaluation.metrics["dice"] > 0.5


def test_an_image_can_shrink_to_one_voxel_at_the_bottleneck():
    _, evaluation = finish(quick(batch=1), Assignment(unet(depth=4), discs((16, 16)), 2, seed=0))
    assert evaluation.network is not None


@pytest.mark.parametrize("steps", range(1, 8))
def test_any_number_of_steps_can_be_trained(steps: int):
    reports, evaluation = finish(quick(), Assignment(unet(depth=1), discs((16, 16)), steps, seed=0))
    assert reports[-1].step == reports[-1].steps == steps
    assert math.isfinite(evaluation.metrics["loss"])


@pytest.mark.parametrize("warmup", [0.05, 0.1, 0.5, 0.95])
def test_any_share_of_warm_up_can_be_trained(warmup: float):
    for steps in (1, 3, 9, 19):
        _, evaluation = finish(quick(warmup=warmup, batch=1), Assignment(unet(depth=1), discs((8, 8)), steps, seed=0))
        assert math.isfinite(evaluation.metrics["loss"])


BRATS = Labelling(("whole", "core"), ((1, 2), (2,)), (0, 1, 2), (1, 2))


def rings(size: Size, count: int, seed: int = 0) -> list[Sample]:
    """Discs in which a smaller one lies: 2 within 1, each brighter than what is around it."""
    rng, made = np.random.default_rng(seed), []
    for _ in range(count):
        centre = [rng.uniform(0.35, 0.65) * length for length in size]
        distance = sum((g - c) ** 2 for g, c in zip(np.indices(size), centre, strict=True)) ** 0.5
        label = (distance < 0.28 * max(size)).astype(np.uint8) + (distance < 0.16 * max(size)).astype(np.uint8)
        made.append(make_sample((60 * label + rng.normal(0, 12, size))[None], label))
    return made


def ring_task(size: Size, labelling: Labelling, **changes: object) -> PreparedTask:
    task = make_task({"train": rings(size, 6), "val": rings(size, 3, seed=1)}, dims=len(size))
    return prepare(dataclasses.replace(task, labelling=labelling, **changes))


def test_regions_that_lie_in_one_another_are_learnt():
    _, evaluation = finish(quick(distances=True), Assignment(unet(), ring_task((32, 32), BRATS), 80, seed=0))
    assert evaluation.metrics["dice/whole"] > 0.8
    assert evaluation.metrics["dice/core"] > 0.8
    assert evaluation.metrics["hd95_missed"] == 0


def test_what_is_ignored_teaches_nothing_and_is_not_scored():
    """Half of every training label is wrong, and ignored; so is half of every label that is scored."""
    task = ring_task((32, 32), Labelling.exclusive(["whole", "core"]))

    def spoilt(case: PreparedCase, index: int) -> PreparedCase:
        label = case.label.copy()
        label[:, 16:] = index
        return prepared_case(case.name, case.image, label)

    dice = {}
    for index in (IGNORED, 0):
        train, val = [spoilt(case, index) for case in task.train], [spoilt(case, IGNORED) for case in task.val]
        _, evaluation = finish(quick(), Assignment(unet(), dataclasses.replace(task, train=train, val=val), 80, seed=0))
        dice[index] = evaluation.metrics["dice"]
    assert dice[IGNORED] > 0.8
    assert dice[IGNORED] > dice[0]


@pytest.mark.parametrize("axis", [0, 2])
def test_volumes_are_learnt_slice_by_slice_and_scored_as_volumes(axis: int):
    size = [24, 24]
    size.insert(axis, 6)
    flat = rings((24, 24), 9)
    samples = [
        make_sample(np.stack([s.image] * 6, 1 + axis), np.stack([s.label] * 6, axis))  # type: ignore[list-item]
        for s in flat
    ]
    task = make_task({"train": samples[:6], "val": samples[6:]}, classes=("whole", "core"))
    prepared = prepare(dataclasses.replace(task, slice_axis=axis))
    evaluator = quick(distances=True)

    _, evaluation = finish(evaluator, Assignment(unet(), prepared, 60, seed=0))

    assert evaluation.metrics["dice"] > 0.8
    assert evaluation.network is not None
    found = evaluator.predictions(evaluation.network, prepared, prepared.val, torch.device("cpu"))
    assert {label.shape for _, label in found} == {tuple(size)}


# -- repeating --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("size", [(16, 16), (8, 8, 8)])
def test_a_seed_gives_the_same_weights_and_scores_to_the_bit(size: Size):
    task = discs(size)
    runs = []
    for state, seed in ((0, 3), (1, 3), (0, 4)):
        torch.manual_seed(state)  # whatever ran before in this process
        runs.append(finish(quick(distances=True), Assignment(unet(len(size)), task, 12, seed))[1])
    first, again, other = runs

    assert first.metrics == again.metrics
    assert first.cases == again.cases
    assert first.distances == again.distances
    assert first.metrics != other.metrics
    assert first.network is not None
    assert again.network is not None
    state, repeated = first.network.state_dict(), again.network.state_dict()
    assert state.keys() == repeated.keys()
    assert all(torch.equal(state[name], repeated[name]) for name in state)


def test_every_architecture_sees_the_same_batches():
    """Paired comparisons rest on it: common random numbers."""
    task = discs((24, 20), patch=(16, 16))
    seen: list[list[Tensor]] = []
    for architecture in (unet(), unet(depth=1, width=6), unet(attention={"bottleneck": Placement("se")})):
        network = architecture.build(1, 1, seed=0)
        images: list[Tensor] = []
        first = network.encoder[0]
        first.register_forward_pre_hook(lambda _, inputs, images=images: images.append(inputs[0].clone()))
        list(quick().train(network, Assignment(architecture, task, 5, seed=0)))
        seen.append(images)

    assert [len(images) for images in seen] == [5, 5, 5]
    for others in seen[1:]:
        assert all(torch.equal(a, b) for a, b in zip(seen[0], others, strict=True))


def test_layers_that_are_random_in_training_start_alike_in_every_architecture():
    """What the building of a network draws does not shift the dropout of its training."""
    drawn: list[Tensor] = []

    class Random(Stub):
        def outputs(self, image: Tensor) -> Outputs:
            if self.training:
                drawn.append(torch.rand(4))
            return super().outputs(image)

    for draws in (0, 5):
        finish(quick(), Assignment(Built(Random(1.0), draws), discs((8, 8)), 1, seed=0))  # type: ignore[arg-type]
    first, second = drawn
    assert torch.equal(first, second)


# -- reporting --------------------------------------------------------------------------------------------


@pytest.mark.usefixtures("every_step")
def test_progress_is_reported_in_order_up_to_the_last_step():
    reports, _ = finish(quick(), Assignment(unet(), discs((16, 16)), 12, seed=0))
    assert [report.step for report in reports if report.scored is None] == list(range(1, 13))
    assert {report.steps for report in reports} == {12}


@pytest.mark.usefixtures("every_step")
def test_scoring_is_reported_case_by_case_on_the_way_and_at_the_end():
    task = discs((16, 16))
    reports, _ = finish(quick(), Assignment(unet(), task, 4, seed=0, rungs=(2,)))
    cases = [(number, len(task.val)) for number in range(1, len(task.val) + 1)]
    assert [(report.step, report.scored) for report in reports if report.scored] == [
        (step, scored) for step in (2, 4) for scored in cases
    ]


def test_progress_comes_about_once_a_second(monkeypatch: pytest.MonkeyPatch):
    clock = iter(range(1000))
    monkeypatch.setattr(training.time, "monotonic", lambda: 0.3 * next(clock))
    reports, _ = finish(quick(), Assignment(unet(depth=1), discs((16, 16)), 20, seed=0))
    assert 3 <= len(reports) <= 6


@pytest.mark.usefixtures("every_step")
@pytest.mark.parametrize(("steps", "last"), [(5, 1), (30, 3)])
def test_the_loss_is_the_mean_of_the_last_tenth_of_steps(steps: int, last: int):
    reports, evaluation = finish(quick(), Assignment(unet(depth=1), discs((16, 16)), steps, seed=0))
    losses = [report.loss for report in reports if report.scored is None]
    assert evaluation.metrics["loss"] == pytest.approx(np.mean(losses[-last:]))


def test_scores_are_those_of_the_split_asked_for():
    task = discs((16, 16))
    for split in ("val", "test"):
        _, evaluation = finish(quick(), Assignment(unet(), task, 2, seed=0, split=split))
        assert list(evaluation.cases) == [case.name for case in getattr(task, split)]


def test_scores_are_measured_on_the_original_grid():
    task = prepare(disc_task([(48, 40)]), size=(24, 24))
    evaluator = quick()
    _, evaluation = finish(evaluator, Assignment(unet(), task, 60, seed=0))

    assert evaluation.network is not None
    predictions = evaluator.predictions(evaluation.network, task, task.val, torch.device("cpu"))
    assert {prediction.shape for _, prediction in predictions} == {(48, 40)}
    assert evaluation.metrics["dice"] > 0.8


def test_the_network_comes_back_ready_to_predict():
    _, evaluation = finish(quick(), Assignment(unet(), discs((16, 16)), 2, seed=0))
    assert evaluation.network is not None
    assert not evaluation.network.training


# -- options ----------------------------------------------------------------------------------------------


def test_distances_are_computed_where_they_are_asked_for():
    task = discs((32, 32))
    _, without = finish(quick(), Assignment(unet(), task, 30, seed=0))
    _, with_distances = finish(quick(distances=True), Assignment(unet(), task, 30, seed=0))

    assert without.distances == {}
    assert "hd95" not in without.metrics
    assert list(with_distances.distances) == list(with_distances.cases)
    found = [scores["disc"] for scores in with_distances.distances.values() if scores["disc"] is not None]
    assert with_distances.metrics["hd95"] == pytest.approx(np.mean(found))
    assert with_distances.metrics["dice"] == without.metrics["dice"]
    assert without.surface_dice == {}
    assert with_distances.surface_dice.keys() == with_distances.cases.keys()
    assert with_distances.metrics["surface_dice_tolerance"] == 1  # mm, a pixel
    _, strict = finish(quick(distances=True, tolerance=0.0), Assignment(unet(), task, 30, seed=0))
    assert strict.metrics["surface_dice"] < with_distances.metrics["surface_dice"] <= 1


def test_calibration_is_measured_of_the_last_weights_where_it_is_asked_for():
    task = discs((32, 32))
    reports, found = finish(quick(calibration=True), Assignment(unet(), task, 30, seed=0, rungs=(10,)))
    (rung,) = [report.evaluation for report in reports if report.evaluation]
    assert "ece" not in rung.metrics
    assert 0 < found.metrics["ece"] == found.metrics["ece/disc"] < 1
    assert 0 < found.metrics["brier"] < 1


def test_probabilities_seen_side_by_side_are_those_seen_in_turn():
    task = discs((24, 20))
    network = unet().build(1, 1).eval()
    told = []
    for threads in (1, 2):
        torch.set_num_threads(threads)
        seen = Calibration(["disc"])
        list(quick().predictions(network, task, task.val, torch.device("cpu"), seen))
        told.append(seen.metrics())
    assert told[0] == told[1]


def test_a_network_that_finds_nothing_has_a_dice_of_zero_and_no_distance():
    nothing = Built(Stub(-50.0))
    assignment = Assignment(nothing, discs((8, 8)), 1, seed=0)  # type: ignore[arg-type]

    _, evaluation = finish(quick(distances=True), assignment)

    assert evaluation.metrics["dice"] == 0
    assert "hd95" not in evaluation.metrics
    assert evaluation.metrics["hd95_missed"] == 3
    assert evaluation.metrics["surface_dice"] == 0
    assert evaluation.metrics["hd95_with_misses"] == pytest.approx(math.hypot(8, 8))
    assert all(scores == {"disc": None} for scores in evaluation.distances.values())


def test_a_class_predicted_where_it_is_not_is_a_number_of_its_own():
    everything = Built(Stub(50.0))
    shows, healthy = prepared_case("shows", np.zeros((1, 8, 8)), np.ones((8, 8), np.uint8)), np.zeros((8, 8), np.uint8)
    task = dataclasses.replace(discs((8, 8)), val=[shows, prepared_case("healthy", np.zeros((1, 8, 8)), healthy)])

    _, evaluation = finish(quick(), Assignment(everything, task, 1, seed=0))  # type: ignore[arg-type]

    assert evaluation.cases == {"shows": {"disc": 1.0}, "healthy": {"disc": None}}
    assert evaluation.false_positives == {"shows": {"disc": None}, "healthy": {"disc": 64.0}}
    assert evaluation.metrics["dice"] == 1
    assert evaluation.metrics["false_positives"] == evaluation.metrics["false_positives/disc"] == 1


def test_pictures_predicted_side_by_side_are_those_predicted_in_turn():
    task = discs((24, 20))
    network = unet().build(1, 1).eval()
    predicted = []
    for threads in (1, 2):
        torch.set_num_threads(threads)
        predicted.append(list(quick().predictions(network, task, task.val, torch.device("cpu"))))
    for (case, label), (other, same) in zip(*predicted, strict=True):
        assert case is other
        assert np.array_equal(label, same)


def test_mirroring_averages_over_the_views_that_training_may_have_shown():
    task = discs((16, 16))
    calls: list[Size] = []
    network = unet().build(1, 1).eval()
    network.register_forward_hook(lambda _, inputs, output: calls.append(tuple(inputs[0].shape)))

    for mirror, flip, views in ((False, 0.5, 1), (True, 0.5, 4), (True, (0.0, 0.5), 2), (True, 0, 1)):
        calls.clear()
        evaluator = quick(mirror=mirror, augmentation=Augmentation(flip=flip))
        list(evaluator.predictions(network, task, task.val[:1], torch.device("cpu")))
        assert calls == [(1, 1, 16, 16)] * views


def test_augmentation_changes_what_is_learnt():
    task = discs((16, 16))
    plain = quick(augmentation=Augmentation(flip=0, affine=0, intensity=0, noise=0))
    _, without = finish(plain, Assignment(unet(), task, 4, seed=0))
    _, augmented = finish(quick(), Assignment(unet(), task, 4, seed=0))
    assert without.metrics["loss"] != augmented.metrics["loss"]


def test_the_gradient_is_clipped():
    task = discs((16, 16))
    norms: list[float] = []
    network = unet().build(1, 1)

    def note(*_: object) -> None:
        gradients = [parameter.grad for parameter in network.parameters() if parameter.grad is not None]
        norms.append(float(torch.stack([gradient.norm() for gradient in gradients]).norm()))

    hook = register_optimizer_step_pre_hook(note)
    list(quick(clip=1e-3).train(network, Assignment(unet(), task, 3, seed=0)))
    hook.remove()
    assert norms == pytest.approx([1e-3] * 3, rel=1e-2)


# -- rungs ------------------------------------------------------------------------------------------------

DROPOUT = {"bottleneck": Placement("window"), "skip.0": Placement("se")}


def weights_of(evaluation: Evaluation) -> dict[str, Tensor]:
    assert evaluation.network is not None
    return dict(evaluation.network.state_dict())


def test_rungs_are_scored_on_the_way_and_change_nothing():
    task = discs((16, 16))
    _, plain = finish(quick(), Assignment(unet(), task, 12, seed=0))
    reports, scored = finish(quick(), Assignment(unet(), task, 12, seed=0, rungs=(3, 6, 12)))
    rungs = {report.step: report.evaluation for report in reports if report.evaluation}

    assert list(rungs) == [3, 6]
    for evaluation in rungs.values():
        assert evaluation.cases.keys() == scored.cases.keys()
        assert evaluation.network is None
    assert scored.metrics == plain.metrics
    for name, value in weights_of(plain).items():
        assert torch.equal(value, weights_of(scored)[name])


@pytest.mark.parametrize("norm", ["instance", "batch"])
def test_what_goes_on_from_a_rung_ends_as_if_it_had_never_stopped(norm: str):
    task = discs((16, 16))
    architecture = Architecture.create("unet", 2, {"depth": 2, "width": 4, "norm": norm}, DROPOUT)
    rungs = (3, 19)  # the last tenth of 20 steps, whose mean loss is told, is begun at the second
    assignment = Assignment(architecture, task, 20, seed=3, rungs=rungs)
    unbroken, whole = finish(quick(), assignment)
    states = [report.state() for report in quick().evaluate(assignment) if report.state]

    for rung, state in zip(rungs, states, strict=True):
        torch.manual_seed(99)
        again, resumed = finish(quick(), dataclasses.replace(assignment, state=state))
        before, after = ({r.step: r.evaluation.metrics for r in them if r.evaluation} for them in (unbroken, again))
        assert after == {step: metrics for step, metrics in before.items() if step > rung}
        assert resumed.cases == whole.cases
        assert resumed.metrics == whole.metrics
        for name, value in weights_of(whole).items():
            assert torch.equal(value, weights_of(resumed)[name]), name


# -- failing ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("rate", [1e6, 1e30])
def test_an_absurd_learning_rate_diverges_at_a_named_step(rate: float):
    with pytest.raises(Diverged, match=r"at step \d+ of 60"):
        finish(quick(learning_rate=rate), Assignment(unet(), discs((16, 16)), 60, seed=0))


@pytest.mark.parametrize(("steps", "step"), [(3, 3), (30, 10)])
def test_images_that_are_not_numbers_diverge_within_ten_steps(steps: int, step: int):
    task = discs((16, 16))
    broken = [with_nan(case) for case in task.train]
    with pytest.raises(Diverged, match=rf"the loss was nan at step {step} of {steps}"):
        finish(quick(), Assignment(unet(), dataclasses.replace(task, train=broken), steps, seed=0))


def test_a_prediction_that_is_not_a_number_is_no_score():
    task = discs((16, 16))
    broken = dataclasses.replace(task, val=[task.val[0], with_nan(task.val[1])])
    with pytest.raises(Diverged, match="'val1'"):
        finish(quick(), Assignment(unet(), broken, 2, seed=0))


def test_a_network_broken_by_its_last_step_is_no_score():
    with pytest.raises(Diverged, match="not finite"):
        finish(quick(learning_rate=1e38), Assignment(unet(), discs((16, 16)), 1, seed=0))


def test_a_gpu_that_is_not_there_is_one_line(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(InputError, match="expected a GPU for .cuda., torch sees none here"):
        resolve_device("cuda")
    assert resolve_device("cpu").type == "cpu"


def with_nan(case: PreparedCase) -> PreparedCase:
    return prepared_case(case.name, np.full_like(case.image, np.nan), case.label)


# -- stand-ins --------------------------------------------------------------------------------------------


class Stub(Host):
    """One logit everywhere, the same for every image."""

    def __init__(self, logit: float) -> None:
        super().__init__({})
        self.logit = nn.Parameter(torch.tensor(logit))

    def outputs(self, image: Tensor) -> Outputs:
        return Outputs(torch.cat([torch.zeros_like(image), self.logit.expand(image.shape)], dim=1))


@dataclasses.dataclass
class Built:
    """In place of an architecture: builds the network given, after some draws from torch's generator."""

    network: nn.Module
    draws: int = 0

    def build(self, in_channels: int, classes: int, seed: int) -> nn.Module:
        torch.rand(self.draws)
        return self.network


# -- cleaning ---------------------------------------------------------------------------------------------


def specks(monkeypatch: pytest.MonkeyPatch, task: PreparedTask) -> None:
    """Predictions are right but for a few pixels in a corner far from every disc."""

    def predictions(
        self: TrainingEvaluator, network: object, task: PreparedTask, cases: list[PreparedCase], *others: object
    ) -> list[tuple[PreparedCase, np.ndarray]]:
        found = []
        for case in cases:
            label = case.reference.copy()
            label[:2, :2] = 1
            found.append((case, label))
        return found

    monkeypatch.setattr(TrainingEvaluator, "predictions", predictions)


@pytest.mark.parametrize(("cleaning", "split"), [(True, "test"), (False, "test"), (True, "val")])
def test_of_test_cases_the_largest_part_is_kept_where_validation_cases_gain(
    cleaning: bool, split: str, monkeypatch: pytest.MonkeyPatch
):
    task = prepare(disc_task([(32, 32)], train=4, val=4, test=4))
    assert not any(case.reference[:3, :3].any() for case in (*task.val, *task.test))
    specks(monkeypatch, task)
    _, evaluation = finish(quick(cleaning=cleaning), Assignment(unet(), task, 2, 0, split))
    cleaned = cleaning and split == "test"
    assert (evaluation.metrics["dice"] == 1) == cleaned
    assert ("largest_component/disc" in evaluation.metrics) == cleaned
