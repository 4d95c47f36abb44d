from pathlib import Path

import pytest
import yaml

from nas.config.config import Config, parse_config
from nas.config.reading import apply_settings, read_config
from search_spaces.errors import InputError, InputErrors


def faults_of(text: str) -> list[str]:
    return parse_config(yaml.safe_load(text)).faults


def test_an_empty_config_is_the_default_without_a_fault():
    parsed = parse_config({})
    assert parsed.config == Config()
    assert parsed.faults == []
    assert parsed.faulty == set()


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("limits: {params: 500q}", "limits.params: expected a count such as 500000, '500k' or '2M'; got '500q'"),
        ("limits: {macs: -3}", "limits.macs: expected a count such as 500000, '500k' or '2M'; got -3"),
        (
            "limits: {time: 90 parsecs}",
            "limits.time: expected a duration such as '45s', '90min', '1h30m' or a number of seconds; got '90 parsecs'",
        ),
        ("limits: {time: 0}", "limits.time: expected more than 0, got 0"),
        ("finals: {seeds: 1000000000}", "finals.seeds: expected at most 1000, got 1000000000"),
        ("seed: 2147483648", "seed: expected at most 2147483647, got 2147483648"),
        ("limits: {trials: 0}", "limits.trials: expected at least 1, got 0"),
        ("training: {steps: many}", "training.steps: expected a whole number, got 'many'"),
        ("training: {steps: 400.5}", "training.steps: expected a whole number, got 400.5"),
        ("training: {steps: yes}", "training.steps: expected a whole number, got True"),
        ("training: {weight_decay: }", "training.weight_decay: expected a number, got None"),
        ("training: {loss: dice}", "training.loss: expected 'dice_ce' or 'dice_focal', got 'dice'"),
        (
            "task: {normalisation: [3, 1]}",
            "task.normalisation: expected the two ends of a window, as [-160, 240]; got [3.0, 1.0]",
        ),
        (
            "task: {normalisation: no}",
            "task.normalisation: expected 'auto', 'case', 'nonzero' or 'foreground' or a list, got False",
        ),
        ("limits: {depth: 0}", "limits.depth: expected at least 1, got 0"),
        ("training: {learning_rate: .inf}", "training.learning_rate: expected a finite number, got inf"),
        ("training: {learning_rate: .nan}", "training.learning_rate: expected a finite number, got nan"),
        ("training: {learning_rate: on}", "training.learning_rate: expected a number, got True"),
        ("training: {warmup: 1}", "training.warmup: expected less than 1, got 1"),
        ("training: {augmentation: {flip: 1.5}}", "training.augmentation.flip: expected at most 1 or a list, got 1.5"),
        ("training: {augmentation: {flip: [0.5, 2]}}", "training.augmentation.flip.1: expected at most 1, got 2"),
        ("training: {augmentation: 3}", "training.augmentation: expected a mapping of keys, got 3"),
        ("training:", "training: expected a mapping of keys, got None"),
        ("task: liver", "task: expected a mapping of keys, got 'liver'"),
        ("task: {dims: 4}", "task.dims: expected 2 or 3, got 4"),
        ("task: {path: 3}", "task.path: expected text, got 3"),
        ("task: {size: 64}", "task.size: expected a list, got 64"),
        ("task: {patch: [0, 64]}", "task.patch.0: expected at least 1, got 0"),
        ("task: {spacing: isotropic}", "task.spacing: expected a list or 'auto', got 'isotropic'"),
        ("task: {spacing: [1, -1]}", "task.spacing.1: expected more than 0, got -1"),
        ("task: {classes: [liver]}", "task.classes: expected a mapping of keys, got ['liver']"),
        (
            "task: {classes: {liver: 1.5}}",
            "task.classes.liver: expected a whole number or a list or text, got 1.5",
        ),
        ("task: {classes: {liver: [1, 1.5]}}", "task.classes.liver.1: expected a whole number or text, got 1.5"),
        ("task: {slice_axis: 3}", "task.slice_axis: expected 0, 1, 2, 'sagittal', 'coronal' or 'axial', got 3"),
        ("task: {nan: zero}", "task.nan: expected 'fault' or 'background', got 'zero'"),
        ("task: {geometry: trust}", "task.geometry: expected 'check' or 'by_index', got 'trust'"),
        ("task: {arrays: {mask: y}}", "task.arrays.mask: expected 'image' or 'label', got 'y'"),
        ("task: {fold: all}", "task.fold: expected a whole number, got 'all'"),
        ("task: {group_pattern: 3}", "task.group_pattern: expected text, got 3"),
        ("task: {regions_class_order: [1, x]}", "task.regions_class_order.1: expected a whole number, got 'x'"),
        ("task: {split: {val: 2}}", "task.split.val: expected at most 1, got 2"),
        ("finals: {mirror: perhaps}", "finals.mirror: expected true or false, got 'perhaps'"),
        ("resources: {workers: 0}", "resources.workers: expected at least 1, got 0"),
        ("resources: {gpus_per_trial: all}", "resources.gpus_per_trial: expected a number or 'auto', got 'all'"),
        ("resources: {gpus_per_trial: true}", "resources.gpus_per_trial: expected a number or 'auto', got True"),
        ("resources: {gpus_per_trial: -1}", "resources.gpus_per_trial: expected at least 0 or 'auto', got -1"),
        (
            "resources: {gpus_per_trial: 1.5}",
            "resources.gpus_per_trial: expected a share of one GPU or a whole number of them; got 1.5",
        ),
        ("seed: -1", "seed: expected at least 0, got -1"),
        ("seed: {a: 1}", "seed: expected a whole number, got {'a': 1}"),
        ("plugins: mine", "plugins: expected a list, got 'mine'"),
        ("plugins: {a: 1}", "plugins: expected a list, got {'a': 1}"),
        (
            "resources: {gpus_per_trial: 0.00001}",
            "resources.gpus_per_trial: expected 0, or at least 0.0001 of a GPU; got 1e-05",
        ),
        ("limits: {trial_time: 0}", "limits.trial_time: expected more than 0, got 0"),
        ("space: 3", "space: expected text or a mapping of keys, got 3"),
        ("evaluator: [train]", "evaluator: expected text or a mapping of keys, got ['train']"),
        ("strategy: evolution", "strategy: expected a mapping of keys, got 'evolution'"),
        ("strategy: {name: evolution, population: x}", "strategy.population: expected a whole number, got 'x'"),
        ("strategy: {name: random, sparse: 3}", "strategy.sparse: expected true or false, got 3"),
    ],
)
def test_a_value_of_the_wrong_form_is_one_line_with_the_key_what_was_expected_and_what_came(text, line):
    assert faults_of(text) == [line]


