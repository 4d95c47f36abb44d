import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from evaluators.tasks import TASK_FORMATS, open_task
from evaluators.tasks.task import SPLITS
from search_spaces.errors import InputError
from tests.evaluators.tasks.files import write_csv_task, write_decathlon_task, write_nnunet_task, write_pairs


def folders_task(root):
    write_pairs(root, "abcde")
    return root


EXAMPLES = {
    "phantom": lambda root: "phantom2d",
    "split_csv": lambda root: write_csv_task(root, ["train"] * 5),
    "decathlon": write_decathlon_task,
    "nnunet": write_nnunet_task,
    "folders": folders_task,
}


@pytest.mark.parametrize("name", TASK_FORMATS)
def test_every_format_is_recognised_and_gives_sound_samples(tmp_path, name):
    path = EXAMPLES[name](tmp_path / "task")
    task = open_task(path)
    assert task == open_task(path, format=name)
    assert len({case.name for case in task.cases}) == len(task.cases)
    assert sum(len(task.split(part)) for part in SPLITS) == len(task.cases)
    assert all(task.split(part) for part in SPLITS)
    for case in task.cases:
        sample = task.read(case)
        assert sample.image.dtype == np.float32
        assert sample.image.shape[0] == task.channels
        assert sample.label.dtype == np.uint8
        assert sample.label.shape == sample.image.shape[1:]
        assert sample.label.ndim == len(sample.spacing) == task.dims
        assert sample.label.max() <= len(task.classes)


@pytest.mark.parametrize("name", TASK_FORMATS)
def test_every_format_makes_the_same_task_again_and_another_with_another_seed(tmp_path, name):
    path = EXAMPLES[name](tmp_path / "task")
    assert open_task(path, seed=3) == open_task(path, seed=3)
    assert any(open_task(path, seed=seed) != open_task(path) for seed in range(1, 9))


@pytest.mark.parametrize("name", TASK_FORMATS)
def test_every_format_refuses_an_option_it_does_not_have(tmp_path, name):
    with pytest.raises(InputError, match=f"unknown option of task format {name} 'imagse'"):
        open_task(EXAMPLES[name](tmp_path / "task"), imagse="x")


@pytest.mark.parametrize("name", TASK_FORMATS)
def test_every_format_takes_an_option_that_is_none_as_not_given(tmp_path, name):
    path = EXAMPLES[name](tmp_path / "task")
    assert open_task(path, images=None, labels=None) == open_task(path)


@pytest.mark.parametrize("name", TASK_FORMATS)
def test_every_format_says_what_is_wrong_with_a_path_that_is_not_there(tmp_path, name):
    with pytest.raises(InputError, match="nowhere"):
        open_task(tmp_path / "nowhere", format=name)


def test_a_table_wins_over_the_folders_beside_it(tmp_path):
    root = write_csv_task(tmp_path, ["train", "val", "test", "test"])
    assert [len(open_task(root).split(part)) for part in SPLITS] == [1, 1, 2]


@pytest.mark.parametrize(("exists", "message"), [(True, "found no task in it"), (False, "no such file or folder")])
def test_an_unrecognised_path_is_one_line_that_lists_what_was_looked_for(tmp_path, exists, message):
    path = tmp_path / "data"
    if exists:
        path.mkdir()
    with pytest.raises(InputError, match=f"data': {message}") as caught:
        open_task(path)
    assert len(caught.value.faults) == 1
    assert all(entry.looks_for in str(caught.value) for entry in TASK_FORMATS.values())


def test_a_misspelt_format_is_named(tmp_path):
    with pytest.raises(InputError, match=r"unknown task format 'nnunett' .did you mean 'nnunet'"):
        open_task(tmp_path, format="nnunett")


@pytest.mark.parametrize("dims", [1, 4, "3"])
def test_dims_are_2_or_3(dims):
    with pytest.raises(InputError, match="dims: expected 2 or 3"):
        open_task("phantom", dims=dims)


SCRIPT = """
import sys, types
bare = types.ModuleType("search_spaces")  # its own imports are not what is looked at here
bare.__path__ = ["search_spaces"]
sys.modules["search_spaces"] = bare
from evaluators.tasks import open_task
open_task("phantom2d")
print(*sorted({name.split(".")[0] for name in sys.modules}))
"""


def test_opening_a_task_imports_no_library_but_numpy():
    root = Path(__file__).parents[3]
    result = subprocess.run([sys.executable, "-c", SCRIPT], cwd=root, capture_output=True, text=True, check=True)
    loaded = set(result.stdout.split())
    assert "numpy" in loaded
    assert not {"torch", "monai", "nibabel", "PIL", "scipy", "ray"} & loaded
