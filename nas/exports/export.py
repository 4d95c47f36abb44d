"""Export: a folder that predicts after the run is gone; it holds architecture, weights and preprocessing.

Of the weights it holds those that inference needs: see ``Host.training_only``.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
import yaml
from safetensors import SafetensorError
from safetensors.torch import load, load_file, save
from torch import nn

from evaluators.augmentation import mirrored_axes
from evaluators.components import METRIC as LARGEST
from evaluators.files import check_can_hold, write_bytes, write_text
from evaluators.preprocessing import Preprocessing
from nas.evidence.point import FrontPoint
from nas.run import Run
from search_spaces.architecture.architecture import Architecture
from search_spaces.architecture.pruning import prune, pruned_weights
from search_spaces.errors import InputError
from search_spaces.hosts import HOSTS
from search_spaces.hosts.outside import is_ours

ARCHITECTURE, WEIGHTS, MODEL = "architecture.yaml", "weights.safetensors", "model.yaml"


@dataclass(frozen=True)
class ExportedModel:
    """A trained network and what it needs to read images.

    Attributes:
        architecture: of the network.
        preprocessing: of its images.
        network: in eval mode.
        mirror: axes along whose mirrorings predictions are averaged.
        largest_part: label indices of which only the largest part is kept.
        about: all that ``model.yaml`` tells beside the preprocessing.
    """

    architecture: Architecture
    preprocessing: Preprocessing
    network: nn.Module
    mirror: tuple[int, ...]
    largest_part: tuple[int, ...]
    about: dict[str, Any]


def export_point(run: Run, point: FrontPoint, folder: Path, columns: int | None = None) -> Path:
    """Write the model of one point of a run's front to ``folder`` and return it.

    Args:
        run: the run.
        point: of its front.
        folder: folder to write.
        columns: of a nested U-Net, how many columns to keep, see ``prune``; its scores are unknown, those of
            the whole network are told.

    Raises ``InputError`` when the run kept no weights of this point: only finals keep them.
    """
    architecture = point.architecture if columns is None else prune(point.architecture, columns)
    trained = run.trained(point)
    if trained is None:
        raise InputError(
            f"run '{run.name}': no trained weights of {point.architecture.key} ({point.architecture}); finals keep "
            "them: go on with --resume and finals.seeds of at least 1, or use 'nas train'"
        )
    content = (run.folder / str(trained.weights)).read_bytes()
    scored: dict[str, Any] = {
        "params": point.cost.params,
        "seed": trained.seed,
        "steps": trained.steps,
        "cases": "test" if trained.phase == "final" else "val",
        **told_scores(trained.metrics),
    }
    if len(point.trials) > 1:  # what the architecture reaches; these weights are one training of it
        of_seeds = {"count": len(point.trials), "dice": round(point.dice, 4), "dice_interval": [point.low, point.high]}
        scored["seeds"] = of_seeds
    cost = run.inference_costs.get(point.architecture.key)
    if cost is not None:
        scored["inference"] = cost.to_dict()
    if columns is not None:
        content = save(pruned_weights(load(content), point.architecture, columns))
        scored = {"params": _params(architecture, run.preprocessing), "columns": columns, "pruned_from": scored}
    about = {
        "run": run.name,
        "data": run.config["data"]["fingerprint"],
        **scored,
        "mirror": mirrored(run.config, architecture.dims),
        "largest_part": cleaned_classes(trained.metrics),
        "versions": run.config["versions"],
    }
    return write_export(folder, architecture, content, run.preprocessing, about)


def told_scores(metrics: Mapping[str, float]) -> dict[str, Any]:
    """What an export tells of its weights' scores; those over folds, which are of several networks, stand apart."""
    told = {name: value for name, value in metrics.items() if name != "loss" and not name.startswith(LARGEST)}
    rounded = {name: round(value, 4) for name, value in told.items()}
    return {"dice": rounded["test_dice"], "folds": rounded} if "folds" in rounded else rounded


def cleaned_classes(metrics: Mapping[str, float]) -> list[str]:
    """The classes of which a trained network's predictions keep the largest part alone."""
    return [name.removeprefix(LARGEST) for name in metrics if name.startswith(LARGEST)]


