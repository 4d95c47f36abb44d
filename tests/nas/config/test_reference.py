"""The reference of the config's keys."""

from __future__ import annotations

from pathlib import Path

import yaml

from nas.config.config import Config, parse_config
from nas.config.reference import keys, page
from nas.config.settling import value_at


def test_the_page_is_what_the_models_say():
    written = (Path(__file__).parents[3] / "docs" / "config.md").read_text(encoding="utf-8")
    assert written == page(), "stale: python -m nas.config.reference > docs/config.md"


def test_every_key_has_a_meaning_and_its_default():
    resolved = Config().model_dump()
    for key in keys():
        assert key.meaning, key.name
        assert key.kind, key.name
        assert yaml.safe_load(key.default) == value_at(resolved, key.name), key.name


def test_every_key_of_the_page_can_be_set_to_its_default():
    for key in keys():
        data = yaml.safe_load(key.default)
        for part in reversed(key.name.split(".")):
            data = {part: data}
        assert not parse_config(data).faults, key.name
