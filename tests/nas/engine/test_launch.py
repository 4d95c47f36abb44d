"""Whole searches: what they leave on disk, that they can be repeated, refused, interrupted and resumed."""

from __future__ import annotations

import json
import multiprocessing
import shutil
import signal
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from PIL import Image

import nas
from nas.config.config import Config
from nas.engine.launch import FIXED, _create, _same
from nas.exports.export import load_export
from nas.records.journal import Journal
from nas.records.lock import locked
from nas.records.trial import Trial
from nas.run import Run
from search_spaces.errors import InputError
from search_spaces.space.space_file import load_space
from tests.evaluators.tasks.files import write_picture
from tests.nas.sessions import Session
from tests.nas.small_task import small_config


def results(trials: list[Trial]) -> list[dict[str, Any]]:
    """What must be equal between equal searches: everything but times."""
    return [
        {k: v for k, v in trial.to_dict().items() if k not in ("seconds", "cpu_seconds", "finished")}
        for trial in trials
    ]


def content(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


# -- the run folder ---------------------------------------------------------------------------------------


def test_a_run_folder_holds_config_journal_front_and_weights_and_nothing_half_written(finished):
    names = {path.name for path in finished.folder.iterdir()}
    assert names == {"config.yaml", "cases.csv", "journal.jsonl", "front.json", "inference.json", "weights"}
    finals = [trial for trial in finished.journal if trial.phase == "final"]
    assert {f"weights/{path.name}" for path in (finished.folder / "weights").iterdir()} == {t.weights for t in finals}


def test_the_config_is_written_out_whole_with_versions_and_mechanisms(finished, small_task):
    config = yaml.safe_load((finished.folder / "config.yaml").read_text())
    assert config["task"]["path"] == str(small_task)
    assert config["task"]["dims"] == 2
    assert {"torch", "ray", "monai", "nni", "numpy", "python", "attention-nas"} <= set(config["versions"])
    assert {name for slot in config["space"]["slots"].values() for name in slot} == {"se", "eca", "cbam"}
    assert config["preprocessing"]["labelling"]["classes"] == ["disc"]
    assert load_space(config["space"], 2).to_dict() == config["space"]
    assert config["training"]["steps"] == 12


def test_the_journal_holds_the_search_with_the_plain_network_first_then_the_finals(finished):
    searched = [trial for trial in finished.journal if trial.phase == "search"]
    finals = [trial for trial in finished.journal if trial.phase == "final"]
    assert finished.journal == searched + finals
    assert [trial.number for trial in searched] == list(range(5))
    assert searched[0].architecture.is_plain
    assert len({trial.architecture for trial in searched}) == 5
    assert {trial.seed for trial in finals} == {1, 2}
    assert searched[0].architecture in {trial.architecture for trial in finals}
    assert all(trial.error is None and trial.dice is not None for trial in finished.journal)
    assert all(trial.distances and trial.surface_dice for trial in finals)
    assert all({"surface_dice", "surface_dice_tolerance", "ece", "brier"} <= trial.metrics.keys() for trial in finals)
    assert not any("ece" in trial.metrics for trial in searched)
    assert all(trial.false_positives.keys() == trial.cases.keys() for trial in finished.journal)


def test_searches_are_scored_on_validation_cases_and_finals_on_test_cases(finished):
    cases = {
        phase: {case for trial in finished.journal if trial.phase == phase for case in trial.cases}
        for phase in ("search", "final")
    }
    assert all(cases.values())
    assert not cases["search"] & cases["final"]


def test_the_front_file_is_strict_json_of_both_fronts_and_a_summary(finished):
    def refuse(name: str) -> None:
        raise AssertionError(name)

    data = json.loads((finished.folder / "front.json").read_text(), parse_constant=refuse)
    assert {point["key"] for point in data["search"]} == {
        trial.architecture.key for trial in finished.journal if trial.phase == "search"
    }
    assert sum(point["plain"] for point in data["search"]) == sum(point["plain"] for point in data["final"]) == 1
    assert data["summary"]["trials"] == 5
    assert 0 < data["summary"]["hypervolume"] < 1
    assert data["summary"]["ended"] == "limits.trials (5) is reached"
    assert 0 < data["summary"]["utilisation"] <= 1.5


def test_a_run_is_read_again_by_name_and_its_trials_are_a_table(finished):
    again = nas.load_run("small", finished.folder.parent)
    assert again.journal == finished.journal
    assert again.front.best() == finished.front.best()
    assert len(again.trials) == len(finished.journal)
    assert again.trials["dice"].tolist() == [trial.dice for trial in finished.journal]
    assert again.trained(again.front.best()) is not None


# -- rungs ------------------------------------------------------------------------------------------------


@pytest.mark.slow
def test_trials_that_are_halted_and_go_on_elsewhere_score_as_if_they_had_never_stopped(
    finished, cluster, small_task, tmp_path
):
    """The same architectures with halving and without, on two workers that take up what others began."""
    common = {
        "strategy": {"name": "random"},
        "limits": {"trials": 8},
        "finals": {"seeds": 0},
        "resources": {"workers": 2},
    }
    runs = [
        nas.search(
            small_config(small_task, fidelity={"reduction": reduction}, **common),
            run=f"by{reduction}",
            runs=tmp_path,
            cluster=cluster,
        )
        for reduction in (1, 2)
    ]
    whole, halved = ({trial.architecture: trial for trial in run.journal} for run in runs)
    assert whole.keys() == halved.keys()
    lines = (runs[1].folder / "journal.jsonl").read_text().splitlines()
    assert len(lines) > len(halved)  # a line for each time that a trial was scored
    for architecture, trial in halved.items():
        assert trial.curve == whole[architecture].curve[: len(trial.curve)]
        assert trial.steps == trial.curve[-1][0]
    reached = [trial.steps for trial in halved.values()]
    assert {trial.steps for trial in whole.values()} == {12}
    assert 12 in reached
    assert min(reached) == 3
    assert sum(reached) < 0.75 * 8 * 12
    front = runs[1].front
    assert {point.steps for point in front.points} == {12}
    waiting = {f"{trial.number}.safetensors" for trial in halved.values() if trial.steps < 12}
    assert {path.name for path in (runs[1].folder / "states").iterdir()} <= waiting


# -- again ------------------------------------------------------------------------------------------------


def test_the_same_config_and_seed_give_the_same_architectures_the_same_dice_and_the_same_weights(
    finished, cluster, small_task, tmp_path
):
    again = nas.search(small_config(small_task), run="again", runs=tmp_path, cluster=cluster)
    assert results(again.journal) == results(finished.journal)
    assert content(again.folder / "weights") == content(finished.folder / "weights")


def test_a_resumed_run_ends_as_one_that_nothing_interrupted(finished, cluster, tmp_path):
    folder = tmp_path / "small"
    folder.mkdir()
    for name in ("config.yaml", "cases.csv"):
        shutil.copy(finished.folder / name, folder)
    lines = (finished.folder / "journal.jsonl").read_bytes().splitlines(keepends=True)
    scored = len(finished.journal[0].curve)  # as many lines of each search trial
    assert scored == 3
    (folder / "journal.jsonl").write_bytes(b"".join(lines[: 3 * scored]) + lines[3 * scored][:50])
    resumed = nas.search(run="small", resume=True, runs=tmp_path, cluster=cluster)
    assert resumed.folder == folder
    assert results(resumed.journal) == results(finished.journal)
    assert resumed.journal[:3] == finished.journal[:3]


@pytest.mark.slow
def test_another_seed_gives_another_search(finished, cluster, small_task, tmp_path):
    config = small_config(small_task, seed=1, finals={"seeds": 0}, limits={"trials": 3})
    other = nas.search(config, runs=tmp_path, cluster=cluster)
    assert other.name == "search"
    assert other.journal[0].architecture == finished.journal[0].architecture
    assert other.journal[0].dice != finished.journal[0].dice
    assert other.final_front is None


def test_a_finished_run_goes_on_searching_when_its_limits_are_raised_and_keeps_its_summary(finished, cluster, tmp_path):
    folder = Path(shutil.copytree(finished.folder, tmp_path / "small"))
    unchanged = nas.search(run="small", resume=True, runs=tmp_path, cluster=cluster)
    assert unchanged.journal == finished.journal
    assert unchanged.summary == finished.summary
    more = nas.search(run="small", resume=True, runs=tmp_path, cluster=cluster, settings=["limits.trials=6"])
    assert more.folder == folder
    assert more.journal[: len(finished.journal)] == finished.journal
    assert more.summary["trials"] == 6


# -- refused ----------------------------------------------------------------------------------------------


@pytest.fixture
def copy(finished, tmp_path):
    """The finished run in a folder of its own."""
    return Run(Path(shutil.copytree(finished.folder, tmp_path / "runs" / "small")))


def refused(copy: Run, cluster: Any, config: Any = None, **given: Any) -> list[str]:
    """The faults of a search that must leave the runs as they are."""
    before = content(copy.folder.parent)
    with pytest.raises(InputError) as caught:
        nas.search(config, runs=copy.folder.parent, cluster=cluster, **given)
    assert content(copy.folder.parent) == before
    assert {path.name for path in copy.folder.parent.iterdir()} == {"small"}
    assert all("\n" not in fault for fault in caught.value.faults)
    return caught.value.faults


def test_the_name_of_a_run_that_exists_is_refused(copy, cluster, small_task):
    (fault,) = refused(copy, cluster, small_config(small_task), run="small")
    assert fault == (
        f"run 'small' exists in '{copy.folder.parent}/'; expected a new name, or --resume to go on with it"
    )


@pytest.mark.parametrize("content", ["a: [", "- 1", "a: 1\na: 2"])
def test_a_run_whose_config_is_damaged_is_named_when_it_is_to_go_on(tmp_path, content):
    (tmp_path / "hurt").mkdir()
    (tmp_path / "hurt" / "config.yaml").write_text(content)
    with pytest.raises(InputError, match=r"^run .*hurt.*(is not YAML|holds no mapping)"):
        nas.search(run="hurt", resume=True, runs=tmp_path)


@pytest.mark.parametrize("name", ["a/b", "", "../small", "/tmp/x"])
def test_a_run_name_that_is_no_plain_name_is_refused(copy, cluster, small_task, name):
    (fault,) = refused(copy, cluster, small_config(small_task), run=name)
    assert fault == f"run name '{name}': expected a plain name, without '/'"


def test_a_folder_of_runs_that_can_be_none_is_told_before_anything_is_read(tmp_path, small_task):
    (tmp_path / "runs").write_text("a file")
    with pytest.raises(InputError, match="runs is no folder"):
        nas.search(small_config(small_task), runs=tmp_path / "runs", reading=lambda *_: pytest.fail("was read"))


def test_a_run_that_does_not_exist_cannot_be_resumed(copy, cluster):
    (fault,) = refused(copy, cluster, run="smal", resume=True)
    assert fault.startswith("run 'smal' does not exist in ")


@pytest.mark.parametrize(
    ("settings", "faults"),
    [
        (["seed=3"], ["seed: cannot change when a run is resumed; the run has 0, got 3"]),
        (["training.steps=13"], ["training.steps: cannot change when a run is resumed; the run has 12, got 13"]),
        (
            ["space.options.width=[4, 8]"],
            ["space.options.width: cannot change when a run is resumed; the run has [4, 6, 8], got [4, 8]"],
        ),
        (
            ["task.patch=[16, 16]", "strategy.name=random"],
            [
                "task.patch: cannot change when a run is resumed; the run has None, got [16, 16]",
                "strategy.name: cannot change when a run is resumed; the run has 'model', got 'random'",
            ],
        ),
        (["evaluator=synthetic"], ["evaluator: cannot change when a run is resumed; the run has 'train', "
                                   "got 'synthetic'"]),
    ],
)  # fmt: skip
def test_a_run_is_not_resumed_as_another_search(copy, cluster, settings, faults):
    assert sorted(refused(copy, cluster, run="small", resume=True, settings=settings)) == sorted(faults)


def test_a_key_that_came_later_stops_no_older_run_where_it_has_its_default():
    older, now = Config().model_dump(), Config().model_dump()
    del older["task"]["nan"]
    _same(older, now)
    now["task"]["nan"] = "background"
    with pytest.raises(InputError, match=r"^task\.nan: cannot change when a run is resumed"):
        _same(older, now)


@pytest.mark.parametrize("change", [{"folds": 3}, {"tolerance": 2.0}])
def test_what_finals_are_scored_by_cannot_change_once_one_has_ended(change):
    before, now = Config().model_dump(), Config().model_dump()
    now["finals"] |= change
    _same(before, now)
    with pytest.raises(InputError, match=r"^finals\.\w+: cannot change when a run is resumed; the run has None, got"):
        _same(before, now, FIXED)


def test_a_run_is_not_resumed_on_another_task(copy, cluster, small_task, tmp_path):
    other = shutil.copytree(small_task, tmp_path / "other")
    (fault,) = refused(copy, cluster, small_config(other), run="small", resume=True)
    expected = f"task.path: cannot change when a run is resumed; the run has {str(small_task)!r}, got "
    assert fault[:70] == expected[:70]


def hold(folder: Path, held: Any, done: Any) -> None:
    with locked(folder):
        held.set()
        done.wait(60)


def test_a_run_that_another_process_is_at_work_on_is_refused(copy, cluster):
    fresh = multiprocessing.get_context("spawn")
    held, done = fresh.Event(), fresh.Event()
    process = fresh.Process(target=hold, args=(copy.folder, held, done))
    process.start()
    try:
        assert held.wait(60)
        (fault,) = refused(copy, cluster, run="small", resume=True)
    finally:
        done.set()
        process.join()
    assert fault == "run 'small': another process is at work on it; wait for it, or end it"
    with locked(copy.folder):  # it let go
        pass


def test_two_searches_that_start_at_once_get_folders_of_their_own(tmp_path):
    """The name was free for both when they looked; the second one finds it taken when it makes its folder."""
    folders = [_create(tmp_path, None, "hippocampus") for _ in range(3)]
    assert [folder.name for folder in folders] == ["hippocampus", "hippocampus-2", "hippocampus-3"]
    (tmp_path / "dangling").symlink_to(tmp_path / "nowhere")
    for name in ("hippocampus", "dangling"):
        with pytest.raises(InputError, match=f"run '{name}' exists"):
            _create(tmp_path, name, "hippocampus")


BAD = {
    "space: {mechanisms: [cbma]}": "unknown mechanism 'cbma'",
    "training: {steps: 0}": "training.steps: expected at least 1",
    "strategy: {optimism: -1}": "model: optimism",
    "limits: {params: 10}": "limits.params: expected at least",
    "limits: {macs: 10}": "limits.macs: expected at least",
    "task: {path: /nowhere}": "task '/nowhere'",
    "resources: {cpus_per_trial: 10000}": "resources.cpus_per_trial: expected at most",
}


@pytest.mark.parametrize("text", BAD)
def test_a_bad_config_leaves_no_run_folder(cluster, small_task, tmp_path, text):
    with pytest.raises(InputError, match=BAD[text]):
        nas.search({**small_config(small_task), **yaml.safe_load(text)}, runs=tmp_path / "runs", cluster=cluster)
    assert not (tmp_path / "runs").exists()


def test_a_damaged_image_leaves_no_run_folder(cluster, small_task, tmp_path):
    task = Path(shutil.copytree(small_task, tmp_path / "task"))
    image = task / "images" / "case05.png"
    image.write_bytes(image.read_bytes()[:60])
    with pytest.raises(InputError, match=r"case05\.png: cannot be read as png, damaged or truncated"):
        nas.search(small_config(task), runs=tmp_path / "runs", cluster=cluster)
    assert not (tmp_path / "runs").exists()


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ("label", "1 case with another label (case05)"),
        ("image", "1 case with another image (case05)"),
        ("more", "1 case new (case99)"),
    ],
)
def test_a_run_does_not_go_on_with_other_data(copy, cluster, small_task, tmp_path, change, told):
    task = Path(shutil.copytree(small_task, tmp_path / "task"))
    config = copy.folder / "config.yaml"
    config.write_text(config.read_text().replace(str(small_task), str(task)))
    folder = "labels" if change == "label" else "images"
    changed = np.asarray(Image.open(task / folder / "case05.png"))[:, ::-1]  # no copy of another image
    if change == "more":
        write_picture(task / "images" / "case99.png", changed)
        shutil.copy(task / "labels" / "case05.png", task / "labels" / "case99.png")
    else:
        write_picture(task / folder / "case05.png", changed)
    faults = refused(copy, cluster, run="small", resume=True, settings=["limits.trials=9"])
    assert f"run 'small' has seen other data than lie there now: {told}" in faults


