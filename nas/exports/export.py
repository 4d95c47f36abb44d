"""Export: a folder that predicts after the run is gone; it holds architecture, weights and preprocessing.

Of the weights it holds those that inference needs: see ``Host.training_only``.
"""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
import yaml
from safetensors import SafetensorError
from safetensors.torch import load, load_file, save
from torch import nn

from evaluators.augmentation import mirrored_axes
from evaluators.components import METRIC as LARGEST
from evaluators.files import write_bytes, write_text
from evaluators.preprocessing import Preprocessing
from evaluators.tasks.task import Sample
from nas.evidence.point import FrontPoint
from nas.exports.beside import write_formats
from nas.exports.card import evidence_of, model_card, task_name
from nas.exports.formats import FORMATS, check_packages
from nas.exports.model import ExportedModel, model_of
from nas.exports.place import ARCHITECTURE, CARD, MODEL, OWN, WEIGHTS, check_free, hashes, replace_folder, write_sums
from nas.run import Run
from search_spaces.architecture.architecture import Architecture
from search_spaces.architecture.pruning import prune, pruned_weights
from search_spaces.errors import InputError
from search_spaces.hosts import HOSTS
from search_spaces.hosts.outside import is_ours


def export_point(
    run: Run,
    point: FrontPoint,
    folder: Path,
    columns: int | None = None,
    formats: Sequence[str] = (),
    cases: Sequence[Sample] = (),
    calibration: Sequence[Sample] = (),
) -> Path:
    """Write the model of one point of a run's front to ``folder`` and return it.

    Args:
        run: the run.
        point: of its front.
        folder: folder to write.
        columns: of a nested U-Net, how many columns to keep, see ``prune``; its scores are unknown, those of
            the whole network are told.
        formats, cases, calibration: see ``write_export``.

    Raises ``InputError`` when the run kept no weights of this point: only finals keep them.
    """
    architecture = point.architecture if columns is None else prune(point.architecture, columns)
    trained = run.trained(point)
    if trained is None:
        raise InputError(
            f"run '{run.name}': no trained weights of {point.architecture.key} ({point.architecture}); finals keep "
            "them: go on with --resume and finals.seeds of at least 1, or train it with "
            f"'nas train ARCHITECTURE --config {run.folder / 'config.yaml'}'"
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
        "task": task_name(run),
        "data": run.config["data"]["fingerprint"],
        **scored,
        **told_classes(run.config),
        "mirror": mirrored(run.config, architecture.dims),
        "largest_part": cleaned_classes(trained.metrics),
        "versions": run.config["versions"],
    }
    evidence = evidence_of(run, point, pruned=columns is not None)
    return write_export(folder, architecture, content, run.preprocessing, about, formats, evidence, cases, calibration)


def told_scores(metrics: Mapping[str, float]) -> dict[str, Any]:
    """What an export tells of its weights' scores; those over folds, which are of several networks, stand apart."""
    told = {name: value for name, value in metrics.items() if name != "loss" and not name.startswith(LARGEST)}
    rounded = {name: round(value, 4) for name, value in told.items()}
    return {"dice": rounded["test_dice"], "folds": rounded} if "folds" in rounded else rounded


def told_classes(config: Mapping[str, Any]) -> dict[str, Any]:
    """The rules of a task's labels, where a config gives some: by them other labels are read to score predictions."""
    rules = (config.get("task") or {}).get("classes")
    return {"classes": rules} if isinstance(rules, Mapping) else {}


def cleaned_classes(metrics: Mapping[str, float]) -> list[str]:
    """The classes of which a trained network's predictions keep the largest part alone."""
    return [name.removeprefix(LARGEST) for name in metrics if name.startswith(LARGEST)]


