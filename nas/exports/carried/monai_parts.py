"""What the bundle's configs name beside MONAI's own parts: images prepared, windows, labels on the image's own grid.

Copied into a MONAI bundle as ``scripts/parts.py``; what is computed is in ``scripts/predict.py``.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Hashable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from monai.data import MetaTensor
from monai.inferers import Inferer
from monai.transforms import MapTransform
from nibabel import affines, orientations
from scripts import network, predict
from torch import Tensor, nn

SIZE, SPACING = "turned_size", "turned_spacing"  # of the image before it was resampled


def datalist(folder: str) -> list[dict[str, Any]]:
    """The images of a folder, as ``LoadImaged`` takes them: a file, or the files of the channels, of each case."""
    cases = predict.cases_of([Path(folder)], network.settings()["preprocessing"]["channels"])
    return [{"image": [str(f) for f in files] if len(files) > 1 else str(files[0])} for files in cases.values()]


class Prepared(MapTransform):
    """An image as ``LoadImaged`` and ``EnsureChannelFirstd`` give it, turned, resampled and normalised."""

    def __call__(self, data: Mapping[Hashable, Any]) -> dict[Hashable, Any]:
        """``(channels, *spatial)`` of the file to ``(channels, *working)`` of the network."""
        found, settings = dict(data), network.settings()
        for key in self.key_iterator(found):
            image: MetaTensor = found[key]
            turn = _Turn(image.meta, settings)
            if turn.picture:
                predict.pixels_of(Path(_only(image.meta["filename_or_obj"])))  # refuses what MONAI reads otherwise
            array = _with_channels(turn.apply(np.asarray(image.cpu())), settings["preprocessing"]["channels"])
            layout = predict.Layout(settings, array.shape[1:], turn.spacing)
            meta = {**image.meta, SIZE: torch.tensor(layout.size), SPACING: torch.tensor(turn.spacing)}
            found[key] = MetaTensor(torch.from_numpy(predict.prepared(array, layout)), meta=meta)
        return found


class Labels(Inferer):
    """Label values of a prepared image, one image at a time; shows how far it is.

    No logits: of a whole volume they would take the image's memory once for every class.
    """

    def __call__(self, inputs: Tensor, network: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        """``(1, channels, *working)`` to ``(1, 1, *spatial)``, on the grid of the image as it was turned."""
        if len(inputs) != 1 or not isinstance(inputs, MetaTensor):
            raise ValueError(f"expected one image at a time with its meta data, got {len(inputs)}")
        layout = _layout(inputs.meta)
        device = inputs.device

        def look(images: np.ndarray) -> np.ndarray:
            with torch.no_grad():
                return np.asarray(network(torch.from_numpy(images).to(device), *args, **kwargs).float().cpu().numpy())

        show = predict.progress(Path(str(_only(inputs.meta["filename_or_obj"]))).name)
        label = predict.labelled(predict.looked_at(look, np.asarray(inputs[0].cpu()), layout, show), layout)
        print(file=sys.stderr)
        found = MetaTensor(torch.from_numpy(label)[None, None], meta=inputs.meta)
        found.is_batch = True
        return found


class TurnedBack(MapTransform):
    """Labels as the file lies."""

    def __call__(self, data: Mapping[Hashable, Any]) -> dict[Hashable, Any]:
        """``(1, *spatial)`` as it was turned to that of the file."""
        found, settings = dict(data), network.settings()
        for key in self.key_iterator(found):
            turned: MetaTensor = found[key]
            label = _Turn(turned.meta, settings).restore(np.asarray(turned[0].cpu()))
            meta = {name: value for name, value in turned.meta.items() if name not in (SIZE, SPACING, "affine")}
            found[key] = MetaTensor(torch.from_numpy(label[None]), affine=_affine(meta), meta=meta)
        return found


def load_weights(module: nn.Module, path: str) -> nn.Module:
    """``module`` with the weights of a file, in evaluation mode."""
    module.load_state_dict(torch.load(path, map_location="cpu", weights_only=True))
    return module.eval()


class _Turn:
    """How the axes of a file are turned to right, front, up, and back."""

    def __init__(self, meta: Mapping[str, Any], settings: Mapping[str, Any]) -> None:
        self.picture = str(_only(meta["filename_or_obj"])).lower().endswith(predict.PICTURES)
        self.size = [int(length) for length in np.ravel(_array(meta["spatial_shape"]))]
        self.spacing = [1.0, 1.0]
        if self.picture:
            return
        affine = _affine(meta).numpy()
        said = any(int(np.ravel(_array(meta.get(name, 1)))[0]) for name in ("sform_code", "qform_code"))
        have = orientations.io_orientation(affine) if said else orientations.axcodes2ornt("LPS")
        target = settings["preprocessing"]["reading"]["orientation"] or ("RAS" if said else "LPS")
        want = orientations.axcodes2ornt(target)
        self._turn = orientations.ornt_transform(have, want)
        self._back = orientations.ornt_transform(want, have)
        sizes = affines.voxel_sizes(affine)
        self.spacing = [float(sizes[int(np.argwhere(self._turn[:, 0] == axis)[0, 0])]) for axis in range(3)]

    def apply(self, image: np.ndarray) -> np.ndarray:
        """``(channels, *spatial)`` of the file, turned; Pillow's pictures come with columns first."""
        if self.picture:
            return image.swapaxes(1, 2)
        volume = image.reshape(*image.shape, *[1] * (4 - image.ndim))
        return np.stack([orientations.apply_orientation(channel, self._turn) for channel in volume])

    def restore(self, label: np.ndarray) -> np.ndarray:
        """``(*spatial)`` turned to that of the file."""
        if self.picture:
            return np.ascontiguousarray(label.T)
        turned = orientations.apply_orientation(label, self._back)
        return np.ascontiguousarray(turned.reshape(self.size[:3]))


def _layout(meta: Mapping[str, Any]) -> predict.Layout:
    size, spacing = (np.ravel(_array(meta[name])).tolist() for name in (SIZE, SPACING))
    return predict.Layout(network.settings(), [int(length) for length in size], spacing)


def _affine(meta: Mapping[str, Any]) -> Tensor:
    """Where the file lies; pictures do not say."""
    if "original_affine" not in meta:
        return torch.eye(4, dtype=torch.float64)
    return torch.as_tensor(_array(meta["original_affine"]).reshape(4, 4), dtype=torch.float64)


def _array(value: Any) -> np.ndarray:
    return np.asarray(value.cpu() if isinstance(value, Tensor) else value)


def _only(value: Any) -> Any:
    """A file's name, alone or of the first channel, or in the list of a batch."""
    while isinstance(value, list | tuple):
        value = value[0]
    return value


def _with_channels(image: np.ndarray, channels: int) -> np.ndarray:
    """Grey pictures for a network of colour ones, and colour ones whose channels are equal, or with alpha."""
    if len(image) in (2, 4) and len(image) != channels:
        image = image[: len(image) - 1]
    if len(image) == 1 < channels:
        image = np.repeat(image, channels, axis=0)
    if channels == 1 < len(image) and (image == image[:1]).all():
        image = image[:1]
    if len(image) != channels:
        raise ValueError(f"expected {channels} channels, got {len(image)}")
    return image