def test_the_preprocessing_of_trained_weights_stays(copy, cluster, monkeypatch):
    """Whatever a later version would choose for the same data."""
    settled = copy.preprocessing
    monkeypatch.setattr("evaluators.preprocessing._choose", None)
    resumed = nas.search(run="small", resume=True, runs=copy.folder.parent, cluster=cluster)
    assert resumed.preprocessing == settled


def test_a_journal_that_was_damaged_is_refused_with_its_line(copy, cluster):
    journal = copy.folder / "journal.jsonl"
    journal.write_text("{}\n" + journal.read_text())
    (fault,) = refused(copy, cluster, run="small", resume=True)
    assert fault.startswith(f"journal '{journal}', line 1: ")


# -- interrupted ------------------------------------------------------------------------------------------


linux = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="looks for processes in /proc")


@pytest.fixture
def slow(small_task, tmp_path) -> Path:
    """A config of a search that takes long enough to be stopped in the middle."""
    changes = {"limits": {"trials": 8}, "training": {"steps": 20}, "finals": {"seeds": 1, "steps": 10}, "resources": {}}
    path = tmp_path / "slow.yaml"
    path.write_text(yaml.safe_dump(small_config(small_task, **changes)))
    return path


def assert_whole(run: Run, before: list[Trial]) -> None:
    """A search of 8 trials that ended: what was done before is there or was gone on with, nothing was done twice."""
    for old, new in zip(before, run.journal, strict=False):
        assert new == old or new.goes_on_from(old)
    searched = [trial for trial in run.journal if trial.phase == "search"]
    assert sorted(trial.number for trial in searched) == list(range(8))
    assert len({trial.architecture for trial in searched}) == 8
    finals = [trial.architecture for trial in run.journal if trial.phase == "final"]
    assert len(finals) == len(set(finals)) >= 1
    assert searched[0].architecture in finals


