"""One image alone trains as the same image twice: torch mistook the layout of single images (see ``BatchNorm``)."""

from __future__ import annotations

import copy
import itertools
from collections.abc import Iterator

import pytest
import torch
from torch import Tensor, nn

from search_spaces import HOSTS, MECHANISMS
from search_spaces.hosts import Host
from search_spaces.layers import NORM, BatchNorm
from tests.search_spaces.tiny import CHANNELS, CLASSES, filled, images, loss_of, size_for

TRIED = {
    f"{host}-{dims}d-{mechanism}": architecture
    for host, dims, mechanism in [
        *(
            (host, dims, mechanism)
            for host in ("unet", "partial_decoder")
            for dims in (2, 3)
            for mechanism in MECHANISMS
        ),
        *((host, dims, "interaction") for host in HOSTS for dims in HOSTS[host].dims),
    ]
    if not (architecture := filled(host, dims, mechanism)).is_plain
}


@pytest.mark.parametrize("case", TRIED)
def test_the_gradients_of_an_image_are_those_of_the_same_image_twice(case: str) -> None:
    network = TRIED[case].build(CHANNELS, CLASSES).double().train()
    awaken(network)
    image, labels = images(size_for(TRIED[case]), batch=1)
    leave_single_values(network, image)
    state = copy.deepcopy(network.state_dict())
    alone = gradients(network, image, labels)
    network.load_state_dict(state)
    twice = gradients(network, torch.cat([image, image]), torch.cat([labels, labels]))
    for name, gradient in alone.items():
        expected = twice[name][:1] if name == "image" else twice[name] / 2
        distance = (gradient - expected).abs().max().item()
        assert distance <= 1e-9 * max(1.0, expected.abs().max().item()), name


def gradients(network: Host, image: Tensor, labels: Tensor) -> dict[str, Tensor]:
    """Of the sum of the images' losses, by the image and every parameter."""
    image = image.clone().requires_grad_()
    sources = {"image": image, **{key: p for key, p in network.named_parameters() if p.numel()}}
    loss = loss_of(network, image, labels)
    found = torch.autograd.grad(loss, list(sources.values()), allow_unused=True, materialize_grads=True)
    return dict(zip(sources, found, strict=True))


def awaken(network: Host) -> None:
    """Moves all parameters, since some begin behind a zero, and drops nothing out."""
    generator = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.add_(0.1 * torch.randn(parameter.shape, generator=generator, dtype=parameter.dtype))
    for module in network.modules():
        if isinstance(module, nn.Dropout):
            module.p = 0.0


def leave_single_values(network: Host, image: Tensor) -> None:
    """A norm that meets one value a channel uses its statistics, for two images their own: here the first, always."""
    single: list[nn.Module] = []

    def note(module: nn.Module, given: tuple[Tensor, ...]) -> None:
        if given[0].numel() == given[0].shape[1]:
            single.append(module)

    norms = [module for module in network.modules() if isinstance(module, BatchNorm)]
    hooks = [norm.register_forward_pre_hook(note) for norm in norms]
    network.outputs(image)
    for hook in hooks:
        hook.remove()
    for module in single:
        module.eval()


# -- the norm itself ------------------------------------------------------------------------------------------


def layouts(shape: tuple[int, ...]) -> Iterator[tuple[int, ...]]:
    """Strides of dense tensors of ``shape``: the order of the axes in memory, and any stride of axes of length 1."""
    long = [axis for axis, length in enumerate(shape) if length > 1]
    short = [axis for axis, length in enumerate(shape) if length == 1]
    for order in itertools.permutations(long):
        strides, step = [0] * len(shape), 1
        for axis in reversed(order):
            strides[axis], step = step, step * shape[axis]
        for odd in itertools.product((0, 1, shape[1], step), repeat=len(short)):
            yield tuple(odd[short.index(axis)] if axis in short else strides[axis] for axis in range(len(shape)))


def laid_out(x: Tensor, strides: tuple[int, ...]) -> Tensor:
    """``x`` in memory of these strides."""
    return x.new_empty(x.numel()).as_strided(x.shape, strides).copy_(x)


@pytest.mark.parametrize("training", [True, False], ids=["train", "eval"])
@pytest.mark.parametrize("shape", [(1, 4, 2, 3), (2, 4, 1, 3), (1, 4, 2, 1, 3), (2, 4, 1, 3, 1)], ids=str)
@pytest.mark.parametrize("name", ["batch", "instance", "layer"])
def test_a_norm_is_differentiated_right_in_every_layout(name: str, shape: tuple[int, ...], training: bool) -> None:
    norm = NORM[name](shape[1]).double().train(training)
    image, cotangent = (
        torch.randn(shape, dtype=torch.float64, generator=torch.Generator().manual_seed(seed)) for seed in (0, 1)
    )
    orders = list(layouts(shape))
    for index, strides in enumerate(orders):
        for returned in (cotangent, laid_out(cotangent, orders[-1 - index])):
            x, y = (laid_out(image, order).requires_grad_() for order in (strides, image.stride()))
            (gradient,) = torch.autograd.grad(norm(x), x, returned)
            (expected,) = torch.autograd.grad(norm(y), y, cotangent)
            torch.testing.assert_close(gradient, expected, rtol=1e-9, atol=1e-9)


def test_batch_norm_copies_no_map_that_lies_in_order() -> None:
    norm, x = BatchNorm(3), torch.randn(2, 3, 4, 5, requires_grad=True)
    saved: list[Tensor] = []
    with torch.autograd.graph.saved_tensors_hooks(lambda tensor: saved.append(tensor) or tensor, lambda tensor: tensor):
        norm(x)
    assert any(tensor.data_ptr() == x.data_ptr() for tensor in saved)