def write_export(
    folder: Path,
    architecture: Architecture,
    weights: bytes,
    preprocessing: Preprocessing,
    about: dict[str, Any],
    formats: Sequence[str] = (),
    evidence: Sequence[str] = (),
    cases: Sequence[Sample] = (),
    calibration: Sequence[Sample] = (),
) -> Path:
    """Write an export folder whole: it appears when it is complete, and replaces an older one; see ``check_free``.

    Args:
        folder: to write.
        architecture: of the network.
        weights: of the network, safetensors.
        preprocessing: of its images.
        about: what else ``model.yaml`` tells.
        formats: names in ``FORMATS`` of files to write beside the folder's own.
        evidence: what stands behind the network, lines of Markdown; see ``model_card``.
        cases: on which those files are held against the network; what they make of them goes into ``model.yaml``.
        calibration: validation cases for those formats that are ``calibrated``.

    Raises:
        InputError: the folder holds something else; a format is unknown, lacks a package or gives other logits.
    """
    chosen = [FORMATS[name] for name in formats]
    check_free(folder)
    check_packages(chosen)
    place = folder.resolve()
    partial = place.with_name(f".{place.name}.partial")
    shutil.rmtree(partial, ignore_errors=True)
    try:
        write_text(partial / ARCHITECTURE, architecture.to_yaml())
        idle = _training_only(architecture)
        needed = {name: tensor for name, tensor in load(weights).items() if not name.startswith(idle)}
        write_bytes(partial / WEIGHTS, save(needed))
        told = {"preprocessing": preprocessing.to_dict(), **about}
        write_text(partial / MODEL, yaml.safe_dump(told, sort_keys=False))
        if chosen:
            told["formats"] = write_formats(load_export(partial), partial, chosen, cases, calibration)
            write_text(partial / MODEL, yaml.safe_dump(told, sort_keys=False))
        write_text(partial / CARD, model_card(architecture, told, evidence, hashes(partial)))
        write_sums(partial)
        replace_folder(place, partial)
    except BaseException:
        shutil.rmtree(partial, ignore_errors=True)
        raise
    return folder


def load_export(folder: str | Path, device: str | torch.device = "cpu") -> ExportedModel:
    """Load what ``write_export`` wrote; the network is in eval mode. Raises ``InputError`` on a damaged folder."""
    folder = Path(folder)
    for name in OWN:
        if not (folder / name).is_file():
            raise InputError(f"export '{folder}': '{name}' is missing; expected a folder written by 'nas export'")
    architecture = Architecture.load(folder / ARCHITECTURE)
    host = architecture.host
    if HOSTS[host].outside and not is_ours(host):  # an export may come from anybody, and names code to be run
        raise InputError(f"export '{folder}': '{host}' is no host of this tool, and is not loaded")
    about = _told(folder)

    def network(architecture: Architecture, preprocessing: Preprocessing) -> nn.Module:
        built = architecture.build(preprocessing.channels, len(preprocessing.classes))
        idle = _training_only(architecture)
        left_out = {name: tensor for name, tensor in built.state_dict().items() if name.startswith(idle)}
        try:
            built.load_state_dict({**left_out, **load_file(folder / WEIGHTS)})
        except (SafetensorError, RuntimeError) as error:
            reason = " ".join(str(error).split())[:200]
            raise InputError(f"export '{folder}': '{WEIGHTS}' does not fit the architecture: {reason}") from None
        return built.to(device).eval()

    return model_of(architecture, about, network, f"export '{folder}': '{MODEL}'")


def preprocessing_of(folder: Path) -> Preprocessing | None:
    """How images are prepared for an export; None of a folder that is none. Raises ``InputError`` on a damaged one."""
    if not (folder / MODEL).is_file():
        return None
    try:
        return Preprocessing.from_dict(_told(folder)["preprocessing"])
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise InputError(f"export '{folder}': '{MODEL}' is damaged: {' '.join(str(error).split())}") from None


def load_model(path: str | Path, device: str | torch.device = "cpu") -> ExportedModel:
    """The model in an export folder, or in a file or folder of one of ``FORMATS``, wherever it lies."""
    path = Path(path)
    if not (path / MODEL).is_file():
        for format in FORMATS.values():
            if format.takes(path):
                return format.read(path, str(device))
    if path.is_file():
        kinds = ", ".join(sorted({Path(format.file).suffix for format in FORMATS.values() if not format.mark}))
        raise InputError(f"'{path}': expected a folder written by 'nas export', or a file ending in {kinds}")
    return load_export(path, device)


def _told(folder: Path) -> Any:
    """What an export's ``model.yaml`` holds."""
    try:
        return yaml.safe_load((folder / MODEL).read_text(encoding="utf-8"))
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise InputError(f"export '{folder}': '{MODEL}' is damaged: {' '.join(str(error).split())}") from None


def mirrored(config: Mapping[str, Any], dims: int) -> list[int]:
    """The axes along whose mirrorings the finals of a run average their predictions."""
    if not config["finals"]["mirror"]:
        return []
    return mirrored_axes(config["training"]["augmentation"]["flip"], dims)


def _training_only(architecture: Architecture) -> tuple[str, ...]:
    return HOSTS[architecture.host].module.training_only(**dict(architecture.options))


def _params(architecture: Architecture, preprocessing: Preprocessing) -> int:
    return architecture.cost(preprocessing.channels, len(preprocessing.classes), (1,) * architecture.dims).params