@pytest.mark.parametrize(
    ("text", "owner", "name", "nearest"),
    [
        ("tsak: {}", "unknown key ", "tsak", "task"),
        ("task: {pth: x}", "unknown key of 'task': ", "pth", "path"),
        ("training: {lerning_rate: 1}", "unknown key of 'training': ", "lerning_rate", "learning_rate"),
        ("training: {augmentation: {flpi: 1}}", "unknown key of 'training.augmentation': ", "flpi", "flip"),
        ("strategy: {name: evolutoin}", "unknown strategy ", "evolutoin", "evolution"),
        ("strategy: {optimsm: 4}", "unknown setting of strategy 'model': ", "optimsm", "optimism"),
    ],
)
def test_a_misspelt_name_is_one_line_with_the_nearest_and_all_that_there_are(text, owner, name, nearest):
    (line,) = faults_of(text)
    assert line.startswith(f"{owner}'{name}' (did you mean '{nearest}'?); expected one of: ")
    assert nearest in line.split("expected one of: ")[1].split(", ")


def test_a_key_that_is_no_text_is_an_unknown_key():
    assert faults_of("1: 2")[0].startswith("unknown key '1'; expected one of: ")
    assert faults_of("task: {1: 2}")[0].startswith("unknown key of 'task': '1'; expected one of: ")


@pytest.mark.parametrize(
    ("text", "place", "key"),
    [
        ("task: {classes: {1: liver, 2: tumour}}", "task.classes", "1"),
        ("task: {classes: {no: 1}}", "task.classes", "False"),
        ("task: {classes: {~: 1}}", "task.classes", "None"),
        ("task: {classes: {2020-01-01: 1}}", "task.classes", "datetime.date(2020, 1, 1)"),
        ("task: {split: {on: 0.5}}", "task.split", "True"),
        ("evaluator: {on: 1}", "evaluator", "True"),
        ("evaluator: {1: 1}", "evaluator", "1"),
        ("strategy: {on: 1}", "strategy", "True"),
        ("tracking: {1: true}", "tracking", "1"),
        ("start: {a: {1: 2}}", "start.a", "1"),
    ],
)
def test_a_name_that_is_no_text_is_told_with_where_it_stands(text, place, key):
    assert faults_of(text)[0] == f"{place}: expected names that are text, got {key}"


def test_all_faults_of_all_sections_come_together_and_the_rest_is_kept():
    parsed = parse_config(
        yaml.safe_load("""
        sed: 3
        task: {pth: here, dims: 5, path: there}
        training: {steps: 0, batch: 2}
        strategy: {name: gentic}
        limits: {params: lots, trials: 7}
        """)
    )
    keys = ["'sed'", "'pth'", "task.dims", "training.steps", "limits.params", "'gentic'"]
    assert len(parsed.faults) == len(keys)
    for key in keys:
        assert sum(key in line for line in parsed.faults) == 1
    assert all("\n" not in line for line in parsed.faults)
    assert parsed.faulty == {"sed", "task", "training", "limits", "strategy"}
    assert parsed.config.task.path == "there"
    assert parsed.config.training.batch == 2
    assert parsed.config.training.steps == Config().training.steps
    assert parsed.config.limits.trials == 7


