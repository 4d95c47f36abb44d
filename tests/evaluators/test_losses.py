"""The loss: MONAI's where every voxel counts, and nothing of those that do not."""

from __future__ import annotations

import pytest
import torch
from monai.losses import DiceCELoss
from torch import Tensor
from torch.nn import functional

from evaluators.labelling import IGNORED, Labelling
from evaluators.losses import DiceAndEntropy, boundary, training_loss
from search_spaces.hosts import Auxiliary, Outputs

ABC = Labelling.exclusive(["a", "b", "c"])
BRATS = Labelling(("whole", "core", "enhancing"), ((1, 2, 3), (1, 3), (3,)), (0, 1, 2, 4), (2, 1, 3))
both = pytest.mark.parametrize("labelling", [ABC, BRATS], ids=["exclusive", "regions"])
sizes = pytest.mark.parametrize("size", [(12, 10), (6, 5, 8)])


def drawn(size: tuple[int, ...], batch: int = 2) -> tuple[Tensor, Tensor]:
    """Logits and labels ``(batch, 1, *size)``."""
    torch.manual_seed(0)
    return torch.randn(batch, 4, *size), torch.randint(0, 4, (batch, 1, *size))


def gradient(criterion: DiceAndEntropy, logits: Tensor, labels: Tensor) -> tuple[Tensor, Tensor]:
    logits = logits.clone().requires_grad_()
    loss = criterion(logits, labels)
    loss.backward()
    assert logits.grad is not None
    return loss.detach(), logits.grad


@sizes
def test_where_every_voxel_counts_it_is_the_loss_of_monai_to_the_bit(size: tuple[int, ...]):
    logits, labels = drawn(size)
    monai = DiceCELoss(include_background=False, to_onehot_y=True, softmax=True, batch=True, squared_pred=True)
    loss, grad = gradient(DiceAndEntropy(ABC), logits, labels)
    expected, expected_grad = gradient(monai, logits, labels)
    assert torch.equal(loss, expected)
    assert torch.equal(grad, expected_grad)


@sizes
def test_regions_are_learnt_each_for_itself_and_output_zero_is_no_class(size: tuple[int, ...]):
    logits, labels = drawn(size)
    index = labels[:, 0]
    inside = [index == 0, index > 0, (index == 1) | (index == 3), index == 3]
    targets = torch.stack(inside, 1).float()
    p, t = logits.sigmoid()[:, 1:].transpose(0, 1).flatten(1), targets[:, 1:].transpose(0, 1).flatten(1)
    dice = 1 - (2 * (p * t).sum(1) + 1e-5) / ((p**2).sum(1) + (t**2).sum(1) + 1e-5)
    expected = dice.mean() + functional.binary_cross_entropy_with_logits(logits, targets)
    assert torch.allclose(DiceAndEntropy(BRATS)(logits, labels), expected, atol=1e-6)


@both
@sizes
def test_ignored_voxels_are_as_if_they_were_not_there(labelling: Labelling, size: tuple[int, ...]):
    logits, labels = drawn(size)
    criterion = DiceAndEntropy(labelling)
    half = size[0] // 2
    ignored = labels.clone()
    ignored[:, :, half:] = IGNORED

    loss, grad = gradient(criterion, logits, ignored)
    expected, expected_grad = gradient(criterion, logits[:, :, :half], labels[:, :, :half])

    assert torch.allclose(loss, expected, atol=1e-6)
    assert torch.allclose(grad[:, :, :half], expected_grad, atol=1e-7)
    assert not grad[:, :, half:].any()


@both
@sizes
def test_a_patch_that_is_all_ignored_has_no_loss_and_no_gradient(labelling: Labelling, size: tuple[int, ...]):
    logits, labels = drawn(size)
    loss, grad = gradient(DiceAndEntropy(labelling), logits, torch.full_like(labels, IGNORED))
    assert loss == 0
    assert not grad.any()


@both
@sizes
@pytest.mark.parametrize("target", ["labels", "boundary"])
def test_what_is_learnt_beside_the_logits_leaves_ignored_voxels_out_too(
    labelling: Labelling, size: tuple[int, ...], target: str
):
    logits, labels = drawn(size)
    channels = 4 if target == "labels" else 1
    smaller = torch.randn(2, channels, *[length // 2 for length in size], requires_grad=True)
    half = size[0] // 2
    ignored = labels.clone()
    ignored[:, :, half:] = IGNORED

    outputs = Outputs(logits, [Auxiliary(smaller, target)])  # type: ignore[arg-type]
    training_loss(outputs, torch.zeros(2, 1, *size), ignored[:, 0], DiceAndEntropy(labelling)).backward()

    assert smaller.grad is not None
    seen = smaller.grad.abs().sum((0, 1)).flatten(1).sum(1) > 0
    known = half // 2 if target == "labels" else (half - 1) // 2  # nobody knows whether the last voxel is a boundary
    assert seen.tolist() == [place < known for place in range(len(seen))]


def test_everything_ignored_is_no_loss_of_what_is_learnt_beside_either():
    outputs = Outputs(
        torch.randn(1, 4, 8, 8), [Auxiliary(torch.randn(1, 4, 4, 4)), Auxiliary(torch.randn(1, 1, 8, 8), "boundary")]
    )
    labels = torch.full((1, 8, 8), IGNORED)
    assert training_loss(outputs, torch.zeros(1, 1, 8, 8), labels, DiceAndEntropy(ABC)) == 0


def test_a_boundary_is_where_a_neighbour_is_of_another_class():
    labels = torch.zeros(1, 5, 5, dtype=torch.long)
    labels[0, 2, 2] = 1
    expected = torch.zeros(5, 5, dtype=torch.bool)
    expected[1:4, 1:4] = True
    assert torch.equal(boundary(labels)[0, 0], expected)
