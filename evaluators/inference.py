"""From a network and a preprocessed image to a label on the grid of the original image.

Windows are taken along one axis, and so is all that follows: the planes that no later window reaches become
probabilities, are brought to the original grid and become label indices before the next windows are looked at. What is
held of probabilities is as deep as one window, whatever the image.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial

import numpy as np
import torch
from torch import Tensor, nn

from evaluators.labelling import Labelling
from evaluators.preprocessing import Preprocessing, resize
from evaluators.threads import spread
from evaluators.windows import Place, Windows, brought_to

BATCH = 4  # most windows that go through the network at once
BATCH_VOXELS = 2**18  # most voxels of them, where it is more than one window
UNFOLDED = 2560  # voxels across the last axis up to which torch convolves a single volume by unfolding it, 8 channels
BLOCK_VALUES = 2**16  # most probabilities that are worked on at once, where it is more than one plane

Network = Callable[
    [Tensor], Tensor
]  # logits of ``(batch, channels, *spatial)``; a module in eval mode, or another runtime
Show = Callable[[int, int], object]  # called with (windows seen, windows in all)
See = Callable[[int, int, Tensor], object]  # called with (axis, plane, probabilities of the planes from there)


@torch.inference_mode()
def predict_label(
    network: Network,
    image: np.ndarray,
    layout: Preprocessing,
    size: Sequence[int],
    *,
    mirror: Sequence[int] = (),
    device: torch.device | str = "cpu",
    threads: int | None = None,
    show: Show = lambda done, total: None,
    see: See | None = None,
) -> np.ndarray:
    """Label indices ``(*size)``, uint8, of one image.

    Where no two classes share a voxel it is the most probable one; else the classes with a probability above a half
    are painted one over the other, see ``Labelling``.

    Args:
        network: logits of ``(batch, channels, *spatial)``; a module in eval mode.
        image: float32 ``(channels, *spatial)``, preprocessed.
        layout: the preprocessing; its patch is the size of the windows.
        size: spatial size of the original image.
        mirror: the mean logits of each window mirrored along every combination of these axes, as nnU-Net.
        device: where the network is.
        threads: windows worked on at once, see ``spread``; None: as many as torch has threads, one on a GPU.
        show: told how far it is.
        see: given the probabilities, block by block: ``(1 + classes, planes, *plane)`` along an axis of the original,
            to be used before it returns.

    Raises:
        FloatingPointError: the network gives numbers that are not finite.
    """
    label = np.empty(tuple(size), np.uint8)
    axis, blocks = _probabilities(network, image, layout, size, mirror, device, threads, show)
    planes, done = np.moveaxis(label, axis, 0), 0
    for block in blocks:
        if see is not None:
            see(axis, done, block)
        planes[done : done + block.shape[1]] = _indices(block, layout.labelling).cpu().numpy()
        done += block.shape[1]
    return label


@torch.inference_mode()
def predict_probabilities(
    network: Network,
    image: np.ndarray,
    layout: Preprocessing,
    size: Sequence[int],
    *,
    mirror: Sequence[int] = (),
    device: torch.device | str = "cpu",
    threads: int | None = None,
) -> Tensor:
    """Probabilities ``(1 + classes, *size)`` of one image, all of them in memory; see ``predict_label``."""
    axis, blocks = _probabilities(network, image, layout, size, mirror, device, threads, lambda done, total: None)
    return torch.cat([block.clone() for block in blocks], 1).movedim(1, axis + 1)


def shares(layout: Preprocessing, device: torch.device | str = "cpu") -> tuple[int, int]:
    """How many images are worked on at once, and how many windows of each: what ``spread`` and ``threads`` take.

    Pictures side by side; volumes, which take memory, one after another with their windows side by side.
    """
    threads = _threads(device)
    return (threads, 1) if layout.dims == 2 and layout.slice_axis is None else (1, threads)


def half_precision(device: torch.device | str) -> torch.autocast:
    """The precision of training and inference: bfloat16 on a GPU that has it, else float16; float32 on the CPU."""
    cuda = torch.device(device).type == "cuda"
    bfloat = not cuda or torch.cuda.is_bf16_supported(including_emulation=False)
    return torch.autocast("cuda" if cuda else "cpu", torch.bfloat16 if bfloat else torch.float16, enabled=cuda)


def _probabilities(
    network: Network,
    image: np.ndarray,
    layout: Preprocessing,
    size: Sequence[int],
    mirror: Sequence[int],
    device: torch.device | str,
    threads: int | None,
    show: Show,
) -> tuple[int, Iterator[Tensor]]:
    """An axis, and along it consecutive blocks ``(1 + classes, planes, *plane)`` on the original grid."""
    windows = Windows.over(image.shape[1:], layout.box, layout.slice_axis)
    look = partial(_look, network, image, layout, mirror, device)
    logits = _logits(look, windows, threads or _threads(device), show)
    plane = [length for axis, length in enumerate(size) if axis != windows.axis]
    blocks = _on_grid(windows.put_together(logits), plane, layout)
    have, want = image.shape[1 + windows.axis], size[windows.axis]
    return windows.axis, blocks if have == want else brought_to(blocks, _matrix(have, want, layout.dims).to(device))


def _logits(look: Callable[[list[Place]], Tensor], windows: Windows, threads: int, show: Show) -> Iterator[Tensor]:
    """``(1 + classes, *window)`` of each window."""
    done, total = 0, len(windows)
    for logits in spread(look, _batches(windows), threads):
        done += len(logits)
        show(done, total)
        yield from logits
        del logits  # else they are held while the next are made


@torch.inference_mode()  # a thread's own, as is the precision
def _look(
    network: Network,
    image: np.ndarray,
    layout: Preprocessing,
    mirror: Sequence[int],
    device: torch.device | str,
    places: list[Place],
) -> Tensor:
    """Logits ``(batch, 1 + classes, *window)`` of some windows."""
    axes = [2 + axis for axis in mirror]
    flips = [flip for count in range(1 + len(axes)) for flip in itertools.combinations(axes, count)]
    images = torch.from_numpy(np.stack([image[(slice(None), *place)] for place in places])).to(device)
    if layout.slice_axis is not None:
        images = images.squeeze(2 + layout.slice_axis)
    if len(places) == 1 and layout.dims == 3 and images.device.type == "cpu" and isinstance(network, nn.Module):
        images = _quick(images)
    with half_precision(device):
        logits = _mirrored(network, images, flips[0])
        for flip in flips[1:]:
            logits = logits + _mirrored(network, images, flip)
    if len(flips) > 1:
        logits = logits / len(flips)
    return (logits if layout.slice_axis is None else logits.unsqueeze(2 + layout.slice_axis))[: len(places)]


def _mirrored(network: Network, images: Tensor, axes: tuple[int, ...]) -> Tensor:
    """Logits of mirrored images, mirrored back."""
    logits: Tensor = network(images.flip(axes) if axes else images).float()
    return logits.flip(axes) if axes else logits


def _batches(windows: Windows) -> Iterator[list[Place]]:
    """Of nearly equal length, so that none is left alone at the end: see ``_quick``."""
    most, total = max(1, min(BATCH, BATCH_VOXELS // math.prod(windows.window))), len(windows)
    count = max(1, total // most)
    places = iter(windows)
    for number in range(count):
        yield list(itertools.islice(places, total * (number + 1) // count - total * number // count))


def _quick(image: Tensor) -> Tensor:
    """A batch of one small volume twice: torch would unfold a single one, 27 times the memory and several the time."""
    return image.expand(2, *image.shape[1:]) if math.prod(image.shape[2:4]) <= UNFOLDED else image


def _on_grid(blocks: Iterable[Tensor], plane: Sequence[int], layout: Preprocessing) -> Iterator[Tensor]:
    """Logits ``(1 + classes, planes, *)`` to probabilities ``(1 + classes, planes, *plane)``, a few planes at once.

    Raises ``FloatingPointError`` where they are not finite.
    """
    sliced = None if layout.slice_axis is None else 0
    for block in blocks:
        values = len(block) * max(math.prod(block.shape[2:]), math.prod(plane))
        for logits in block.split(max(1, BLOCK_VALUES // values), dim=1):
            if not logits.isfinite().all():
                raise FloatingPointError("the prediction is not finite")
            probabilities = logits.sigmoid() if layout.labelling.regions else logits.softmax(0)
            yield resize(probabilities[None], (logits.shape[1], *plane), sliced)[0]


def _matrix(have: int, want: int, dims: int) -> Tensor:
    """``(want, have)``: what ``resize`` makes of each of the planes along one axis."""
    others = [1] * (dims - 1)
    return resize(torch.eye(have).reshape(1, have, *others, have), (*others, want)).reshape(have, want).T.contiguous()


def _indices(probabilities: Tensor, labelling: Labelling) -> Tensor:
    """``(1 + classes, *)`` to uint8 indices ``(*)``."""
    if not labelling.regions:
        return probabilities.max(0).indices.to(torch.uint8)  # argmax is up to 16 times slower
    label = torch.zeros(probabilities.shape[1:], dtype=torch.uint8, device=probabilities.device)
    for inside, index in zip(probabilities[1:] > 0.5, labelling.painted, strict=True):
        label[inside] = index
    return label


def _threads(device: torch.device | str) -> int:
    return torch.get_num_threads() if torch.device(device).type == "cpu" else 1
