"""The command line: every command on one finished run, its exit codes and what it prints."""

from __future__ import annotations

import importlib
import io
import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import nibabel
import numpy as np
import pandas
import pytest
import safetensors.torch
import torch
import typer
import yaml
from PIL import Image
from rich.console import Console

import nas.cli
from evaluators.evaluator import EVALUATORS
from evaluators.labelling import Labelling
from evaluators.preprocessing import Preprocessing, prepare
from evaluators.scoring import dice_scores
from evaluators.tasks import TASK_FORMATS, open_task
from evaluators.tasks.labels import parse_classes
from nas.cli.app import COMMANDS, app
from nas.config.config import parse_config
from nas.config.reference import keys
from nas.exports.export import load_export, write_export
from nas.exports.formats import FORMATS
from nas.quantities import format_count
from nas.records.journal import Journal
from nas.run import Run
from nas.strategies import STRATEGIES
from search_spaces.architecture.architecture import Architecture
from search_spaces.architecture.placement import Placement
from search_spaces.architecture.preset import load_preset, preset_names
from search_spaces.attention import MECHANISMS
from search_spaces.errors import InputError
from search_spaces.hosts import HOSTS
from search_spaces.space.space_file import space_names
from tests.evaluators.tasks.files import write_picture
from tests.nas.report.made_up import made_up_run
from tests.nas.small_task import small_config, write_small_task
from tests.nas.trials import architecture, trial

NAMES = (
    *("search", "suite", "init", "front", "report", "serve", "effects", "export", "track"),
    *("plan", "train", "predict", "profile", "benchmark", "list"),
)


@dataclass(frozen=True)
class Result:
    code: int
    out: str
    err: str

    @property
    def words(self) -> str:
        """The output with its line breaks undone: tables are wrapped to the terminal."""
        return " ".join(self.out.split())


Nas = Callable[..., Result]


@pytest.fixture
def nas_(monkeypatch, capsys) -> Nas:
    """The command line in this process: ``nas_("front", "run")``."""

    def run(*arguments: str | Path) -> Result:
        monkeypatch.setattr(sys, "argv", ["nas", *map(str, arguments)])
        with pytest.raises(SystemExit) as caught:
            nas.cli.main()
        out, err = capsys.readouterr()
        code = caught.value.code
        return Result(0 if code is None else int(code), out, err)

    return run


@pytest.fixture
def run_folder(finished, tmp_path, monkeypatch) -> Path:
    """The working folder holds a copy of the finished run in ``runs/small``."""
    monkeypatch.chdir(tmp_path)
    return Path(shutil.copytree(finished.folder, tmp_path / "runs" / "small"))


def refused(result: Result) -> list[str]:
    """The faults of a refused command: lines ``error: ...`` and nothing else, exit code 2."""
    assert result.code == 2, result
    lines = result.err.splitlines()
    assert lines
    assert all(line.startswith("error: ") for line in lines), result.err
    return [line.removeprefix("error: ") for line in lines]


# -- help -------------------------------------------------------------------------------------------------


def test_help_shows_every_command(nas_):
    for arguments in (["--help"], ["-h"]):
        result = nas_(*arguments)
        assert result.code == 0
        for name in NAMES:
            assert f" {name} " in result.out
    assert "Usage: nas " in result.out


def test_every_command_and_every_option_has_a_help_text():
    for module in COMMANDS:
        importlib.import_module(f"nas.cli.{module}")
    commands = typer.main.get_command(app).commands  # type: ignore[attr-defined]
    assert set(commands) == set(NAMES)
    for name, command in commands.items():
        assert command.help, name
        for parameter in command.params:
            assert getattr(parameter, "help", None), f"{name} {parameter.name}"


@pytest.mark.parametrize("name", NAMES)
def test_the_help_of_a_command_tells_its_usage(nas_, name):
    result = nas_(name, "--help")
    assert result.code == 0
    assert f"Usage: nas {name}" in result.out


def test_help_comes_at_once():
    """Neither torch nor Ray is imported for it."""
    code = "import sys; sys.argv = ['nas', '--help']; import nas.cli\ntry: nas.cli.main()\nexcept SystemExit: pass\n"
    code += "print([name for name in ('torch', 'ray', 'monai', 'nni') if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=300, check=True)
    assert done.stdout.splitlines()[-1] == "[]"


def test_a_front_waits_for_no_library_that_it_has_no_need_of():
    code = "import sys, nas.run, nas.cli.tables\n"
    code += "print([name for name in ('scipy', 'monai', 'pandas', 'ray', 'nni', 'nibabel') if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=300, check=True)
    assert done.stdout.splitlines()[-1] == "[]"


@pytest.mark.parametrize("arguments", [["serach"], ["search", "--rum", "x"], ["front"], ["list", "mechanism"]])
def test_a_command_that_cannot_be_parsed_ends_with_code_2_and_no_trace(nas_, arguments):
    result = nas_(*arguments)
    assert result.code == 2
    assert result.out == ""
    assert "Traceback" not in result.err
    assert result.err


def test_the_module_runs_as_the_command_does():
    done = subprocess.run(
        [sys.executable, "-m", "nas", "front", "nothing"], capture_output=True, text=True, timeout=300, check=False
    )
    assert done.returncode == 2
    assert done.stderr.startswith("error: run 'nothing' does not exist in 'runs/'")


# -- errors -----------------------------------------------------------------------------------------------


def test_an_error_shows_its_trace_only_with_debug_wherever_that_stands(nas_):
    plain = nas_("front", "nothing")
    assert len(refused(plain)) == 1
    for arguments in (["--debug", "front", "nothing"], ["front", "nothing", "--debug"]):
        result = nas_(*arguments)
        assert result.code == 2
        assert result.err.startswith("Traceback (most recent call last):")
        assert result.err.endswith(plain.err)


def test_any_other_failure_is_one_line_and_its_trace_with_debug(nas_, run_folder, monkeypatch):
    def fail(*_: object) -> None:
        raise PermissionError(13, "Permission denied", "runs/small")

    monkeypatch.setattr("nas.run.load_run", fail)
    result = nas_("front", "small")
    assert result.code == 1
    assert result.err == (
        "error: PermissionError: [Errno 13] Permission denied: 'runs/small'; --debug shows the trace\n"
    )
    assert "Traceback" in nas_("front", "small", "--debug").err


def test_markup_in_names_is_printed_as_it_is(nas_):
    (line,) = refused(nas_("front", "[bold]x[/bold]"))
    assert line.startswith("run '[bold]x[/bold]' does not exist in 'runs/'")
    (line,) = refused(nas_("front", "a\nb :skull:"))
    assert line.startswith("run 'a\\nb :skull:' does not exist")


