"""What the documentation shows, works as it is written."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from evaluators.tasks.labels import parse_classes
from nas.benchmark.estimates import BEGIN, END, figures_table
from nas.config.config import parse_config
from nas.config.measured import read_figures
from nas.suite.suite_file import read_suite
from search_spaces import load_space

DOCS = Path(__file__).parent.parent / "docs"


def code(page: str, language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", (DOCS / page).read_text(), re.DOTALL)


@pytest.mark.parametrize("dims", [2, 3])
def test_the_spaces_shown_load_and_draw(dims: int) -> None:
    (text,) = code("spaces.md", "yaml")
    space = load_space(yaml.safe_load(text), dims)
    assert space.size() > 1000


@pytest.mark.parametrize("text", code("data.md", "yaml"))
def test_the_tasks_shown_are_sound(text: str) -> None:
    parsed = parse_config(yaml.safe_load(text))
    assert parsed.faults == []
    section = parsed.config.task
    if section.classes:
        parse_classes(section.classes)


def test_the_strategy_shown_keeps_to_the_contract(tmp_path: Path) -> None:
    (text,) = code("search.md", "python")
    program = tmp_path / "shown.py"
    program.write_text(f"{text}\n\nfrom nas.testing import check_strategy\n\ncheck_strategy(Uniform, trials=8)\n")
    done = subprocess.run([sys.executable, str(program)], cwd=DOCS.parent, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


SHOWN = [*code("search.md", "yaml"), *code("estimation.md", "yaml")]


def test_the_suite_shown_is_sound(tmp_path: Path) -> None:
    (text,) = [text for text in SHOWN if text.startswith("tasks:")]
    (tmp_path / "organs.yaml").write_text(text)
    (tmp_path / "hippocampus.yaml").write_text("task: {path: /data/hippocampus}")
    members = read_suite(tmp_path / "organs.yaml")
    assert [member.run for member in members] == ["organs-liver", "organs-spleen", "organs-hippocampus"]
    assert [fault for member in members for fault in parse_config(member.config).faults] == []


@pytest.mark.parametrize("text", [text for text in SHOWN if not text.startswith("tasks:")])
def test_the_parts_of_a_config_shown_are_sound(text: str) -> None:
    assert parse_config(yaml.safe_load(text)).faults == []


def test_the_figures_of_estimates_shown_are_those_kept() -> None:
    page = (DOCS / "estimation.md").read_text()
    assert page.partition(BEGIN)[2].partition(END)[0].strip() == figures_table(read_figures())


@pytest.mark.parametrize("number", range(len(code("spaces.md", "python"))))
def test_the_programs_shown_run(number: int, tmp_path: Path) -> None:
    """Each in a process of its own: a host that is registered stays registered."""
    program = tmp_path / "shown.py"
    program.write_text(code("spaces.md", "python")[number])
    done = subprocess.run([sys.executable, str(program)], cwd=DOCS.parent, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
