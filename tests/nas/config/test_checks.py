import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import yaml

from evaluators.preprocessing import PreparedTask
from evaluators.tasks import TASK_FORMATS
from evaluators.tasks.request import REQUESTED
from nas.config.checks import check, check_admissible
from nas.config.sections import TaskSection
from nas.engine.launch import prepare_checked, resolved
from search_spaces.architecture.architecture import Architecture
from search_spaces.architecture.preset import load_preset
from search_spaces.errors import InputError
from search_spaces.space.space_file import load_space
from tests.evaluators.tasks.files import grey, mask, write_csv_task, write_nifti, write_picture, write_table
from tests.nas.small_task import small_config, write_small_task


@pytest.fixture(scope="module")
def task(tmp_path_factory):
    return write_small_task(tmp_path_factory.mktemp("small"))


@pytest.fixture
def own(tmp_path):
    """A task that a test may damage."""
    return write_csv_task(tmp_path / "own", ["train"] * 4 + ["val"] * 2 + ["test"] * 2)


def prepare(config: Any) -> PreparedTask:
    return prepare_checked(check(config, Path()))[1]


def faults_of(config: Any) -> list[str]:
    """The faults of a config and, where it is sound, of the files it names."""
    with pytest.raises(InputError) as caught:
        prepare(config)
    assert all("\n" not in fault for fault in caught.value.faults)
    return caught.value.faults


def of(folder: Path, **section: Any) -> dict[str, Any]:
    return {"task": {"path": str(folder), **section}}


def test_a_sound_config_opens_the_task_and_the_space(task):
    checked = check(small_config(task), Path())
    assert checked.task.classes == ("disc",)
    assert checked.space.mechanisms == ["cbam", "eca", "se"]
    assert Path(checked.path) == task


def test_whatever_can_be_asked_of_a_task_is_a_key_of_its_section():
    own = {"path", "format", "split_seed", "size", "spacing", "patch", "normalisation", "duplicates"}
    keys = set(TaskSection.model_fields) - own
    options = {option for entry in TASK_FORMATS.values() for option in entry.options if entry.name != "phantom"}
    assert keys == {*REQUESTED, *options} - {"seed", "progress"}


def test_what_is_asked_of_a_task_reaches_it(own):
    own = write_csv_task(own.parent / "patients", ["train"] * 8)
    task = check(of(own, group_pattern=r"case(\d)", nan="background", classes={"a": "127<"}), Path()).task
    assert {case.group for case in task.cases} == set("01234567")
    assert task.reading.nan == "background"
    assert task.labelling.values == (0, 255)


def test_a_single_empty_mask_is_fine(own):
    write_picture(own / "labels" / "case0.png", np.zeros_like(mask()))
    assert not prepare(of(own)).train[0].label.any()


# -- names ------------------------------------------------------------------------------------------------


def test_a_folder_that_is_not_there_is_named():
    (fault,) = faults_of(of(Path("nowhere/at/all")))
    assert fault.startswith("task 'nowhere/at/all': no such file or folder, and no task of that name")


def test_a_misspelt_class_of_thing_lists_the_names(task):
    named = {
        "unknown evaluator 'trian' (did you mean 'train'?)": {"evaluator": "trian"},
        "unknown strategy 'randm' (did you mean 'random'?)": {"strategy": {"name": "randm"}},
        "unknown host 'unte' (did you mean 'unet'?)": {"space": {"host": "unte"}},
        "unknown mechanism 'cbma' (did you mean 'cbam'?)": {"space": {"mechanisms": ["se", "cbma"]}},
        "unknown slot of unet: 'skp.0' (did you mean 'skip.0'?)": {"space": {"slots": ["skp.0"]}},
        "unknown option of host 'unet': 'widht' (did you mean 'width'?)": {"space": {"options": {"widht": 4}}},
        "unknown space 'unett' (did you mean 'unet'?)": {"space": "unett"},
        "unknown task format 'folder' (did you mean 'folders'?)": {"task": {"path": str(task), "format": "folder"}},
    }
    for line, change in named.items():
        (fault,) = faults_of({"task": {"path": str(task)}, **change})
        assert fault.startswith(f"{line}; expected one of: ")


def test_a_space_file_that_is_not_there_is_named(task):
    assert faults_of(small_config(task, space="my_space.yaml")) == ["space file 'my_space.yaml' does not exist"]


def test_an_option_of_another_format_is_named(own):
    (fault,) = faults_of(of(own, images="pictures"))
    assert fault == "unknown option of task format split_csv 'images'; folders have it"


# -- files ------------------------------------------------------------------------------------------------


def test_a_listed_file_that_is_missing_is_named(own):
    (own / "images" / "case3.png").unlink()
    (own / "labels" / "case5.png").unlink()
    assert faults_of(of(own)) == [
        f"{own / 'images' / 'case3.png'}: no such file",
        f"{own / 'labels' / 'case5.png'}: no such file",
    ]


