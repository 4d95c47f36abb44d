"""What a suite file says."""

from __future__ import annotations

from pathlib import Path

import pytest

from nas.config.config import parse_config
from nas.suite.suite_file import Member, read_suite
from search_spaces.errors import InputError


def read(folder: Path, text: str) -> list[Member]:
    (folder / "organs.yaml").write_text(text)
    return read_suite(folder / "organs.yaml")


def test_a_task_is_a_folder_a_section_or_a_config_with_keys_of_its_own(tmp_path: Path):
    (tmp_path / "brain.yaml").write_text("task: {path: /data/brain}\nlimits: {trials: 3}\n")
    members = read(
        tmp_path,
        "tasks: {liver: /data/liver, spleen: {path: /data/spleen, dims: 3}, brain: brain.yaml}\n"
        "limits: {trials: 9}\nseed: 5\nwarm: false\n",
    )
    assert [(member.name, member.run) for member in members] == [
        ("liver", "organs-liver"), ("spleen", "organs-spleen"), ("brain", "organs-brain"),
    ]  # fmt: skip
    assert members[0].config == {"task": {"path": "/data/liver"}, "limits": {"trials": 9}, "seed": 5}
    assert members[1].config["task"] == {"path": "/data/spleen", "dims": 3}
    assert members[2].config == {"task": {"path": "/data/brain"}, "limits": {"trials": 3}, "seed": 5}


def test_each_task_begins_with_the_runs_before_it_unless_a_strategy_is_named(tmp_path: Path):
    text = "tasks: {a: /a, b: /b, c: /c}\n"
    strategies = [member.config.get("strategy") for member in read(tmp_path, text)]
    assert strategies == [
        None,
        {"name": "transfer", "sources": ["organs-a"]},
        {"name": "transfer", "sources": ["organs-a", "organs-b"]},
    ]
    named = read(tmp_path, text + "strategy: {name: random}\n")
    assert [member.config["strategy"] for member in named] == [{"name": "random"}] * 3


def test_no_task_shares_its_config_with_another(tmp_path: Path):
    first, second = read(tmp_path, "tasks: {a: /a, b: /b}\nlimits: {trials: 9}\n")
    first.config["limits"]["trials"] = 1
    assert second.config["limits"] == {"trials": 9}


def test_everything_that_is_wrong_is_said_at_once(tmp_path: Path):
    with pytest.raises(InputError) as caught:
        read(tmp_path, "tasks: {a: 3, b: none.yaml, c/d: /x}\nwarm: often\ntask: {path: /y}\n")
    told = "\n".join(caught.value.faults)
    for fault in (
        "warm: expected true or false, got 'often'",
        "task: expected the tasks under 'tasks'",
        "tasks.a: expected a folder, a task section or a config file; got 3",
        "none.yaml' does not exist",
        "expected plain names, without '/'; got 'c/d'",
    ):
        assert fault in told
    assert len(caught.value.faults) == 5


def test_a_suite_without_tasks_is_refused(tmp_path: Path):
    with pytest.raises(InputError, match="tasks: expected a mapping of names to tasks, got None"):
        read(tmp_path, "seed: 3\n")


@pytest.mark.parametrize(
    ("suite", "tasks"),
    [("organs", ["polyps", "lesions", "hippocampus"]), ("light", ["kvasir", "busi", "hippocampus"])],
)
def test_a_suite_that_ships_names_configs_that_are_there(suite: str, tasks: list[str]):
    path = Path(__file__).parents[3] / "runs" / "examples" / "suites" / f"{suite}.yaml"
    members = read_suite(path)
    assert [member.name for member in members] == tasks
    assert all("path" in member.config["task"] for member in members)
    assert [fault for member in members for fault in parse_config(member.config).faults] == []
