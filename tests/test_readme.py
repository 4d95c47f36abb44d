"""What the README tells people to type works: its commands parse, its configs are sound."""

from __future__ import annotations

import importlib
import re
import shlex
from pathlib import Path
from typing import Any

import pytest
import typer
import yaml

from nas.cli.app import COMMANDS, app
from nas.config.config import Config, parse_config
from nas.config.reading import apply_settings

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text()
BLOCKS = re.findall(r"^```(\w+)\n(.*?)^```", README, re.MULTILINE | re.DOTALL)
LINES = [
    line
    for language, block in BLOCKS
    if language in ("bash", "sh", "console")
    for line in (raw.strip().removeprefix("$ ") for raw in block.replace("\\\n", " ").splitlines())
    if line and not line.startswith("#")
]
INLINE: list[str] = re.findall(r"`(nas [^`\n]+)`", re.sub(r"^```.*?^```", "", README, flags=re.M | re.S))
SECTIONS = [block for language, block in BLOCKS if language in ("yaml", "yml")]


def commands() -> dict[str, Any]:
    for module in COMMANDS:
        importlib.import_module(f"nas.cli.{module}")
    return dict(typer.main.get_command(app).commands)  # type: ignore[attr-defined]


def words(line: str) -> list[str]:
    return shlex.split(line, comments=True)


def nas_lines() -> list[str]:
    """Every ``nas`` command, those within sentences too, but for ones that only stand for others (``nas COMMAND``)."""
    typed = [line for line in [*LINES, *INLINE] if words(line)[:1] == ["nas"]]
    return [line for line in typed if not words(line)[1].isupper()]


def test_the_readme_begins_with_the_two_commands():
    first = next(block for language, block in BLOCKS if language == "bash")
    assert first.split("\n")[:2] == ["make search", "make test"]


def test_the_test_command_that_ci_takes_from_the_readme_is_there():
    wanted = re.search(r"grep -m1 -x '(.+)' README\.md", (ROOT / ".ci" / "run").read_text())
    assert wanted is not None
    assert wanted[1] in README.splitlines()


def test_every_make_target_of_the_readme_exists():
    targets = set(re.findall(r"^([\w.-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    typed = {word for line in LINES if words(line)[0] == "make" for word in words(line)[1:] if "=" not in word}
    assert {"search", "test"} <= typed <= targets


@pytest.mark.parametrize("line", nas_lines())
def test_every_command_of_the_readme_is_understood(line):
    """Parsed with all its options and arguments, and not run."""
    _, name, *arguments = words(line)
    known = commands()
    assert name in known, f"nas has no command '{name}'"
    if not arguments and line in INLINE:  # a command that is only mentioned
        return
    if "--help" in arguments:
        arguments.remove("--help")
        return
    with known[name].make_context(name, list(arguments)) as context:
        settings = context.params.get("set_") or []
        assert parse_config(apply_settings({}, list(settings))).faults == []
        config = context.params.get("config")
        if config is not None and str(config).startswith("runs/examples/"):
            assert (ROOT / config).is_file()


def test_the_readme_shows_a_search_a_front_an_export_and_a_prediction():
    assert {"search", "front", "export", "predict"} <= {words(line)[1] for line in nas_lines()}


@pytest.mark.parametrize("text", SECTIONS)
def test_every_config_of_the_readme_is_sound(text):
    data = yaml.safe_load(text)
    assert set(data) & set(Config.model_fields), "no section of a config"
    assert parse_config(data).faults == []


@pytest.mark.parametrize("path", sorted((ROOT / "runs" / "examples").glob("*.yaml")), ids=lambda path: path.name)
def test_every_example_config_is_sound(path):
    assert parse_config(yaml.safe_load(path.read_text())).faults == []