def test_markup_in_names_of_classes_is_shown_as_it_is(nas_, small_task):
    result = nas_("plan", small_task, "--set", 'task.classes={"core[/x] :skull: [red]": 255}')
    assert result.code == 0, result.err
    assert "core[/x] :skull: [red]" in result.words


def test_an_interrupted_command_ends_with_code_130(nas_, run_folder, monkeypatch):
    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("nas.run.load_run", interrupt)
    result = nas_("front", "small")
    assert result.code == 130
    assert "Traceback" not in result.err


# -- front ------------------------------------------------------------------------------------------------


def test_front_draws_the_finals_and_lists_every_finalist(nas_, run_folder, finished):
    result = nas_("front", "small")
    assert result.code == 0
    assert "small: Dice on test cases, mean of 2 seeds" in result.out
    assert "plain network" in result.out
    front = finished.front
    for point in (*front.points, *front.dominated):
        assert f"{point.dice:.3f}" in result.out
    assert max(map(len, result.out.splitlines())) <= 90
    within = front.within_tolerance(0.01)
    line = f"the lightest within 0.01 of the best: {format_count(within.cost.params)} parameters, probability "
    assert result.out.splitlines()[-1] == f"{line}{front.chance_within(within, 0.01):.2f}"


def test_front_of_the_search_is_shown_beside_finals_with_what_the_model_believes(nas_, run_folder, finished):
    result = nas_("front", "small", "--search")
    assert result.code == 0
    assert "small: Dice on validation cases, mean of 1 seed\n" in result.out
    assert "expected, 95%" in result.out
    assert "those of the model of all trials" in result.out
    points = json.loads(nas_("front", "small", "--search", "--json").out)
    assert {point["key"] for point in points} == {point.architecture.key for point in finished.search_front.everything}
    assert all(point["p"] is None and 0 <= point["on_front_probability"] <= 1 for point in points)


def test_no_mark_of_the_plot_lies_beyond_a_narrow_terminal(nas_, run_folder, finished, monkeypatch):
    monkeypatch.setenv("COLUMNS", "60")
    result = nas_("front", "small")
    assert result.code == 0
    assert all(len(line) <= 60 for line in result.out.splitlines())
    plot = result.out.split("└")[0]
    assert plot.count("+") == 1
    assert "●" in plot or finished.front.points == (finished.front.plain,)


def test_front_of_a_search_without_finals_is_on_validation_cases(nas_, run_folder):
    lines = (run_folder / "journal.jsonl").read_text().splitlines(keepends=True)
    (run_folder / "journal.jsonl").write_text("".join(lines[:5]))
    result = nas_("front", "small")
    assert result.code == 0
    assert "small: Dice on validation cases, mean of 1 seed\n" in result.out


def test_front_as_json_is_the_points_and_nothing_else(nas_, run_folder, finished):
    result = nas_("front", "small", "--json")
    assert result.code == 0
    points = json.loads(result.out)
    assert [point["params"] for point in points] == sorted(point["params"] for point in points)
    assert {point["key"] for point in points} == {
        point.architecture.key for point in (*finished.front.points, *finished.front.dominated)
    }
    for point in points:
        assert Architecture.from_dict(point["architecture"]).key == point["key"]
        assert 0 <= point["on_front_probability"] <= 1
        attention = bool(point["architecture"]["attention"])
        assert (point["equal_size"] is not None) == attention
    assert sum(point["plain"] for point in points) == 1


def test_front_shows_what_else_was_measured_and_what_a_prediction_takes(nas_, run_folder, finished, monkeypatch):
    monkeypatch.setenv("COLUMNS", "120")
    shown = nas_("front", "small", "--scores", "--cost")
    assert shown.code == 0
    for heading in ("surface Dice", "HD95 mm", "missed", "ECE", "Brier", "MACs", "CPU ms", "memory"):
        assert heading in shown.out
    assert "surface Dice: within 1 mm, a miss is 0" in shown.words
    for point in finished.front.everything:
        cost = finished.inference_costs[point.architecture.key]
        assert f"{point.metrics['surface_dice']:.3f} " in shown.out
        assert f"{cost.cpu_ms:g}" in shown.out
        assert f"on {cost.cpu}, 1 thread" in shown.words


def test_the_front_as_json_and_an_export_hold_both_too(nas_, run_folder, finished):
    (point, *_) = json.loads(nas_("front", "small", "--json").out)
    stored = json.loads((run_folder / "front.json").read_text())["final"][0]
    assert point == stored
    assert {"surface_dice", "surface_dice/disc", "ece", "brier", "hd95_missed"} <= point["metrics"].keys()
    assert point["inference"]["size"] == [32, 32]
    assert nas_("export", "small", "--out", "model").code == 0
    about = yaml.safe_load(Path("model/model.yaml").read_text())
    assert about["inference"]["cpu_ms"] > 0
    assert 0 <= about["surface_dice"] <= 1


def test_front_picks_by_budget_knee_and_tolerance(nas_, run_folder, finished):
    front = finished.front
    smallest = front.points[0].cost.params
    wanted = {
        ("--budget", str(smallest)): front.within_budget(smallest),
        ("--budget", "500k"): front.within_budget(500_000),
        ("--knee",): front.knee(),
        ("--tolerance", "1"): front.points[0],
        ("--tolerance", "0"): front.best(),
        ("--budget", str(smallest), "--knee"): front.points[0],
        ("--macs", "1G", "--latency", "100000"): front.best(),
        ("--at-least", "0"): min(front.compared, key=lambda point: point.cost.params),
        ("--key", front.compared[-1].architecture.key[:8]): front.compared[-1],
    }
    for options, point in wanted.items():
        result = nas_("front", "small", *options, "--json")
        assert result.code == 0
        told = json.loads(result.out)
        assert told["key"] == point.architecture.key, options
        assert ("within" in told) == ("--tolerance" in options)
        assert ("reaches" in told) == ("--at-least" in options)
        shown = nas_("front", "small", *options)
        assert shown.code == 0
        assert shown.out.endswith(point.architecture.to_yaml() + "\n")