def test_a_missing_column_is_named(own):
    write_table(own, [("images/case0.png", "labels/case0.png")], header="image,label")
    (fault,) = faults_of(of(own))
    assert fault.startswith(f"{own / 'split.csv'}: missing column split; expected image,label,split")


def test_an_image_whose_size_differs_from_its_labels_is_named_with_both_sizes(own):
    write_picture(own / "images" / "case2.png", grey(height=7, width=8))
    (fault,) = faults_of(of(own))
    image, label = own / "images" / "case2.png", own / "labels" / "case2.png"
    assert fault == f"{label}: size 6 x 8 differs from 7 x 8 of image {image}"


def test_a_label_value_outside_the_map_is_named_with_the_map(own):
    write_picture(own / "labels" / "case4.png", mask(values=(255, 7)))
    (fault,) = faults_of(of(own, classes={"organ": 255}))
    label = own / "labels" / "case4.png"
    assert fault == f"{label}: label values 7 (8.3 %) are outside the class map; expected background 0, organ 255"


@pytest.mark.parametrize("kept", [0, 40, 0.7])
def test_an_unreadable_or_truncated_image_is_named(own, kept):
    path = own / "images" / "case6.png"
    content = path.read_bytes()
    path.write_bytes(content[: kept if isinstance(kept, int) else int(kept * len(content))])
    (fault,) = faults_of(of(own))
    assert fault.startswith(f"{path}: cannot be read as png, damaged or truncated (")


def test_a_truncated_volume_is_named(tmp_path):
    root = write_small_task(tmp_path / "volumes", dims=3, count=5)
    path = root / "images" / "case01.nii.gz"
    path.write_bytes(path.read_bytes()[:-200])
    (fault,) = faults_of(of(root))
    assert fault.startswith(f"{path}: cannot be read as nii.gz, damaged or truncated (")


def test_an_image_that_holds_no_numbers_is_named(tmp_path):
    root = write_small_task(tmp_path / "volumes", dims=3, count=5)
    path = root / "images" / "case02.nii.gz"
    write_nifti(path, np.full((16, 16, 16), np.nan, np.float32))
    (fault,) = faults_of(of(root))
    assert fault == f"{path}: 4096 of 4096 pixels are NaN (task.nan: background takes them as background)"


def test_every_damaged_file_is_named_at_once(own):
    (own / "images" / "case1.png").write_bytes(b"no picture")
    write_picture(own / "labels" / "case4.png", mask(values=(9,)))
    write_picture(own / "images" / "case7.png", grey(height=9))
    faults = faults_of(of(own, classes={"organ": 255}))
    assert [Path(fault.split(":")[0]).name for fault in faults] == ["case1.png", "case4.png", "case7.png"]


def test_a_class_that_no_training_case_shows_is_named(own):
    (fault,) = faults_of(of(own, classes={"organ": 255, "tumour": 3}))
    assert fault.startswith("task 'own': class 'tumour' is in none of the 4 training cases")


def test_an_image_in_two_parts_is_named_with_the_key_that_allows_it(own):
    shutil.copy(own / "images" / "case0.png", own / "images" / "case7.png")
    (fault,) = faults_of(of(own))
    assert fault.startswith("case 'case7' (test) has the same image as case 'case0' (train): ")
    assert "task.duplicates: allow" in fault
    assert prepare(of(own, duplicates="allow")).test


@pytest.mark.parametrize("splits", [["val"] * 3 + ["test"] * 3, ["train"]])
def test_an_empty_split_that_cannot_be_made_is_named(tmp_path, splits):
    root = write_csv_task(tmp_path / "task", splits)
    (fault,) = faults_of(of(root))
    assert fault.startswith("split: ")
    assert "empty" in fault


def test_an_empty_folder_is_named(tmp_path):
    (tmp_path / "images").mkdir()
    (tmp_path / "labels").mkdir()
    (fault,) = faults_of(of(tmp_path))
    assert fault.startswith(f"{tmp_path / 'images'}: expected files of the types .png")


# -- numbers ----------------------------------------------------------------------------------------------


def test_a_limit_below_the_smallest_network_tells_how_small_that_is(task):
    checked = check(small_config(task), Path())
    smallest, params = checked.space.smallest(1, 1)
    (fault,) = faults_of(small_config(task, limits={"params": params - 1}))
    assert fault.startswith(f"limits.params: expected at least {params} (")
    assert str(smallest) in fault
    assert fault.endswith(f"got {params - 1}")
    check(small_config(task, limits={"params": params}), Path())


