"""The config that ``nas init`` writes."""

from __future__ import annotations

import re

import yaml

from nas.config.config import parse_config
from nas.config.first_config import commented_config

DECIDED = [
    ("task.size", [64, 64], "the median"),
    ("limits.depth", 4, "halvings: at most 4"),
    ("training.steps", 1000, "of every 2D task"),
    ("training.augmentation.flip", [0.5, 0.0], "one side"),
]


def made(settings: list[str] | None = None) -> str:
    return commented_config("/data/a: b", "liver: 3 training cases", settings or [], ["liver", "tumour"], DECIDED)


def test_what_it_writes_is_sound_with_and_without_its_comments():
    plain = yaml.safe_load(made())
    assert plain["task"] == {"path": "/data/a: b"}
    assert plain["training"] == {"steps": 1000}
    assert not parse_config(plain).faults
    open_ = yaml.safe_load(re.sub(r"^  # ", "  ", made(), flags=re.MULTILINE))
    assert open_["task"]["size"] == [64, 64]
    assert open_["limits"]["depth"] == 4
    assert open_["training"]["augmentation"] == {"flip": [0.5, 0.0]}
    assert not parse_config(open_).faults


def test_every_decision_stands_beside_its_reason():
    for _, _, reason in DECIDED:
        assert f"# {reason}\n" in made()


def test_what_was_set_is_written_and_not_commented():
    written = yaml.safe_load(made(["task.classes.liver=1", "limits.params=50k", "strategy.name=random"]))
    assert written["task"]["classes"] == {"liver": 1}
    assert written["limits"]["params"] == "50k"
    assert written["strategy"] == {"name": "random"}