@pytest.mark.parametrize(
    ("options", "fault"),
    [
        (["--budget", "lots"], "--budget: expected a count such as 500000, '500k' or '2M'; got 'lots'"),
        (["--budget", "10"], "no network within 10 parameters; the least there is: "),
        (["--macs", "lots"], "--macs: expected a count such as 500000, '500k' or '2M'; got 'lots'"),
        (["--budget", "10", "--latency", "0"], "no network within 10 parameters and 0.0 ms; the least there is: "),
        (["--at-least", "0.999"], "no network is predicted to reach a Dice of 0.999; the likeliest, "),
        (["--at-least", "85"], "at least: expected a Dice from 0 to 1; got 85"),
        (["--key", "no"], "key 'no': expected the beginning of one network's key, as --json tells them; it fits none"),
        (["--json", "--csv"], "front: expected one of --json and --csv; got both"),
        (["small", "--knee"], "front: --knee takes one run; got 2"),
        (["--tolerance", "-0.1"], "tolerance: expected a difference of Dice from 0; got -0.1"),
        (
            ["--knee", "--tolerance", "0"],
            "pick: expected one of --knee, --tolerance, --at-least, --key; got --knee and ",
        ),
        (["--picture", "front.bmp"], "picture 'front.bmp': expected one of .png, .svg, .pdf, got '.bmp'"),
    ],
)
def test_a_pick_that_cannot_be_made_is_refused(nas_, run_folder, options, fault):
    (line,) = refused(nas_("front", "small", *options))
    assert line.startswith(fault)


def test_a_table_of_the_front_holds_what_the_json_does(nas_, run_folder):
    points = json.loads(nas_("front", "small", "--json").out)
    rows = pandas.read_csv(io.StringIO(nas_("front", "small", "--csv").out))
    assert list(rows["run"]) == ["small"] * len(points)
    assert list(rows["key"]) == [point["key"] for point in points]
    assert rows["metrics.dice/disc"].tolist() == pytest.approx([point["metrics"]["dice/disc"] for point in points])
    assert rows["inference.cpu_ms"].tolist() == [point["inference"]["cpu_ms"] for point in points]


def test_front_shows_each_class(nas_, run_folder, finished):
    shown = nas_("front", "small", "--classes")
    assert shown.code == 0
    assert "disc Dice" in shown.words
    assert "disc HD95 mm" in shown.words
    for point in finished.front.everything:
        assert f"{point.metrics['dice/disc']:.3f}" in shown.out


def test_several_runs_share_a_plot(nas_, run_folder, finished, tmp_path):
    other = run_folder.with_name("other")
    shutil.copytree(run_folder, other)
    config = yaml.safe_load((other / "config.yaml").read_text())
    config["data"]["fingerprint"] = "of other images"
    (other / "config.yaml").write_text(yaml.safe_dump(config))
    result = nas_("front", "small", "other", "--picture", "both.png")
    assert result.code == 0
    assert result.out.startswith("Dice of 2 runs: finals\n")
    assert "A small   B other" in result.words.replace("  ", " ").replace("B other", "  B other")
    assert "not a fair comparison: other data" in result.words
    assert (tmp_path / "both.png").stat().st_size > 1000 or Path("both.png").stat().st_size > 1000
    told = json.loads(nas_("front", "small", "other", "--json").out)
    assert told["small"] == told["other"]
    assert told["small"] == json.loads(nas_("front", "small", "--json").out)
    assert nas_("front", "small", "other", "--csv").out.count("\n") == 1 + 2 * len(told["small"])


@pytest.mark.parametrize("suffix", ["png", "svg", "pdf"])
def test_front_draws_a_picture(nas_, run_folder, tmp_path, suffix):
    path = tmp_path / "pictures" / f"front.{suffix}"
    assert nas_("front", "small", "--picture", path).code == 0
    assert path.stat().st_size > 1000
    if suffix == "png":
        with Image.open(path) as picture:
            assert np.asarray(picture.convert("L")).std() > 0