def test_a_limit_on_macs_below_the_lightest_network_tells_how_light_that_is(task):
    checked = check(small_config(task, limits={"macs": "1k"}), Path())
    with pytest.raises(InputError, match=r"limits\.macs: expected at least \d+ .* on 32 x 32; got 1000"):
        check_admissible(checked, (32, 32))


def test_limits_at_what_the_smallest_network_costs_leave_it(task):
    cost = check(small_config(task), Path()).space.smallest(1, 1)[0].cost(1, 1, (32, 32))
    check_admissible(check(small_config(task, limits={"params": cost.params, "macs": cost.macs}), Path()), (32, 32))


@pytest.mark.parametrize(
    ("section", "key"), [({"size": [64]}, "task.size"), ({"patch": [8, 8, 8]}, "task.patch"),
                         ({"spacing": [1.0]}, "task.spacing")],
)  # fmt: skip
def test_as_many_lengths_as_the_task_has_axes_are_expected(task, section, key):
    (fault,) = faults_of(of(task, **section))
    assert fault.startswith(f"{key}: expected 2 numbers for a 2D task, got ")


def test_as_many_flips_as_the_task_has_axes_are_expected(task):
    (fault,) = faults_of({**of(task), "training": {"augmentation": {"flip": [0.5, 0.5, 0]}}})
    assert fault == "training.augmentation.flip: expected one number or 2, got 3"


def test_a_setting_of_the_strategy_out_of_its_range_is_found_before_anything_starts(task):
    (fault,) = faults_of(small_config(task, strategy={"name": "evolution", "population": 1}))
    assert fault == "evolution: population is a whole number from 2; got 1"


