"""The model card: from the run's own records, what a network is for, what stands behind it, where its limits are."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest
import yaml

from nas.exports.export import export_point
from nas.exports.place import CARD, SUMS
from nas.records.journal import Journal
from nas.run import Run
from search_spaces import Architecture
from search_spaces.architecture.cost import Cost
from tests.nas.exports.test_export import architecture, finished
from tests.nas.trials import trial

ATTENTIVE = Architecture.from_dict(
    {"host": "unet", "dims": 2, "options": {"width": 4}, "attention": {"skip.0": "attention_gate"}}
)


def card_of(run: Run, folder: Path, key: str = "", formats: tuple[str, ...] = ()) -> str:
    """The card of one network's export, the best without a key."""
    points = {point.architecture.key: point for point in run.front.everything}
    return (export_point(run, points.get(key, run.front.best()), folder, formats=formats) / CARD).read_text()


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """Two seeds of a network with attention and of the plain one, which is about as large."""
    made = finished(tmp_path / "run", ATTENTIVE)
    settings = yaml.safe_load((made.folder / "config.yaml").read_text())
    settings |= {"task": {"path": "/data/liver"}, "versions": {"torch": "2.13.0", "monai": "1.5.1"}}
    (made.folder / "config.yaml").write_text(yaml.safe_dump(settings, sort_keys=False))
    journal = Journal(made.folder / "journal.jsonl")
    weights = "weights/it.safetensors"
    cost = made.journal[0].cost
    journal.append(trial(1, 0.85, phase="final", architecture=ATTENTIVE, cost=cost, seed=1, weights=weights))
    plain = architecture("unet", {})
    journal.append(trial(0, 0.6, architecture=plain, cost=Cost(cost.params - 300, 1)))
    journal.append(trial(2, 0.9, architecture=ATTENTIVE, cost=cost))
    for seed, dice in enumerate((0.65, 0.7)):
        final = {"phase": "final", "architecture": plain, "cost": Cost(cost.params - 300, 1), "seed": seed}
        journal.append(trial(2 + seed, dice, **final))
    return Run(made.folder)


def test_a_card_tells_task_data_front_evidence_limits_licence_and_versions(run: Run, tmp_path: Path) -> None:
    card = card_of(run, tmp_path / "model")
    front = run.front
    best = front.best()
    for told in (
        "# Segmentation of organ",
        "* task: liver, data `0123` (fingerprint of its cases)",
        f"* network: {best.architecture} (2D, ",
        "* of the training with seed 0, 100 steps; the first seed, not the best",
        "* its Dice on test cases: 0.7500",
        "From the run `run`, 6 trainings, on test cases:",
        "* Dice 0.8000, mean of 2 trainings of 100 steps; 95% interval ",
        "* gain on the plain network: +0.1250, 95% interval ",
        f"* on the front with a probability of {front.chances[best.architecture]:.0%}",
        "* for research: no medical device",
        "## Licence\n\nNot stated: whoever hands this model on states it here.",
        "## Versions\n\n* torch 2.13.0\n* monai 1.5.1",
    ):
        assert told in card
    rows = [line for line in card.splitlines() if line.startswith("| ")][1:]
    assert len(rows) == len({*front.points, front.plain})
    assert sum("(the plain network)" in row for row in rows) == 1
    assert [row for row in rows if "**0.8000**" in row] == [row for row in rows if "**" in row]


def test_a_card_holds_the_hash_of_every_other_file_and_what_formats_make_of_noise(run: Run, tmp_path: Path) -> None:
    card = card_of(run, tmp_path / "model", formats=("standalone",))
    hashed = dict(line.split()[::-1] for line in card.splitlines() if line.startswith("    "))
    folder = tmp_path / "model"
    files = [path for path in folder.rglob("*") if path.is_file() and path not in (folder / CARD, folder / SUMS)]
    assert len(files) > 8
    found = {path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}
    assert hashed == found
    assert "* `network` (standalone)" in card


def test_a_card_says_where_attention_may_gain_by_size_alone_and_where_a_training_failed(
    run: Run, tmp_path: Path
) -> None:
    assert "* gain on a plain network of equal size (" in card_of(run, tmp_path / "model")
    alone = finished(tmp_path / "alone", ATTENTIVE)
    Journal(alone.folder / "journal.jsonl").append(trial(1, None, phase="final", architecture=ATTENTIVE, seed=1))
    card = card_of(Run(alone.folder), tmp_path / "other")
    assert "* no plain network of equal size was trained: a gain may be one of size" in card
    assert "* 1 of 2 trainings failed, each counts as 0" in card
