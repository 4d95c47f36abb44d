"""The model card of an export, ``README.md``: what it is for, what stands behind it, and where its limits are."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from nas.evidence.front import Front
from nas.evidence.point import FrontPoint
from nas.quantities import format_count
from nas.run import Run
from search_spaces.architecture.architecture import Architecture

NO_SEARCH = "Trained alone, by `nas train`: no other network was trained beside it, so nothing says what it gains."


def model_card(
    architecture: Architecture, about: Mapping[str, Any], evidence: Sequence[str], hashes: Mapping[str, str]
) -> str:
    """Markdown.

    Args:
        architecture: of the network.
        about: what ``model.yaml`` tells.
        evidence: lines of Markdown; see ``evidence_of``.
        hashes: SHA-256 of the other files, by name.
    """
    sections = {
        f"Segmentation of {', '.join(about['preprocessing']['labelling']['classes'])}": _head(architecture, about),
        "Images": _images(about["preprocessing"]),
        "Weights": _weights(about),
        "Evidence": evidence or [NO_SEARCH],
        "Limits of use": _limits(),
        "Licence": [
            "Not stated: whoever hands this model on states it here. The licence of the training data counts too."
        ],
        "Versions": [f"* {name} {version}" for name, version in (about.get("versions") or {}).items()],
        "Files": _files(about, hashes),
    }
    parts = [
        f"{'##' if number else '#'} {title}\n\n" + "\n".join(lines)
        for number, (title, lines) in enumerate(sections.items())
    ]
    return "\n\n".join(parts) + "\n"


def evidence_of(run: Run, point: FrontPoint, pruned: bool = False) -> list[str]:
    """What a run knows of one of its networks, lines of Markdown."""
    front = run.front
    final = run.final_front is not None
    seen = run.final_cases if final else "validation cases, on which it was chosen too"
    lines = [f"From the run `{run.name}`, {len(run.journal)} trainings, on {seen}:", ""]
    lines += list(_of_point(front, point))
    if pruned:
        lines += ["* all this is of the whole network; these are its first columns, whose scores are not known"]
    lines += ["", "The front (more parameters only where they bring more Dice):", ""]
    lines += ["| parameters | Dice | 95% interval | network |", "|---:|---:|---|---|"]
    lines += [_row(other, other.architecture == point.architecture) for other in _shown(front)]
    return lines


def task_name(run: Run) -> str:
    """What the task of a run is called: the name of its folder."""
    return Path(str(run.config.get("task", {}).get("path", run.name))).name


def _shown(front: Front) -> list[FrontPoint]:
    """The front, and the plain network, by rising parameters."""
    plain = [front.plain] if front.plain is not None and not front.plain.on_front else []
    return sorted([*front.points, *plain], key=lambda point: point.cost.params)


def _row(point: FrontPoint, chosen: bool) -> str:
    mark = "**" if chosen else ""
    name = f"{point.architecture}{' (the plain network)' if point.is_plain else ''}"
    cells = (format_count(point.cost.params), f"{mark}{point.dice:.4f}{mark}", _interval(point.low, point.high), name)
    return f"| {' | '.join(cells)} |"


def _of_point(front: Front, point: FrontPoint) -> Iterator[str]:
    trainings = f"mean of {point.seeds} trainings" if point.seeds > 1 else "one training"
    interval = _interval(point.low, point.high)
    yield f"* Dice {point.dice:.4f}, {trainings} of {point.steps} steps; 95% interval {interval}"
    if point.failed:
        yield f"* {point.failed} of {point.seeds} trainings failed, each counts as 0"
    if not point.is_plain and point.gain is not None:
        interval = _interval(point.gain_low, point.gain_high)
        yield f"* gain on the plain network: {point.gain:+.4f}, 95% interval {interval}"
    control = front.controlled.get(point.architecture)
    if control is not None and control.gain is not None:
        gain = f"{control.gain:+.4f}, 95% interval {_interval(control.gain_low, control.gain_high)}"
        yield f"* gain on a plain network of equal size ({control.excess:+.1%} parameters): {gain}"
    elif not point.architecture.is_plain:
        yield "* no plain network of equal size was trained: a gain may be one of size"
    chance = front.chances.get(point.architecture)
    if chance is not None:
        yield f"* on the front with a probability of {chance:.0%}"


def _head(architecture: Architecture, about: Mapping[str, Any]) -> list[str]:
    named = about.get("task") or about.get("run") or "not told"
    size = f", {format_count(about['params'])} parameters" if "params" in about else ""
    data = f", data `{about['data']}` (fingerprint of its cases)" if about.get("data") else ""
    return [
        f"* task: {named}{data}",
        f"* network: {architecture} ({architecture.dims}D{size})",
        "* made by attention-nas; `nas predict` on this folder writes label images on the grid of the originals",
    ]


def _images(layout: Mapping[str, Any]) -> list[str]:
    labelling = layout["labelling"]
    painted = zip(labelling["painted"], labelling["classes"], strict=True)
    values = ", ".join(f"{labelling['values'][index]} {name}" for index, name in painted)
    sizes = "each image's own size"
    if layout["size"]:
        sizes = f"resized to {_by(layout['size'])} voxels"
    elif layout["spacing"]:
        sizes = f"resampled to {_by(layout['spacing'])} mm"
    return [
        f"* {layout['channels']} channel{'s' if layout['channels'] > 1 else ''}, {layout['dims']}D; {sizes}; "
        f"windows of {_by(layout['patch'])}; intensities normalised by `{layout['normalisation']['kind']}`",
        f"* labels: {labelling['values'][0]} background, {values}",
    ]


def _weights(about: Mapping[str, Any]) -> list[str]:
    own = about.get("pruned_from", about)
    lines = []
    if "seed" in own:
        lines.append(f"* of the training with seed {own['seed']}, {own['steps']} steps; the first seed, not the best")
    if "dice" in own:
        lines.append(
            f"* its Dice on {own['cases']} cases: {own['dice']:.4f}" + (" before pruning" if own is not about else "")
        )
    return lines or ["Where they come from is not told."]


def _limits() -> list[str]:
    return [
        "* for research: no medical device, and no diagnosis rests on it",
        "* scores hold for images like those of training (scanner, protocol, population, image quality); others were "
        "not looked at",
        "* it marks the classes above and nothing else, does not notice images of another kind, nor say how sure it is",
    ]


def _files(about: Mapping[str, Any], hashes: Mapping[str, str]) -> list[str]:
    lines = []
    for name, told in (about.get("formats") or {}).items():
        said = ""
        if "cases" in told:
            said = (
                f": Dice {told['dice']} on {told['cases']} cases (the network's own: {told['dice_of_network']}), "
                f"logits of up to {told['of']:g} differ by at most {told['logits']:g}"
            )
        lines.append(f"* `{told['file']}` ({name}){said}")
    lines += [""] * bool(lines) + ["SHA-256, also in `SHA256SUMS` (`sha256sum --check SHA256SUMS`):", ""]
    return lines + [f"    {sum}  {name}" for name, sum in hashes.items()]


def _interval(low: float | None, high: float | None) -> str:
    return "not known" if low is None or high is None else f"{low:.4f} to {high:.4f}"


def _by(numbers: Sequence[float]) -> str:
    return " x ".join(f"{number:g}" for number in numbers)
