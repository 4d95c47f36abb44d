"""A run on disk: a folder with the config, the journal, and what is derived from them."""

from __future__ import annotations

import functools
import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from evaluators.files import write_text
from evaluators.preprocessing import Preprocessing
from nas.evidence.controls import counterparts_of, unets_of
from nas.evidence.front import Front, front_of, front_of_finals
from nas.evidence.hypervolume import Box
from nas.evidence.plain_data import front_to_list
from nas.evidence.point import FrontPoint
from nas.records.inference_cost import InferenceCost, read_inference_costs
from nas.records.journal import Journal
from nas.records.trial import Trial, plain_network
from nas.records.usage import usage
from nas.surrogate.beliefs import believed
from search_spaces.architecture.architecture import Architecture
from search_spaces.errors import InputError
from search_spaces.plugins import import_plugins
from search_spaces.yaml_file import read_yaml

if TYPE_CHECKING:
    import pandas

RUNS = Path("runs")


class Run:
    """A finished, stopped or running search, read from its folder.

    Attributes:
        folder: the run's folder, absolute: ``config.yaml``, ``journal.jsonl``, ``front.json``, ``weights/``,
            ``export/``.
    """

    def __init__(self, folder: Path | str) -> None:
        self.folder = Path(folder).absolute()  # what is read later is found from any working folder

    @property
    def name(self) -> str:
        return self.folder.name

    @functools.cached_property
    def config(self) -> dict[str, Any]:
        """The resolved config, with versions and the preprocessing."""
        data = read_yaml(self.folder / "config.yaml", "run")
        if not isinstance(data, dict):
            raise InputError(f"run '{self.name}': config.yaml holds no mapping")
        return data

    @functools.cached_property
    def preprocessing(self) -> Preprocessing:
        return Preprocessing.from_dict(self.config["preprocessing"])

    @functools.cached_property
    def journal(self) -> list[Trial]:
        """Every trial of the run, search and finals, in the order they ended."""
        return Journal(self.folder / "journal.jsonl").read()

    @property
    def trials(self) -> pandas.DataFrame:
        """Trials as a table, one row each."""
        import pandas

        rows = [
            {
                "phase": trial.phase,
                "number": trial.number,
                "status": trial.status,
                "architecture": str(trial.architecture),
                "key": trial.architecture.key,
                "seed": trial.seed,
                "steps": trial.steps,
                "params": trial.cost.params,
                "macs": trial.cost.macs,
                "seconds": trial.seconds,
                "error": trial.error,
                **trial.metrics,
            }
            for trial in self.journal
        ]
        return pandas.DataFrame(rows)

    @functools.cached_property
    def references(self) -> dict[Architecture, str]:
        """Names of the networks that the finals train for comparison."""
        given = self.config.get("references") or {}
        return {Architecture.from_dict(data): name for name, data in given.items()}

    def params_of(self, architecture: Architecture) -> int:
        """Exact parameters of an architecture on the task."""
        if architecture in self._known_params:
            return self._known_params[architecture]
        return architecture.params(self.preprocessing.channels, len(self.preprocessing.classes))

    @functools.cached_property
    def _known_params(self) -> dict[Architecture, int]:
        """Parameters of what was tried, as the journal has them."""
        return {trial.architecture: trial.cost.params for trial in self.journal}

    @functools.cached_property
    def counterparts(self) -> dict[Architecture, Architecture]:
        """Of each finalist with attention the plain network of equal size, trained or not; of references likewise."""
        searched = {trial.architecture for trial in self.journal if trial.phase == "search"}
        finals = {trial.architecture: None for trial in self.journal if trial.phase == "final"}
        found = counterparts_of((one for one in finals if one in searched), self.params_of)
        if (self.config.get("finals") or {}).get("match_references"):
            found |= unets_of(self.references, plain_network(self.journal), self.params_of)
        return found

    @functools.cached_property
    def search_front(self) -> Front:
        """The front of the search trials, on validation cases; intervals and gains are the model's."""
        trials = [trial for trial in self.journal if trial.phase == "search"]
        return believed(front_of(trials), trials)

    @functools.cached_property
    def final_front(self) -> Front | None:
        """The front of the finals, on test cases; None before any has ended."""
        return front_of_finals(self.journal, self.references, self.counterparts)

    @property
    def final_cases(self) -> str:
        """What the finals were scored on, in words."""
        folds = (self.config.get("finals") or {}).get("folds")
        return f"unseen cases of {folds} folds" if folds else "test cases"

    @property
    def front(self) -> Front:
        """The best evidence there is: the finals' front, else the search's."""
        return self.final_front or self.search_front

    def trained(self, point: FrontPoint) -> Trial | None:
        """The trial whose weights stand for a point, at the point's length of training; None where none were kept.

        That of its first seed: choosing among seeds would be choosing on test cases.
        """
        found = [
            trial
            for trial in self.journal
            if trial.architecture == point.architecture and trial.weights and (self.folder / trial.weights).exists()
        ]
        return min(found, key=lambda trial: (-trial.steps, trial.seed), default=None)

    @functools.cached_property
    def inference_costs(self) -> dict[str, InferenceCost]:
        """What a prediction takes, by key of the architecture; of those in the finals, once they have ended."""
        return read_inference_costs(self.folder)

    @property
    def summary(self) -> dict[str, Any]:
        """Of the search: trials, seconds, trials an hour, how busy the cores were; and the hypervolume."""
        path = self.folder / "front.json"
        summary = json.loads(path.read_text(encoding="utf-8"))["summary"] if path.exists() else {}
        assert isinstance(summary, dict)
        return summary

    @property
    def is_open(self) -> bool:
        """Whether the search is known to have been stopped before its end; of one that was killed nothing is known."""
        return self.summary.get("ended", "") is None

    def write_front(self, cores: int, box: Box, ended: str | None = None) -> None:
        """Write ``front.json``: both fronts as plain data, and a summary of the search, which ran on ``cores`` cores.

        ``box`` is where the hypervolume is taken, the same however long the search goes on; ``ended``: why the search
        did, None where it may go on.
        """
        found, final = self.search_front, self.final_front
        hypervolume = found.hypervolume(box.high, box.low)
        data = {
            "run": self.name,
            "search": front_to_list(found, dominated=False),
            "final": front_to_list(final, costs=self.inference_costs) if final else [],
            "summary": {
                **usage(self.journal, cores),
                "hypervolume": round(hypervolume, 5),
                "box": [box.low, box.high],
                "ended": ended,
            },
        }
        # A line a point: Python's quick encoder writes none itself, and its slow one takes seconds for a long search.
        parts = [
            f'"{key}": {_lines(value) if isinstance(value, list) else _json(value)}' for key, value in data.items()
        ]
        write_text(self.folder / "front.json", "{" + ",\n ".join(parts) + "}\n")


def _json(value: Any) -> str:
    return json.dumps(value, allow_nan=False)


def _lines(values: Sequence[Any]) -> str:
    return "[" + ",\n  ".join(map(_json, values)) + "]"


def is_run(folder: Path) -> bool:
    """Whether a folder is that of a run, ended or not."""
    return (folder / "config.yaml").is_file()


def load_run(name: str | Path, runs: str | Path = RUNS) -> Run:
    """A run by name (a folder of ``runs``) or by path. Raises ``InputError`` when there is none."""
    runs = Path(runs)
    for folder in (runs / name, Path(name)):
        if is_run(folder):
            run = Run(folder)
            import_plugins(run.config.get("plugins") or [])  # the journal names what they register
            return run
    known = sorted(path.parent.name for path in runs.glob("*/config.yaml"))
    raise InputError(f"run '{name}' does not exist in '{runs}/'; it holds: {', '.join(known) or 'no run'}")