@pytest.mark.parametrize(
    ("text", "section", "key", "value"),
    [
        ("limits: {params: 500k}", "limits", "params", 500_000),
        ("limits: {params: 2M}", "limits", "params", 2_000_000),
        ("limits: {params: 1_500}", "limits", "params", 1500),
        ("limits: {macs: 2G}", "limits", "macs", 2_000_000_000),
        ("limits: {time: 90min}", "limits", "time", 5400),
        ("limits: {time: 1h30m}", "limits", "time", 5400),
        ("limits: {time: 45}", "limits", "time", 45),
        ("training: {learning_rate: 1e-3}", "training", "learning_rate", 0.001),
        ("finals: {mirror: yes}", "finals", "mirror", True),
        ("task: {classes: {a: 1, b: [2, 3], c: '127<', d: instances}}", "task", "classes",
         {"a": 1, "b": [2, 3], "c": "127<", "d": "instances"}),
        ("task: {spacing: auto}", "task", "spacing", "auto"),
        ("task: {spacing: [1, 1.5]}", "task", "spacing", [1, 1.5]),
        ("task: {spacing: }", "task", "spacing", None),
    ],
)  # fmt: skip
def test_common_spellings_work(text, section, key, value):
    parsed = parse_config(yaml.safe_load(text))
    assert parsed.faults == []
    assert getattr(getattr(parsed.config, section), key) == value


@pytest.mark.parametrize(
    "text", ["{name: random, sparse: false}", "{name: evolution, population: 8, crossover: 1}", "{optimism: 2}"]
)
def test_settings_of_a_strategy_are_taken(text):
    parsed = parse_config({"strategy": yaml.safe_load(text)})
    assert parsed.faults == []
    assert parsed.config.strategy.settings == {k: v for k, v in yaml.safe_load(text).items() if k != "name"}


def test_finals_take_three_times_the_steps_of_the_search_where_none_are_given():
    assert parse_config({"training": {"steps": 50}}).config.final_steps == 150
    assert parse_config({"training": {"steps": 50}, "finals": {"steps": 60}}).config.final_steps == 60


def test_settings_change_single_keys_and_leave_what_was_given_alone():
    data = {"training": {"steps": 3, "batch": 2}}
    settings = ["training.steps=800", "limits.params=500k", "task.classes.liver=[1, 2]", "space=unet", "finals.steps="]
    assert apply_settings(data, settings) == {
        "training": {"steps": 800, "batch": 2},
        "limits": {"params": "500k"},
        "task": {"classes": {"liver": [1, 2]}},
        "space": "unet",
        "finals": {"steps": None},
    }
    assert data == {"training": {"steps": 3, "batch": 2}}


def test_a_later_setting_wins_and_a_section_without_keys_can_be_set():
    assert apply_settings({"training": None}, ["training.steps=1", "training.steps=2"]) == {"training": {"steps": 2}}


def test_all_settings_of_another_form_are_named_together():
    settings = [
        "training.steps",
        "=3",
        "training..steps=3",
        "task.path=[1",
        "seed=2024-13-45",
        'task.classes={"a":1,"a":2}',
        "seed=4",
        "space.host=x",
    ]
    with pytest.raises(InputErrors) as caught:
        apply_settings({"space": "mine.yaml"}, settings)
    named = [fault.split(": ")[0] for fault in caught.value.faults]
    assert named == [f"--set {setting}" for setting in settings if setting != "seed=4"]
    assert all("\n" not in fault for fault in caught.value.faults)
    assert caught.value.faults[-1] == "--set space.host=x: expected a key that holds keys, 'space' is 'mine.yaml'"


def test_a_config_file_is_read(tmp_path):
    path = tmp_path / "mine.yaml"
    path.write_text("limits: {params: 500k}\n")
    assert read_config(path) == {"limits": {"params": "500k"}}
    path.write_text("# nothing yet\n")
    assert read_config(path) == {}


@pytest.mark.parametrize(
    ("content", "fault"),
    [
        (None, "does not exist"),
        (b"[1, 2]", "expected a mapping of keys, got list"),
        (b"task: {path: [", "is not YAML"),
        (b"seed: 2024-13-45", "is not YAML"),
        (b"limits: {trials: 5}\nlimits: {time: 1h}", "the key 'limits' is given twice in .* line 2, column 1"),
        (b"task: {classes: {a: 1, b: 2, a: 3}}", "the key 'a' is given twice"),
        (b"task: \xff\xfe", "cannot be read"),
    ],
)
def test_a_config_file_that_holds_no_config_is_one_line_that_names_it(tmp_path, content, fault):
    path = tmp_path / "mine.yaml"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(InputError, match=fault) as caught:
        read_config(path)
    assert str(caught.value).startswith(f"config '{path}'")
    assert "\n" not in str(caught.value)


def test_a_folder_in_place_of_a_config_file_is_one_line(tmp_path):
    with pytest.raises(InputError, match=f"config '{tmp_path}' cannot be read: "):
        read_config(Path(tmp_path))