def test_a_gpu_asked_for_where_there_is_none_is_refused(task, monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    asked = small_config(task, resources={"gpus_per_trial": 0.5})
    assert faults_of(asked) == ["resources.gpus_per_trial: expected 0, there is no GPU here; got 0.5"]
    auto = small_config(task, resources={"gpus_per_trial": "auto"})
    assert faults_of(auto) == ["resources.gpus_per_trial: expected 0, there is no GPU here; got auto"]
    check(asked, Path(), here=False)  # another machine's: Ray will say
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    check(asked, Path())


# -- all together -----------------------------------------------------------------------------------------


def test_faults_of_several_sections_come_together(task, monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    config = yaml.safe_load("""
        tsak: {}
        task: {path: /nowhere, classes: {disc: 255}}
        space: {mechanisms: [cbma], slots: [skp.0], options: {widht: 4}}
        strategy: {name: randm}
        evaluator: trian
        limits: {params: lots, time: soon}
        training: {steps: 0, augmentation: {flpi: 1}}
        resources: {gpus_per_trial: 1}
    """)
    named = [
        "'tsak'", "task '/nowhere'", "'cbma'", "'skp.0'", "'widht'", "'randm'", "'trian'",
        "limits.params", "limits.time", "training.steps", "'flpi'", "gpus_per_trial",
    ]  # fmt: skip
    faults = faults_of(config)
    for name in named:
        assert sum(name in fault for fault in faults) == 1, name
    assert len(faults) == len(named)


def test_a_fault_of_the_task_section_does_not_hide_that_its_path_is_missing():
    faults = faults_of({"task": {"path": "/nowhere", "clases": {}}})
    assert len(faults) == 2
    assert "'clases'" in faults[0]
    assert faults[1] == "task '/nowhere': no such file or folder, and no task of that name"


def test_a_fault_of_one_section_makes_no_faults_of_others(tmp_path):
    root = write_small_task(tmp_path / "volumes", dims=3, count=5)
    written = {"space": {"host": "unet", "options": {"depth": 7}}}
    faults = faults_of({**of(root, dims=5), **written, "limits": {"params": 10}})
    assert faults == ["task.dims: expected 2 or 3, got 5"]


def test_a_space_of_three_dimensions_is_no_fault_where_the_task_could_not_be_opened(monkeypatch):
    def only_3d(source: object, dims: int) -> object:
        if dims == 2:
            raise InputError("host 'volume' exists in 3 dimensions")
        return load_space("unet", dims)

    monkeypatch.setattr("nas.config.checks.load_space", only_3d)
    (fault,) = faults_of({"task": {"path": "/nowhere"}})
    assert fault.startswith("task '/nowhere': ")
    assert len(faults_of({"task": {"path": "/nowhere", "dims": 2}})) == 2


def test_a_path_may_start_at_the_configs_folder_and_is_the_same_from_anywhere(tmp_path, monkeypatch):
    root = write_small_task(tmp_path / "home" / "data", count=6)
    (tmp_path / "home" / "space.yaml").write_text("{host: unet, mechanisms: [eca]}")
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    checked = check({"task": {"path": "data"}, "space": "space.yaml"}, Path("../home"))
    assert Path(checked.path) == root
    assert checked.space.mechanisms == ["eca"]


def test_a_folder_with_the_name_of_a_known_space_or_task_does_not_hide_it(tmp_path):
    (tmp_path / "unet").mkdir()
    (tmp_path / "phantom2d").mkdir()
    checked = check({"task": {"path": "phantom2d"}, "space": "unet"}, tmp_path)
    assert checked.task.name == checked.path == "phantom2d"


# -- starts and references --------------------------------------------------------------------------------


def test_starts_and_references_are_presets_and_files_and_take_the_tasks_dimensions(task, tmp_path):
    (tmp_path / "mine.yaml").write_text(Architecture.create("unet", 2, {"width": 5}).to_yaml())
    given = {"start": ["preset:attention_unet", "mine.yaml"], "references": ["preset:unet"]}
    checked = check(small_config(task, **given), tmp_path)
    assert checked.start == {
        "attention_unet": load_preset("attention_unet", 2),
        "mine": Architecture.load(tmp_path / "mine.yaml"),
    }
    assert checked.references == {"unet": load_preset("unet")}


def test_architectures_written_out_by_name_are_taken_as_the_resolved_config_has_them(task):
    checked = check(small_config(task, start=["preset:ca_net"], references=["preset:unet"]), Path())
    again = check(small_config(task, **{key: resolved(checked, None)[key] for key in ("start", "references")}), Path())
    assert (again.start, again.references) == (checked.start, checked.references)


def test_two_files_of_one_name_are_told_apart(task, tmp_path):
    for folder in ("a", "b"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "mine.yaml").write_text(Architecture.create("unet", 2, {"width": 5}).to_yaml())
    checked = check(small_config(task, start=["a/mine.yaml", "b/mine.yaml"]), tmp_path)
    assert list(checked.start) == ["mine", "b/mine.yaml"]


def test_every_fault_of_starts_and_references_is_told_with_the_others(task, tmp_path):
    (tmp_path / "deep.yaml").write_text(Architecture.create("unet", 3).to_yaml())
    (tmp_path / "bad.yaml").write_text("{host: unet, dims: 2, attention: {skip.0: see}}")
    faults = faults_of(
        small_config(
            task,
            start=["preset:unett", str(tmp_path / "deep.yaml"), "nowhere.yaml"],
            references=[str(tmp_path / "bad.yaml")],
            evaluator="trian",
        )
    )
    assert faults[0].startswith("unknown evaluator 'trian'")
    assert [fault.split(";")[0] for fault in faults[1:4]] == [
        "start: unknown preset 'unett' (did you mean 'unet'?)",
        f"start: architecture '{tmp_path / 'deep.yaml'}' is 3D, the task is 2D",
        "start: architecture file 'nowhere.yaml' does not exist",
    ]
    assert faults[4].startswith("references: slot 'skip.0': unknown mechanism 'see'")
    assert len(faults) == 5


def test_the_limits_hold_for_starts_and_not_for_references(task):
    limited = small_config(task, limits={"params": "50k", "macs": "20M"})
    params = load_preset("unet").cost(1, 1, (32, 32)).params
    (fault,) = faults_of({**limited, "start": ["preset:unet"]})
    assert fault == f"start: 'unet' has {params} parameters (31.0M); expected at most limits.params, 50000"
    checked = check({**limited, "references": ["preset:unet"]}, Path())
    check_admissible(checked, (32, 32))
    heavy = check(small_config(task, limits={"macs": "20M"}, start=["preset:unet"]), Path())
    with pytest.raises(InputError, match=r"start: 'unet' takes \d+ MACs .* on 32 x 32; expected at most limits\.macs"):
        check_admissible(heavy, (32, 32))


def test_a_start_that_is_none_of_ours_is_told_as_such_whatever_the_limits(task):
    limited = small_config(task, limits={"params": "50k", "trials": 1}, start=["python:torch.nn.Identity"])
    not_ours, no_room = faults_of(limited)
    assert not_ours.startswith("start: 'Identity' is not made of this tool's hosts")
    assert no_room.startswith("limits.trials")


def test_references_need_finals(task):
    (fault,) = faults_of(small_config(task, references=["preset:unet"], finals={"seeds": 0}))
    assert fault == "finals.seeds: expected at least 1, the finals train the references; got 0"


def test_every_start_has_room_among_the_trials(task):
    (fault,) = faults_of(small_config(task, start=["preset:unet", "preset:ca_net"], limits={"trials": 2}))
    assert fault == "limits.trials: expected at least 3, the plain network and the starts; got 2"


@pytest.mark.parametrize("given", ["preset:unet", [3], {"unet": 3}])
def test_starts_are_a_list_or_written_out(task, given):
    (fault,) = faults_of(small_config(task, start=given))
    assert fault.startswith("start")