def write_export(
    folder: Path, architecture: Architecture, weights: bytes, preprocessing: Preprocessing, about: dict[str, Any]
) -> Path:
    """Write an export folder whole: it appears when it is complete, and replaces an older one; see ``check_free``."""
    check_free(folder)
    place = folder.resolve()
    partial = place.with_name(f".{place.name}.partial")
    shutil.rmtree(partial, ignore_errors=True)
    write_text(partial / ARCHITECTURE, architecture.to_yaml())
    idle = _training_only(architecture)
    needed = {name: tensor for name, tensor in load(weights).items() if not name.startswith(idle)}
    write_bytes(partial / WEIGHTS, save(needed))
    model = {"preprocessing": preprocessing.to_dict(), **about}
    write_text(partial / MODEL, yaml.safe_dump(model, sort_keys=False))
    shutil.rmtree(place, ignore_errors=True)
    partial.rename(place)
    return folder


def check_free(folder: Path) -> None:
    """Raise ``InputError`` when writing an export to ``folder`` would delete anything but an older export."""
    if folder.is_dir():
        strange = sorted({path.name for path in folder.iterdir()} - {ARCHITECTURE, WEIGHTS, MODEL})
        if strange:
            raise InputError(
                f"folder '{folder}' holds other files ({strange[0]}); expected a new one, or an older export"
            )
    elif os.path.lexists(folder):
        raise InputError(f"'{folder}' is no folder; expected a new one, or an older export")
    check_can_hold(folder.resolve().parent)  # which is where it is made


def load_export(folder: str | Path, device: str | torch.device = "cpu") -> ExportedModel:
    """Load what ``write_export`` wrote; the network is in eval mode. Raises ``InputError`` on a damaged folder."""
    folder = Path(folder)
    for name in (ARCHITECTURE, WEIGHTS, MODEL):
        if not (folder / name).is_file():
            raise InputError(f"export '{folder}': '{name}' is missing; expected a folder written by 'nas export'")
    architecture = Architecture.load(folder / ARCHITECTURE)
    host = architecture.host
    if HOSTS[host].outside and not is_ours(host):  # an export may come from anybody, and names code to be run
        raise InputError(f"export '{folder}': '{host}' is no host of this tool, and is not loaded")
    try:
        about = yaml.safe_load((folder / MODEL).read_text(encoding="utf-8"))
        preprocessing = Preprocessing.from_dict(about.pop("preprocessing"))
    except (yaml.YAMLError, AttributeError, KeyError, TypeError) as error:
        raise InputError(f"export '{folder}': '{MODEL}' is damaged: {' '.join(str(error).split())}") from None
    network = architecture.build(preprocessing.channels, len(preprocessing.classes))
    idle = _training_only(architecture)
    left_out = {name: tensor for name, tensor in network.state_dict().items() if name.startswith(idle)}
    try:
        network.load_state_dict({**left_out, **load_file(folder / WEIGHTS)})
    except (SafetensorError, RuntimeError) as error:
        reason = " ".join(str(error).split())[:200]
        raise InputError(f"export '{folder}': '{WEIGHTS}' does not fit the architecture: {reason}") from None
    cleaned = tuple(1 + preprocessing.classes.index(name) for name in about.get("largest_part") or [])
    mirror = _axes(about, architecture.dims)
    return ExportedModel(architecture, preprocessing, network.to(device).eval(), mirror, cleaned, about)


def mirrored(config: Mapping[str, Any], dims: int) -> list[int]:
    """The axes along whose mirrorings the finals of a run average their predictions."""
    if not config["finals"]["mirror"]:
        return []
    return mirrored_axes(config["training"]["augmentation"]["flip"], dims)


def _axes(about: Mapping[str, Any], dims: int) -> tuple[int, ...]:
    """Those that an export names; true and false were written once, for all and none."""
    named = about.get("mirror") or []
    return tuple(range(dims) if named is True else named)


def _training_only(architecture: Architecture) -> tuple[str, ...]:
    return HOSTS[architecture.host].module.training_only(**dict(architecture.options))


def _params(architecture: Architecture, preprocessing: Preprocessing) -> int:
    return architecture.cost(preprocessing.channels, len(preprocessing.classes), (1,) * architecture.dims).params