@linux
@pytest.mark.slow
def test_a_search_that_is_interrupted_says_how_to_go_on_leaves_no_process_and_goes_on(slow, cluster, tmp_path):
    folder = tmp_path / "runs" / "slow"
    first = Session(["search", slow], tmp_path)
    first.wait_for_trials(folder / "journal.jsonl", 2)
    first.interrupt()
    code, out, err = first.end()
    assert code == 130
    assert "slow: Dice on validation cases" in out
    assert err == "stopped; go on with: nas search --resume --run slow\n"
    assert first.left_behind() == []
    before = Journal(folder / "journal.jsonl").read()
    assert 2 <= len(before) < 8
    assert len(json.loads((folder / "front.json").read_text())["search"]) == len(before)

    assert_whole(nas.search(slow, run="slow", resume=True, runs=tmp_path / "runs", cluster=cluster), before)


@linux
@pytest.mark.slow
def test_the_command_goes_on_with_what_was_interrupted_and_exports_the_best(slow, tmp_path):
    folder = tmp_path / "runs" / "slow"
    first = Session(["search", slow], tmp_path)
    first.wait_for_trials(folder / "journal.jsonl", 2)
    first.interrupt()
    assert first.end()[0] == 130
    before = Journal(folder / "journal.jsonl").read()
    second = Session(["search", "--resume", "--run", "slow"], tmp_path)
    code, out, err = second.end()
    assert (code, err) == (0, "")
    assert f" trials at once, {len(before)} trials done before\n" in out
    assert "slow: Dice on test cases, mean of 1 seed" in out
    assert "exported the best to runs/slow/export: try  nas predict runs/slow/export IMAGE...\n" in out
    assert_whole(Run(folder), before)
    assert load_export(folder / "export").about["params"] > 0
    assert second.left_behind() == []


