"""Files of other formats beside an export's own, each held against the network that it was made of."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from evaluators.files import write_bytes
from evaluators.tasks.task import Sample
from nas.exports.carried import predict
from nas.exports.cases import FEW, held_against, patch_of
from nas.exports.formats import Format
from nas.exports.model import ExportedModel
from nas.exports.prediction import segment
from search_spaces.errors import InputError

RUNNER = "predict.py"
TOLERANCE = 1e-3  # of a difference of logits on real images, relative to the largest of them


def write_formats(
    model: ExportedModel,
    folder: Path,
    formats: Sequence[Format],
    cases: Sequence[Sample],
    calibration: Sequence[Sample] = (),
) -> dict[str, dict[str, Any]]:
    """Write a file of each format into the folder of an export; by name what it is and what it makes of cases.

    ``calibration``: validation cases, from whose images some formats learn ranges of numbers. Raises ``InputError``
    where a file computes something else than the network.
    """
    told: dict[str, dict[str, Any]] = {}
    images = [patch_of(model, sample) for sample in calibration]
    own = [segment(model, sample) for sample in cases] if any(format.predicts for format in formats) else []
    for format in formats:
        format.write(model, folder / format.file, images)
        told[format.name] = {"file": format.file}
        shown = cases[:FEW] if format.exact else cases
        if shown and format.predicts:
            found = held_against(model, own[: len(shown)], format.read(folder / format.file, "cpu"), shown)
            if format.exact and not found["logits"] <= TOLERANCE * found["of"]:
                raise InputError(
                    f"{format.file}: expected the network's logits, of up to {found['of']:g}, on {len(shown)} cases; "
                    f"got a difference of {found['logits']:g}"
                )
            told[format.name] |= found
    if any(format.runs_alone for format in formats):
        write_bytes(folder / RUNNER, Path(predict.__file__).read_bytes())
    return told
