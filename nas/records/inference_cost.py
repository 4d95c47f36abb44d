"""What predicting with each finalist takes on a machine: kept in the run, as it is measured once."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from evaluators.files import write_text
from search_spaces.errors import InputError

FILE = "inference.json"


@dataclass(frozen=True)
class InferenceCost:
    """Of one patch, image to label, as ``nas predict`` does it.

    Attributes:
        size: of the patch, voxels.
        mirror: axes along whose mirrorings predictions are averaged.
        cpu: name of the processor.
        cpu_threads: that worked on it.
        cpu_ms: median milliseconds.
        cpu_bytes: most memory that the process took on top of what it held, weights included; measured, None where the
            system does not say.
        gpu: name of the GPU; None where there was none, as are the others.
        gpu_ms: median milliseconds, with the ways there and back.
        gpu_bytes: most memory that torch allocated on it, weights included and workspaces of libraries not; counted.
    """

    size: tuple[int, ...]
    mirror: tuple[int, ...]
    cpu: str
    cpu_threads: int
    cpu_ms: float
    cpu_bytes: int | None
    gpu: str | None = None
    gpu_ms: float | None = None
    gpu_bytes: int | None = None

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON and YAML."""
        return dataclasses.asdict(self) | {"size": list(self.size), "mirror": list(self.mirror)}


def write_inference_costs(folder: Path, costs: Mapping[str, InferenceCost]) -> None:
    """Write those of a run, by key of the architecture."""
    lines = [f'"{key}": {json.dumps(cost.to_dict(), allow_nan=False)}' for key, cost in costs.items()]
    write_text(folder / FILE, "{" + ",\n ".join(lines) + "}\n")


def read_inference_costs(folder: Path) -> dict[str, InferenceCost]:
    """Those of a run, none where nothing was measured; raises ``InputError`` on a damaged file."""
    path = folder / FILE
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
        return {
            key: InferenceCost(**{**cost, "size": tuple(cost["size"]), "mirror": tuple(cost["mirror"])})
            for key, cost in found.items()
        }
    except FileNotFoundError:
        return {}
    except (OSError, ValueError, TypeError, KeyError, AttributeError) as error:
        raise InputError(f"'{path}' cannot be read: {error}") from None