def test_a_run_can_be_given_by_path_or_in_another_folder_of_runs(nas_, finished, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    by_path = nas_("front", finished.folder, "--json")
    elsewhere = nas_("front", "small", "--runs", finished.folder.parent, "--json")
    assert by_path.code == elsewhere.code == 0
    assert by_path.out == elsewhere.out


def test_a_misspelt_run_lists_the_runs_that_there_are(nas_, run_folder):
    assert refused(nas_("front", "smal")) == ["run 'smal' does not exist in 'runs/'; it holds: small"]


@pytest.mark.parametrize("command", ["front", "export", "report"])
def test_a_run_in_which_nothing_was_scored_is_told_so(nas_, run_folder, command):
    (run_folder / "journal.jsonl").unlink()
    (line,) = refused(nas_(command, "small"))
    assert "no completed trial" in line
    Journal(run_folder / "journal.jsonl").append(trial(0, dice=None))
    (line,) = refused(nas_(command, "small"))
    assert "no completed trial" in line


# -- export and predict -----------------------------------------------------------------------------------


@pytest.fixture
def exported(nas_, run_folder, tmp_path) -> Path:
    """The best of the run, exported; the run itself is gone."""
    result = nas_("export", "small", "--out", "model")
    assert result.code == 0
    assert result.out.startswith("model: Dice 0.")
    shutil.rmtree(run_folder)
    return tmp_path / "model"


def images_of(task: Path) -> list[Path]:
    return sorted((task / "images").iterdir())


def test_an_export_holds_architecture_weights_and_what_images_need(exported, finished):
    own = {"architecture.yaml", "weights.safetensors", "model.yaml", "README.md", "SHA256SUMS"}
    assert {path.name for path in exported.iterdir()} == own
    assert Architecture.load(exported / "architecture.yaml") == finished.front.best().architecture
    about = yaml.safe_load((exported / "model.yaml").read_text())
    assert about["run"] == "small"
    best = finished.front.best()
    assert about["dice"] == round(finished.trained(best).dice, 4)
    assert about["seeds"]["dice"] == round(best.dice, 4)
    assert about["cases"] == "test"
    assert about["preprocessing"]["labelling"]["classes"] == ["disc"]


def test_an_export_goes_into_the_run_where_no_folder_is_given(nas_, run_folder):
    for _ in range(2):  # and takes the place of an older one
        assert nas_("export", "small", "--knee").code == 0
        assert len(list((run_folder / "export").iterdir())) == 5
    assert {path.name for path in run_folder.iterdir()} == {
        "config.yaml", "cases.csv", "journal.jsonl", "front.json", "inference.json", "weights", "export",
    }  # fmt: skip


def test_predictions_after_the_run_is_gone_are_those_that_were_scored(exported, nas_, finished, small_task, tmp_path):
    """The Dice of the predicted files is the Dice in the journal, case by case."""
    references = ("--labels", small_task / "labels")
    result = nas_("predict", exported, small_task / "images", "--out", tmp_path / "labels", *references)
    assert result.code == 0
    count = len(images_of(small_task))
    told = f"{count} label images in {tmp_path / 'labels'}\n0 background, 255 disc\n"
    assert result.out.startswith(told)
    shown = dict(line.rsplit(maxsplit=1) for line in result.out.removeprefix(told).splitlines())
    assert shown.pop("Dice") == "disc"
    assert list(shown)[-1] == f"mean of {count}"
    best = finished.front.best()
    final = min((t for t in finished.journal if t.phase == "final" and t.architecture == best.architecture),
                key=lambda item: item.seed)  # fmt: skip
    labels = parse_classes({"disc": 255})
    assert final.cases
    for case, scores in final.cases.items():
        with Image.open(tmp_path / "labels" / f"{case}.png") as picture:
            predicted = labels.apply(np.asarray(picture), case)
        with Image.open(small_task / "labels" / f"{case}.png") as picture:
            reference = labels.apply(np.asarray(picture), case)
        assert predicted.dtype == np.uint8
        assert dice_scores(predicted, reference, ("disc",)) == scores
        assert shown[case] == f"{scores['disc']:.4f}"


def test_predict_takes_single_images_of_any_size_and_depth_of_colour(exported, nas_, tmp_path):
    rng = np.random.default_rng(0)
    write_picture(tmp_path / "in" / "odd.png", rng.integers(0, 255, (47, 29), np.uint8))
    write_picture(tmp_path / "in" / "deep.tif", rng.integers(0, 60_000, (33, 70), np.uint16))
    write_picture(tmp_path / "in" / ".hidden.png", np.zeros((4, 4), np.uint8))
    (tmp_path / "in" / "notes.txt").write_text("no image")
    result = nas_("predict", exported, tmp_path / "in", "--out", "out")
    assert result.code == 0
    assert sorted(path.name for path in Path("out").iterdir()) == ["deep.tif", "odd.png"]
    for name, size in (("odd.png", (29, 47)), ("deep.tif", (70, 33))):
        with Image.open(f"out/{name}") as picture:
            assert picture.size == size
            assert set(np.unique(np.asarray(picture))) <= {0, 255}


def test_predict_overwrites_no_image(exported, nas_, small_task, tmp_path):
    folder = Path(shutil.copytree(small_task / "images", tmp_path / "images"))
    before = {path: path.read_bytes() for path in folder.iterdir()}
    line, *others = refused(nas_("predict", exported, folder, "--out", folder))
    assert len(others) == len(before) - 1
    assert line == f"--out '{folder}': the result of 'case00' would overwrite the image {folder / 'case00.png'}"
    assert {path: path.read_bytes() for path in folder.iterdir()} == before


def test_predict_refuses_what_it_cannot_read(exported, nas_, small_task, tmp_path, monkeypatch):
    damaged = tmp_path / "damaged.png"
    damaged.write_bytes(images_of(small_task)[0].read_bytes()[:50])
    (tmp_path / "empty").mkdir()
    twice = tmp_path / "twice"
    for name in ("a/x.png", "b/x.png"):
        write_picture(twice / name, np.zeros((16, 16), np.uint8))
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    first = images_of(small_task)[0]
    wanted = {
        (exported, "nothing.png"): "image 'nothing.png' does not exist",
        (exported, tmp_path / "empty"): f"no image found in {tmp_path / 'empty'}; expected one of .png",
        (exported, damaged): f"{damaged}: cannot be read as png, damaged or truncated",
        (exported, twice / "a", twice / "b"): "two images are called 'x': ",
        (exported, first, "--device", "cuda"): "device: expected a GPU for 'cuda', torch sees none",
        (exported, first, "--labels", tmp_path / "empty"): "--labels: '",
        (
            small_task / "labels" / first.name,
            first,
        ): f"'{small_task / 'labels' / first.name}': expected a folder written",
        ("no/export", first): "export 'no/export': 'architecture.yaml' is missing; expected a folder written by",
    }
    for arguments, fault in wanted.items():
        (line,) = refused(nas_("predict", *arguments))
        assert line.startswith(fault)
    assert not list(Path("predictions").glob("*"))


@pytest.mark.parametrize(
    ("name", "damage", "fault"),
    [
        ("weights.safetensors", lambda content: content[:100], "'weights.safetensors' does not fit"),
        ("weights.safetensors", lambda content: b"", "'weights.safetensors' does not fit"),
        ("model.yaml", lambda content: b"preprocessing: 3", "'model.yaml' is damaged"),
        ("model.yaml", lambda content: b"", "'model.yaml' is damaged"),
        ("architecture.yaml", lambda content: content.replace(b"width", b"widht"), "'widht'"),
        ("architecture.yaml", lambda content: content.replace(b"dims: 2", b"dims: 3"), "does not fit"),
    ],
)
def test_a_damaged_export_is_refused(exported, nas_, small_task, name, damage, fault):
    path = exported / name
    path.write_bytes(damage(path.read_bytes()))
    (line,) = refused(nas_("predict", exported, images_of(small_task)[0]))
    assert fault in line


def test_columns_of_a_network_that_has_none_cannot_be_exported(nas_, run_folder):
    (line,) = refused(nas_("export", "small", "--columns", "1"))
    assert line == "columns: expected host 'nested', no other can be pruned; got 'unet'"


def test_an_export_never_deletes_a_folder_of_other_files(nas_, run_folder, tmp_path):
    mine = tmp_path / "mine"
    mine.mkdir()
    (mine / "thesis.tex").write_text("years of work")
    for out in (mine, mine / "thesis.tex", tmp_path):
        (line,) = refused(nas_("export", "small", "--out", out))
        assert "expected a new one, or an older export" in line
    assert (mine / "thesis.tex").read_text() == "years of work"


def test_an_export_is_replaced_only_as_it_was_written(nas_, run_folder):
    assert nas_("export", "small", "--out", "model").code == 0
    card = Path("model/README.md")
    card.write_text(card.read_text().replace("Not stated", "CC BY 4.0"))
    (line,) = refused(nas_("export", "small", "--out", "model"))
    assert "README.md, changed since it was exported" in line
    card.unlink()
    Path("model/network/__pycache__").mkdir(parents=True)  # of Python, when a network's source was used
    assert nas_("export", "small", "--out", "model").code == 0
    Path("model/predictions").mkdir()
    (line,) = refused(nas_("export", "small", "--out", "model"))
    assert "holds other files (predictions)" in line


ALONE = """
import runpy, sys
sys.argv = ["predict.py", *sys.argv[1:]]
try:
    runpy.run_path("model/predict.py", run_name="__main__")
except SystemExit as end:
    assert not end.code, end.code
print([name for name in sys.modules if name.partition(".")[0] in ("nas", "evaluators", "search_spaces")])
"""


def test_other_formats_predict_as_the_folder_does_with_the_package_and_without(nas_, run_folder, small_task):
    result = nas_("export", "small", "--format", "torchscript,folder", "--format", "standalone", "--out", "model")
    assert result.code == 0
    assert "model/model.ts: Dice 0." in result.out
    about = yaml.safe_load(Path("model/model.yaml").read_text())
    assert about["formats"]["standalone"]["dice"] == about["formats"]["standalone"]["dice_of_network"]
    assert about["formats"]["torchscript"]["cases"] > 0
    shutil.rmtree(run_folder)
    images = images_of(small_task)[:3]
    for model, out in {"model": "own", "model/model.ts": "script", "model/network": "source"}.items():
        assert nas_("predict", model, *images, "--out", out).code == 0
    program = [sys.executable, "-c", ALONE, "model/network", *map(str, images), "--out", "alone"]
    done = subprocess.run(program, capture_output=True, text=True, timeout=300, check=False)
    assert done.stdout.splitlines() == ["[]"], done.stderr
    for image in images:
        labels = [np.asarray(Image.open(Path(out) / image.name)) for out in ("own", "script", "source", "alone")]
        assert labels[0].any()
        assert all(np.array_equal(label, labels[0]) for label in labels)


def test_an_unknown_format_is_told_before_anything_is_done(nas_, run_folder):
    (line,) = refused(nas_("export", "small", "--format", "onyx", "--out", "model"))
    assert line.startswith("unknown format 'onyx' (did you mean 'onnx'?); expected one of: ")
    assert not Path("model").exists()


def test_an_export_that_cannot_be_written_is_refused_before_cases_are_read(nas_, tmp_path, monkeypatch):
    def read(*_: object) -> None:
        raise AssertionError("cases were read")

    monkeypatch.setattr("nas.exports.cases.cases_of", read)
    monkeypatch.chdir(tmp_path)
    made_up_run(tmp_path / "runs" / "made_up")
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.tex").touch()
    (line,) = refused(nas_("export", "made_up", "--format", "torchscript", "--out", "mine"))
    assert "holds other files (thesis.tex)" in line
    monkeypatch.setitem(sys.modules, "onnxscript", None)  # an import then fails
    lines = refused(nas_("export", "made_up", "--format", "onnx", "--out", "model"))
    assert any(line.startswith("onnx: needs the package 'onnxscript', which is not installed") for line in lines)


def test_an_export_that_fails_half_way_leaves_the_older_one(nas_, run_folder, monkeypatch):
    assert nas_("export", "small", "--out", "model").code == 0
    before = {path.name: path.read_bytes() for path in Path("model").iterdir()}

    def full(path: Path, content: bytes) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("nas.exports.export.write_bytes", full)
    result = nas_("export", "small", "--knee", "--out", "model")
    assert result.code == 1
    assert result.err == "error: OSError: [Errno 28] No space left on device; --debug shows the trace\n"
    assert {path.name: path.read_bytes() for path in Path("model").iterdir()} == before


def test_a_run_whose_finals_are_missing_cannot_be_exported(nas_, run_folder):
    shutil.rmtree(run_folder / "weights")
    (line,) = refused(nas_("export", "small"))
    assert "no trained weights of" in line
    assert "--resume" in line
    assert not (run_folder / "export").exists()


# -- train ------------------------------------------------------------------------------------------------


@pytest.fixture
def plain_3d(tmp_path, monkeypatch) -> Path:
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "plain.yaml"
    path.write_text(Architecture.create("unet", 3, {"depth": 2, "width": 4}).to_yaml())
    return path


FEW_STEPS = ("--set", "training.batch=2", "--set", "finals.steps=6", "--set", "task.patch=[16,16,16]")


def test_a_volume_model_is_trained_exported_and_predicts_on_the_grid_of_its_images(nas_, plain_3d, tmp_path):
    task = write_small_task(tmp_path / "volumes", dims=3, count=7)
    result = nas_("train", plain_3d, "--task", task, *FEW_STEPS, "--out", "model")
    assert result.code == 0, result.err
    assert "model: dice 0." in result.words
    assert "hd95" in result.words
    about = yaml.safe_load(Path("model/model.yaml").read_text())
    assert (about["task"], about["steps"], about["cases"]) == ("volumes", 6, "test")

    images = images_of(task)[:2]
    assert nas_("predict", "model", *images).code == 0
    for path in images:
        image, label = nibabel.load(path), nibabel.load(f"predictions/{path.name}")
        assert label.shape == image.shape
        assert label.get_data_dtype() == np.uint8
        np.testing.assert_array_equal(label.affine, image.affine)
        assert label.header.get_zooms() == image.header.get_zooms() == (1, 1, 2)
        assert set(np.unique(np.asarray(label.dataobj))) <= {0, 1}


def test_plan_shows_each_decision_with_its_reason(nas_, small_task):
    result = nas_("plan", small_task, "--set", "task.classes.disc=255", "--set", "training.steps=7")
    assert result.code == 0, result.err
    for text in ("training cases 8", "task.patch [32, 32]", "training.steps 7 given", "limits.depth 3 halvings"):
        assert text in result.words


def test_plan_gives_plain_data(nas_, small_task):
    data = json.loads(nas_("plan", small_task, "--set", "task.classes.disc=255", "--json").out)
    assert data["facts"]["cases"] == 8
    assert data["facts"]["structures"]["disc"]["share"] > 0
    assert data["decisions"]["training.batch"]["value"] == 16


def test_plan_says_what_is_wrong_with_a_task(nas_, tmp_path):
    result = nas_("plan", tmp_path / "nowhere")
    assert (result.code, len(result.err.splitlines())) == (2, 1)
    assert "nowhere" in result.err


def test_without_a_length_for_finals_train_takes_that_of_training(nas_, plain_3d, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    task = write_small_task(tmp_path / "volumes", dims=3, count=7)
    result = nas_("train", plain_3d, "--task", task, "--set", "training.batch=2", "--set", "training.steps=4",
                  "--set", "task.patch=[16,16,16]", "--out", "model")  # fmt: skip
    assert result.code == 0, result.err
    assert yaml.safe_load(Path("model/model.yaml").read_text())["steps"] == 4


def test_training_gives_the_score_that_the_exported_model_has(nas_, plain_3d, tmp_path):
    task = write_small_task(tmp_path / "volumes", dims=3, count=7)
    result = nas_("train", plain_3d, "--task", task, *FEW_STEPS, "--out", "model")
    assert result.code == 0
    prepared = prepare(open_task(task), patch=(16, 16, 16))
    assert nas_("predict", "model", task / "images", "--out", "labels").code == 0
    scores = [
        dice_scores(np.asarray(nibabel.load(f"labels/{case.name}.nii.gz").dataobj), case.reference, ("class",))["class"]
        for case in prepared.test
    ]
    assert f"dice {np.mean([score for score in scores if score is not None]):.4f}" in result.words


def test_a_preset_is_trained_in_the_dimensions_of_the_task(nas_, small_task, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in ("segresnet", "mk_unet_t"):
        result = nas_("train", f"preset:{name}", "--task", small_task, "--set", "training.steps=1", "--set",
                      "training.batch=1")  # fmt: skip
        assert result.code == 0, result.err
        assert load_export("trained").architecture == load_preset(name, 2)


def test_train_takes_the_config_of_a_run_whole(nas_, tmp_path, monkeypatch):
    """With what it tells beside a config, and without what is of a search: its task is the only thing amiss."""
    monkeypatch.chdir(tmp_path)
    folder = made_up_run(tmp_path / "runs" / "made_up").folder
    (line,) = refused(nas_("train", "preset:attention_unet", "--config", folder / "config.yaml"))
    assert "'/data/it's here'" in line


def test_train_refuses_what_does_not_fit_before_it_reads_a_case(nas_, plain_3d, small_task, tmp_path, monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "notes.txt").write_text("")
    (tmp_path / "other.yaml").write_text("task:\n")
    wanted = {
        (plain_3d, "--task", small_task): "architecture is 3D, task 'discs' is 2D",
        (plain_3d, "--task", "nowhere"): "task 'nowhere': no such file or folder",
        (plain_3d, "--task", small_task, "--device", "cuda"): "device: expected a GPU for 'cuda'",
        (plain_3d, "--task", small_task, "--out", tmp_path / "full"): f"folder '{tmp_path / 'full'}' holds other files",
        (plain_3d, "--config", tmp_path / "other.yaml", "--set", "training.steps=0"): "training.steps: expected",
        (plain_3d, "--config", "no.yaml"): "config 'no.yaml' does not exist",
        ("no.yaml", "--task", small_task): "architecture file 'no.yaml' does not exist",
    }
    for arguments, fault in wanted.items():
        lines = refused(nas_("train", *arguments))
        assert any(line.startswith(fault) for line in lines), lines
    assert not (tmp_path / "trained").exists()


def test_a_training_that_diverges_is_one_line_and_leaves_no_export(nas_, small_task, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("plain.yaml").write_text(Architecture.create("unet", 2, {"depth": 2, "width": 4}).to_yaml())
    result = nas_("train", "plain.yaml", "--task", small_task, "--set", "finals.steps=20",
                  "--set", "training.learning_rate=1e30", "--set", "training.clip=1e30")  # fmt: skip
    assert result.code == 1
    assert result.err.startswith("error: Diverged: the loss was ")
    assert result.err.count("\n") == 1
    assert not Path("trained").exists()


def test_the_task_of_the_command_line_takes_the_place_of_the_configs(nas_, plain_3d, tmp_path):
    task = write_small_task(tmp_path / "volumes", dims=3, count=7)
    (tmp_path / "config.yaml").write_text("task: {path: /nowhere}\nlimits: {params: 1}\nresources: {gpus_per_trial: 1}")
    result = nas_("train", plain_3d, "--task", task, "--config", "config.yaml", *FEW_STEPS)
    assert result.code == 0, result.err
    assert load_export("trained").architecture == Architecture.load(plain_3d)


# -- profile and list -------------------------------------------------------------------------------------


def test_profile_draws_the_network_and_tells_what_each_part_costs(nas_, finished, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "100")
    placed = next(trial.architecture for trial in finished.journal if trial.architecture.attention)
    Path("placed.yaml").write_text(placed.to_yaml())
    result = nas_("profile", "placed.yaml", "--size", "64x48", "--channels", "3", "--classes", "2")
    assert result.code == 0
    assert max(map(len, result.out.splitlines())) <= 100
    cost = placed.cost(3, 2, (64, 48))
    assert "image of 3 x 64 x 48, 2 foreground classes" in result.out
    assert "64 x 48   encoder.0 " in result.out
    for slot, series in placed.attention:
        assert f"● {series[0].mechanism}" in result.out
        assert f"{slot}: {series[0].mechanism}" in result.words
    sums = [line.split() for line in result.out.splitlines() if line.startswith("all ")]
    assert sums[0][1:3] == [f"{cost.params:,}", "100.0%"]
    plain = Architecture.create(placed.host, placed.dims, dict(placed.options)).cost(3, 2, (64, 48))
    assert f"attention adds {cost.params - plain.params:,} parameters" in result.words


def test_profile_gives_plain_data_and_writes_the_picture(nas_, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("gated.yaml").write_text("{host: unet, dims: 2, attention: {skip.0: attention_gate}}")
    result = nas_("profile", "gated.yaml", "--json", "--svg", "drawn/gated.svg")
    assert result.code == 0
    data = json.loads(result.out)
    assert data["image"] == [1, 96, 96]
    (gate,) = [part for part in data["parts"] if part["mechanisms"]]
    assert (gate["name"], gate["mechanisms"]) == ("skip.0", ["attention_gate"])
    assert gate["params"] == data["added_by_attention"]["params"]
    assert ">attention_gate<" in Path("drawn/gated.svg").read_text()


def test_profile_takes_an_export_folder(exported, nas_):
    assert nas_("profile", exported).code == 0


def test_profile_of_an_export_is_of_its_own_channels_classes_and_patch(nas_, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    small = Architecture.create("unet", 2, {"depth": 1, "width": 4})
    layout = Preprocessing(2, 3, Labelling.exclusive(["a", "b"]), None, None, (24, 16))
    write_export(Path("model"), small, safetensors.torch.save(small.build(3, 2).state_dict()), layout, {})
    told = json.loads(nas_("profile", "model", "--json").out)
    cost = small.cost(3, 2, (24, 16))
    assert (told["total"]["params"], told["total"]["macs"]) == (cost.params, cost.macs)
    result = nas_("profile", "model", "--channels", "1", "--classes", "1", "--size", "32")
    assert "one image of 1 x 32 x 32, 1 foreground classes" in result.out


def test_profile_takes_a_preset_in_either_dimension(nas_, monkeypatch):
    monkeypatch.setenv("COLUMNS", "200")
    for arguments, dims in (([], 3), (["--dims", "2"], 2)):
        result = nas_("profile", "preset:segresnet", "--size", "16", *arguments)
        assert result.code == 0, result.err
        assert f"{load_preset('segresnet', dims).cost(1, 1, (16,) * dims).params:,}" in result.out
    result = nas_("profile", "preset:ege_unet", "--size", "32")
    assert f"{load_preset('ege_unet').cost(1, 1, (32, 32)).params:,}" in result.out
    assert "a network without slots" in result.words
    (line,) = refused(nas_("profile", "preset:ege_unet", "--dims", "3"))
    assert line.startswith(
        "preset 'ege_unet' in 3D: host 'python:search_spaces.rivals.ege_unet.EGEUNet' exists in (2,)"
    )
    (line,) = refused(nas_("profile", "preset:segresnt"))
    assert line.startswith("unknown preset 'segresnt' (did you mean 'segresnet'?)")


@pytest.mark.parametrize(
    ("arguments", "fault"),
    [
        (["nothing.yaml"], "architecture file 'nothing.yaml' does not exist"),
        (["bad.yaml"], "unknown mechanism 'see'"),
        (["good.yaml", "--size", "64x"], "size: expected 2 lengths such as 96x96, got '64x'"),
        (["good.yaml", "--size", "8x8x8"], "size: expected 2 lengths such as 96x96, got '8x8x8'"),
        (["good.yaml", "--svg", "network.png"], "picture 'network.png': expected .svg, got '.png'"),
    ],
)
def test_profile_refuses_what_it_cannot_read(nas_, tmp_path, monkeypatch, arguments, fault):
    monkeypatch.chdir(tmp_path)
    Path("good.yaml").write_text("{host: unet, dims: 2}")
    Path("bad.yaml").write_text("{host: unet, dims: 2, attention: {skip.0: see}}")
    (line,) = refused(nas_("profile", *arguments))
    assert fault in line


LISTED = {
    "mechanisms": list(MECHANISMS),
    "hosts": list(HOSTS),
    "spaces": space_names(),
    "presets": preset_names(),
    "strategies": list(STRATEGIES),
    "evaluators": list(EVALUATORS),
    "tasks": list(TASK_FORMATS),
    "config": [key.name for key in keys()],
    "formats": list(FORMATS),
}


@pytest.mark.parametrize(
    "kind", [pytest.param(kind, marks=pytest.mark.slow if kind == "spaces" else ()) for kind in LISTED]
)
def test_list_gives_another_program_one_line_for_every_registered_name(nas_, kind):
    result = nas_("list", kind)
    assert result.code == 0
    assert [line.split()[0] for line in result.out.splitlines()[1:]] == LISTED[kind]
    assert LISTED[kind]


@pytest.mark.parametrize("kind", LISTED)
def test_list_shows_whole_words_in_a_narrow_terminal(nas_, monkeypatch, kind):
    wide = nas_("list", kind).out
    narrow = Console(file=io.StringIO(), force_terminal=True, color_system=None, width=80)
    monkeypatch.setattr("nas.cli.listing.console", narrow)
    assert nas_("list", kind).code == 0
    shown = narrow.file.getvalue()
    assert max(map(len, shown.splitlines())) <= 80
    assert {line.split()[0] for line in shown.splitlines()[1:] if not line.startswith(" ")} == set(LISTED[kind])
    wide_words, words = (set(text.replace(";", " ").split()) for text in (wide, shown))
    assert wide_words <= words


# -- init ------------------------------------------------------------------------------------------------


def test_init_writes_a_config_that_plans_the_same_and_is_not_overwritten(nas_, small_task, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    result = nas_("init", small_task, "--set", "task.classes.disc=255")
    assert result.code == 0
    assert result.words.endswith(f"start the search with: nas search {small_task.name}.yaml")
    written = Path(f"{small_task.name}.yaml")
    assert not parse_config(yaml.safe_load(written.read_text())).faults
    first, second = (
        json.loads(nas_("plan", *given, "--json").out)["decisions"]
        for given in ([small_task, "--set", "task.classes.disc=255"], [written])
    )
    assert {key: one["value"] for key, one in first.items()} == {key: one["value"] for key, one in second.items()}
    (line,) = refused(nas_("init", small_task))
    assert line == f"config '{written}' exists already; expected a new file, see --out"
    spaced = nas_("init", small_task, "--set", "task.classes.disc=255", "--out", "my own.yaml")
    assert spaced.words.endswith("nas search 'my own.yaml'")
    (line,) = refused(nas_("init", small_task, "--out", written / "a.yaml"))
    assert line.endswith(f"{written} is no folder; expected a folder, or a place for a new one")


def test_a_config_may_have_its_suffix_in_capitals(nas_, small_task, tmp_path):
    config = tmp_path / "MINE.YAML"
    config.write_text(yaml.safe_dump(small_config(small_task, training={"steps": 7})))
    assert json.loads(nas_("plan", config, "--json").out)["decisions"]["training.steps"]["value"] == 7


# -- search -----------------------------------------------------------------------------------------------


@pytest.fixture
def no_ray(monkeypatch):
    """Ray takes seconds to start: what is wrong is said before."""

    def start(*arguments: object, **options: object) -> None:
        raise AssertionError("Ray was started")

    monkeypatch.setattr("ray.init", start)


def test_search_refuses_all_faults_together_before_it_starts_ray_and_leaves_nothing(
    nas_, no_ray, small_task, tmp_path, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    config = {**small_config(small_task), "space": {"mechanisms": ["cbma"]}, "trainig": {}, "seed": "x"}
    Path("bad.yaml").write_text(yaml.safe_dump(config))
    faults = refused(nas_("search", "bad.yaml", "--set", "limits.params=10"))
    assert len(faults) == 3
    for name in ("'trainig'", "'cbma'", "seed: expected a whole number, got 'x'"):
        assert sum(name in fault for fault in faults) == 1
    assert {path.name for path in tmp_path.iterdir()} == {"bad.yaml"}


def test_search_refuses_a_config_that_is_not_there_or_a_run_that_is_before_it_starts_ray(
    nas_, no_ray, small_task, tmp_path, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    (line,) = refused(nas_("search", "nothing.yaml"))
    assert line.startswith("config 'nothing.yaml' does not exist")
    Path("good.yaml").write_text(yaml.safe_dump(small_config(small_task)))
    Path("runs/taken").mkdir(parents=True)
    (line,) = refused(nas_("search", "good.yaml", "--run", "taken"))
    assert line.startswith("run 'taken' exists in 'runs/'")


def test_search_that_is_interrupted_while_it_reads_says_that_nothing_was_written(
    nas_, no_ray, small_task, tmp_path, monkeypatch
):
    def interrupted(*arguments: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("nas.engine.launch.prepare_checked", interrupted)
    Path("good.yaml").write_text(yaml.safe_dump(small_config(small_task)))
    result = nas_("search", "good.yaml")
    assert (result.code, result.err) == (130, "stopped before the first trial; nothing was written\n")
    assert {path.name for path in tmp_path.iterdir()} == {"good.yaml"}


# -- report -----------------------------------------------------------------------------------------------


def test_a_report_goes_into_the_run_or_where_it_is_wanted(nas_, run_folder, tmp_path):
    told = nas_("report", "small")
    assert (told.code, told.err) == (0, "")
    assert told.out.startswith("runs/small/report.html: ")
    page = (run_folder / "report.html").read_text()
    assert "data:image/png;base64," in page
    assert '"export":"nas export small --key ' in page
    moved = tmp_path / "new" / "page.html"
    told = nas_("report", run_folder, "--out", moved, "--no-pictures")
    assert (told.code, told.out.startswith(f"{moved}: ")) == (0, True)
    assert "data:image/png;base64," not in moved.read_text()
    (tmp_path / "file").touch()
    (fault,) = refused(nas_("report", "small", "--out", tmp_path / "file" / "page.html"))
    assert "is no folder" in fault


# -- effects ----------------------------------------------------------------------------------------------


def test_effects_are_shown_by_slot_by_kind_or_over_all_places_and_as_data(nas_, finished, tmp_path, monkeypatch):
    folder = Path(shutil.copytree(finished.folder, tmp_path / "many"))
    (folder / "journal.jsonl").unlink()
    journal = Journal(folder / "journal.jsonl")
    for number in range(24):
        helped = number % 2
        one = architecture(number, "skip.0" if helped else None)
        journal.append(trial(number, dice=0.7 + 0.03 * helped, architecture=one))
    monkeypatch.setattr(nas.cli.app.console, "_width", 120)
    shown = nas_("effects", "many", "--runs", tmp_path)
    assert shown.code == 0
    for text in ("mechanism slot networks Dice 95% interval helps", "se skip.0 12", "1 effects: 1 helps, 0 hurts"):
        assert text in shown.words
    assert "skip 12 " in nas_("effects", "many", "--runs", tmp_path, "--by", "kind").words
    monkeypatch.setattr(nas.cli.app.console, "_width", 80)
    assert "networks" not in nas_("effects", "many", "--runs", tmp_path).words
    (row,) = json.loads(nas_("effects", "many", "--runs", tmp_path, "--by", "mechanism", "--json").out)["effects"]
    assert (row["mechanism"], row["place"], row["verdict"]) == ("se", "", "helps")
    assert row["low"] < row["mean"] < row["high"]
    assert "pairs looked at" not in shown.words  # none has two mechanisms
    both = Architecture.create("unet", 2, {"width": 4}, {"skip.0": Placement("se"), "bottleneck": Placement("eca")})
    for number in range(24, 32):
        one = Architecture(both.host, both.dims, architecture(number).options, both.attention)
        journal.append(trial(number, dice=0.74 if number % 2 else 0.73, architecture=one))
    assert "than the sum of both (pairs looked at: 1)" in nas_("effects", "many", "--runs", tmp_path).words
    (pair,) = json.loads(nas_("effects", "many", "--runs", tmp_path, "--json").out)["interactions"]
    assert (pair["first"], pair["second"], pair["sure"]) == (["eca", "bottleneck"], ["se", "skip"], False)


def test_effects_of_too_few_trials_are_refused(nas_, finished):
    (fault,) = refused(nas_("effects", "small", "--runs", finished.folder.parent))
    assert fault == "effects: expected at least 8 scored networks, got 5"


def test_the_closing_lines_of_a_search_tell_how_it_went_and_what_failed(finished, tmp_path):
    from nas.cli.live import closing_lines

    (line,) = closing_lines(finished)
    assert line.startswith("5 trials in ")
    assert "hypervolume 0." in line
    assert line.endswith("; the search ended: limits.trials (5) is reached")
    folder = Path(shutil.copytree(finished.folder, tmp_path / "small"))
    Journal(folder / "journal.jsonl").append(trial(5, dice=None))
    assert closing_lines(Run(folder))[1] == f"1 trials failed; their reasons are in {folder / 'journal.jsonl'}"


@pytest.mark.parametrize(
    ("time", "told"),
    [
        ("0.01s", "the search ended before any trial did: limits.time (0 s) is over"),
        pytest.param(None, "all failed, the last for this: ", marks=pytest.mark.slow),
    ],
)
def test_a_search_without_a_completed_trial_says_why(nas_, cluster, small_task, tmp_path, monkeypatch, time, told):
    monkeypatch.chdir(tmp_path)
    limits = {"trials": 2, "trial_time": None if time else "0.001s", "time": time}
    endless = {"training": {"steps": 10_000}, "fidelity": {"rungs": []}}  # what is scored on the way would stay
    config = small_config(small_task, limits=limits, **endless)
    Path("none.yaml").write_text(yaml.safe_dump(config))
    (fault,) = refused(nas_("search", "none.yaml"))
    assert fault.startswith(f"run 'none': no completed trial; {told}")
    assert ("journal.jsonl" in fault) == Path("runs/none/journal.jsonl").exists()


def test_an_unknown_attribute_of_the_package_is_an_error():
    with pytest.raises(AttributeError, match="serach"):
        nas.serach  # noqa: B018
    with pytest.raises(InputError, match="run 'nothing' does not exist"):
        nas.load_run("nothing")


# -- suite ------------------------------------------------------------------------------------------------


def test_what_a_suite_has_so_far_is_shown_without_its_data(nas_, run_folder):
    Path("organs.yaml").write_text("tasks: {small: /nowhere, other: /nowhere}\n")
    assert refused(nas_("suite", "organs.yaml", "--done")) == [
        "suite: expected a run of at least one task in 'runs/' (organs-small, organs-other); got none"
    ]
    run_folder.rename("runs/organs-small")
    result = nas_("suite", "organs.yaml", "--done", "--json")
    assert result.code == 0
    assert result.err == "no run yet: other\n"
    (winner,) = json.loads(result.out)["winners"]
    best = Run("runs/organs-small").front.best()
    assert (winner["task"], winner["best"]["params"]) == ("small", best.cost.params)
    assert " within 0.01 " in nas_("suite", "organs.yaml", "--done").out
    assert nas_("suite", "organs.yaml", "--done", "--page", "results.md").out == "written to results.md\n"
    assert f"**{best.architecture}**" in Path("results.md").read_text()


def test_a_suite_as_json_leaves_standard_output_to_the_data(nas_, run_folder, monkeypatch):
    def searched(members, *, watch, **_):
        for member in members:
            with watch(member) as watcher:
                watcher.noted(["the data are odd"])
        return {members[0].name: Run(run_folder)}

    monkeypatch.setattr("nas.suite.running.run_suite", searched)
    Path("organs.yaml").write_text("tasks: {small: /nowhere}\n")
    told = nas_("suite", "organs.yaml")
    assert "small: run organs-small" in told.words
    assert "note: the data are odd" in told.words
    as_data = nas_("suite", "organs.yaml", "--json")
    assert json.loads(as_data.out)["winners"][0]["task"] == "small"
    assert "note: the data are odd" in as_data.err
    assert nas_("suite", "organs.yaml", "--set", "seed=3", "--page", "results.md").code == 0
    assert "`nas suite organs.yaml --set seed=3`" in Path("results.md").read_text()
    monkeypatch.setattr("nas.suite.running.run_suite", lambda *_, **__: pytest.fail("was searched"))
    (fault,) = refused(nas_("suite", "organs.yaml", "--page", "organs.yaml/results.md"))
    assert "organs.yaml is no folder" in fault