@linux
@pytest.mark.parametrize("whom", ["the command", pytest.param("every process", marks=pytest.mark.slow)])
def test_the_end_of_a_schedulers_time_ends_a_search_as_ctrl_c_does(cluster, tmp_path, whom):
    folder = tmp_path / "runs" / "phantom"
    few = {"limits.trials": 3, "training.steps": 5, "finals.seeds": 0, "resources.workers": 1, "evaluator": "synthetic"}
    settings = [f"{key}={value}" for key, value in few.items()]
    session = Session(["search", *(part for setting in settings for part in ("--set", setting)), "--set",
                       "limits.trials=100000"], tmp_path)  # fmt: skip
    session.wait_for_trials(folder / "journal.jsonl", 2)
    session.terminate() if whom == "the command" else session.interrupt(signal.SIGTERM)
    assert session.end()[::2] == (130, "stopped; go on with: nas search --resume --run phantom\n")
    before = Journal(folder / "journal.jsonl").read()
    assert len(before) >= 2
    more = [f"limits.trials={len(before) + 1}"]
    after = nas.search(run="phantom", resume=True, settings=more, runs=tmp_path / "runs", cluster=cluster).journal
    assert after[: len(before)] == before
    assert len(after) == len(before) + 1


@linux
@pytest.mark.slow
def test_a_search_that_is_killed_loses_at_most_the_trials_in_flight(slow, cluster, tmp_path):
    folder = tmp_path / "runs" / "slow"
    session = Session(["search", slow], tmp_path)
    session.wait_for_trials(folder / "journal.jsonl", 2)
    session.kill()
    session.end()
    assert session.left_behind(tolerated="Agent") == []  # Ray's agents look for their parent once a minute
    before = Journal(folder / "journal.jsonl").read()
    assert 2 <= len(before) < 8
    assert not list(folder.glob(".*"))
    assert_whole(nas.search(slow, run="slow", resume=True, runs=tmp_path / "runs", cluster=cluster), before)
