"""Which files are the channels of one case."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evaluators.tasks.channel_files import channels_of_cases, numbered
from search_spaces.errors import InputError


def grouped(names, channels, each=1):
    cases = channels_of_cases([Path(name) for name in names], channels, lambda file: each)
    return {name: [file.name for file in files] for name, files in cases.items()}


def test_files_0000_to_the_last_channel_are_one_case():
    names = ["a_0001.nii.gz", "a_0000.nii.gz", "b_0000.nii.gz", "b_0001.nii.gz"]
    assert grouped(names, 2) == {name: [f"{name}_0000.nii.gz", f"{name}_0001.nii.gz"] for name in "ab"}


@pytest.mark.parametrize(
    "names",
    [
        ["frame_0001.png", "frame_0002.png", "frame_0003.png"],
        ["frame_0000.png", "frame_0001.png"],
        ["frame_0000.png", "frame_0001.png", "frame_0002.png", "frame_0003.png"],
        ["patient_0006.nii.gz"],
    ],
)
def test_other_numbers_are_cases_of_their_own_named_after_their_file(names):
    assert grouped(names, 3) == {name.split(".")[0]: [name] for name in names}


def test_files_of_several_channels_are_never_one_channel_of_a_case():
    names = ["frame_0000.png", "frame_0001.png", "frame_0002.png"]
    assert grouped(names, 3, each=3) == {name[:-4]: [name] for name in names}
    assert grouped(names, 3, each=1) == {"frame": names}


@pytest.mark.parametrize("channels", [1, 3])
def test_a_folder_of_first_channels_alone_holds_the_only_files_of_its_cases(channels):
    names = ["a_0000.png", "b_0000.png"]
    assert grouped(names, channels) == {"a": names[:1], "b": names[1:]}
    assert grouped(names[:1], channels) == {"a": names[:1]}
    assert list(grouped([*names, "b_0001.png"], 1)) == ["a_0000", "b_0000", "b_0001"]


def test_an_incomplete_case_among_complete_ones_is_left_to_the_reader():
    names = ["a_0000.png", "a_0001.png", "b_0000.png"]
    assert grouped(names, 2) == {"a": names[:2], "b_0000": ["b_0000.png"]}


@pytest.mark.parametrize(
    "names",
    [
        ["x/a.png", "y/a.png"],
        ["a.png", "a.jpg"],
        ["a_0000.png", "a_0001.png", "a.png"],
        ["x/a_0000.png", "x/a_0001.png", "y/a_0000.png", "y/a_0001.png"],
    ],
)
def test_two_cases_of_one_name_are_refused(names):
    with pytest.raises(InputError, match="two images are called 'a.*'"):
        grouped(names, 2)


@given(st.sets(st.integers(0, 6), min_size=1), st.integers(1, 4))
def test_every_file_is_in_one_case(numbers, channels):
    names = [f"c_{number:04d}.png" for number in sorted(numbers)]
    assert sorted(file for files in grouped(names, channels).values() for file in files) == names


def test_names_without_four_digits_are_not_numbered():
    names = ["a_0000.png", "a_001.png", "a.png", "_0000.png", "b_00001.png"]
    assert numbered(map(Path, names)) == {"a": {0: Path("a_0000.png")}}
