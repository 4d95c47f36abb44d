"""Cases of one subject stay in one part."""

import pytest

from evaluators.tasks import open_task
from evaluators.tasks.groups import subject
from evaluators.tasks.task import SPLITS
from search_spaces.errors import InputError
from tests.evaluators.tasks.files import grey, mask, write_nnunet_task, write_pairs, write_picture, write_table


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("case0005_slice012", "case0005"),
        ("patient01_frame03", "patient01"),
        ("volume-1_slice_7", "volume-1"),
        ("case_001_sliceED_0", "case_001"),
        ("patient001_frame01_slice_1", "patient001"),
        ("P01-z003", "P01"),
        ("s7.img12", "s7"),
        ("LIDC-0001/slice_12", "LIDC-0001"),
        ("12slice3", "12"),
        ("Case2_T1", "Case2"),
        ("frame_0001", ""),
        ("img_12", ""),
        ("liver_slice_3", ""),  # one name without a number may be an organ, a folder, a grade
        ("P01-0005", ""),
        ("ISIC_0024306", ""),
        ("TCGA_CS_4941_19960909_12", ""),
        ("21_training", ""),
        ("case1_slice", ""),
        ("benign (12)", ""),
        ("brats01_t1ce", ""),
    ],
)
def test_only_a_numbered_name_before_a_numbered_slice_is_a_subject(name, expected):
    assert subject(name) == expected


def slices(subjects=8, count=6):
    return [f"case{s:04d}_slice{n:03d}" for s in range(subjects) for n in range(count)]


def test_slices_of_a_patient_are_kept_together_and_a_note_says_so(tmp_path):
    write_pairs(tmp_path, slices())
    task = open_task(tmp_path)
    assert all(len({c.split for c in task.cases if c.group == group}) == 1 for group in {c.group for c in task.cases})
    assert {case.group for case in task.cases} == {f"case{s:04d}" for s in range(8)}
    assert any("the names tell 8 subjects ('case0000' of case0000_slice000)" in note for note in task.notes)


def test_grouping_by_names_can_be_turned_off(tmp_path):
    write_pairs(tmp_path, slices())
    task = open_task(tmp_path, groups=False)
    assert {case.group for case in task.cases} == {""}
    assert task.notes == ()


def test_one_subject_or_one_slice_of_each_makes_no_groups(tmp_path):
    for number, names in enumerate((slices(1, 9), slices(9, 1), [f"frame_{n:04d}" for n in range(9)])):
        write_pairs(tmp_path / str(number), names)
        task = open_task(tmp_path / str(number))
        assert ({case.group for case in task.cases}, task.notes) == ({""}, ())


def test_cases_with_other_names_stand_alone_among_slices(tmp_path):
    write_pairs(tmp_path, [*slices(4, 3), "phantom"])
    assert {case.name: case.group for case in open_task(tmp_path).cases}["phantom"] == ""


def test_two_subjects_are_too_few_to_keep_together_and_a_note_says_so(tmp_path):
    write_pairs(tmp_path, slices(2, 9))
    task = open_task(tmp_path)
    assert {case.group for case in task.cases} == {""}
    assert any("2 subjects" in note and "too few" in note for note in task.notes)


def test_subjects_that_cross_a_given_split_are_a_warning_that_names_the_first(tmp_path):
    write_pairs(tmp_path / "train", slices(4, 3))
    write_pairs(tmp_path / "test", ["case0002_slice009", "case0007_slice000"])
    task = open_task(tmp_path)
    (crossing,) = [note for note in task.notes if "more than one part" in note]
    assert crossing.startswith("1 of 5 subjects are in more than one part of the given split, 'case0002' first")
    assert "case0002_slice000 (train) and case0002_slice009 (test)" in crossing.replace("train/images/", "")
    made = {case.group: set() for case in task.cases}
    for case in task.cases:
        made[case.group].add(case.split)
    assert all(not {"train", "val"} <= found for found in made.values())  # what the tool makes, it makes by subject


def test_a_pattern_groups_in_every_format(tmp_path):
    write_pairs(tmp_path / "folders", [f"p{n // 3}x{n % 3}" for n in range(15)])
    write_nnunet_task(tmp_path / "nnunet", count=6)
    for folder, pattern, groups in (("folders", r"^(p\d)x", 5), ("nnunet", r"cTr_(\d)", 6)):
        task = open_task(tmp_path / folder, group_pattern=pattern)
        assert len({case.group for case in task.cases}) == groups


def test_a_pattern_may_find_its_subject_in_the_path(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path.parent)
    rows = []
    for number in range(9):
        folder = tmp_path / f"patient{number // 3}"
        write_picture(folder / f"image{number}.png", grey())
        write_picture(folder / f"label{number}.png", mask())
        rows.append((f"{folder.name}/image{number}.png", f"{folder.name}/label{number}.png", "train"))
    write_table(tmp_path, rows, header="image,label,split")
    for root in (tmp_path, tmp_path.name):
        task = open_task(root, group_pattern=r"^(patient\d+)/")
        assert {case.group for case in task.cases} == {"patient0", "patient1", "patient2"}


def test_a_pattern_that_misses_some_names_is_noted_and_one_that_misses_all_is_refused(tmp_path):
    write_pairs(tmp_path, [*slices(4, 2), "other"])
    task = open_task(tmp_path, group_pattern="(case[0-9]+)")
    assert "group_pattern finds nothing in 1 of 9 names (other): each stands alone" in task.notes
    with pytest.raises(InputError, match=r"group_pattern: '\(patient\)' finds nothing .* such as case0000_slice000"):
        open_task(tmp_path, group_pattern="(patient)")


def test_a_group_of_a_pattern_that_crosses_a_given_split_is_a_fault(tmp_path):
    for part in SPLITS:
        write_pairs(tmp_path / part, [f"case1_{part}"])
    with pytest.raises(InputError, match=r"group 'case1' is in train and val and test; .*group_pattern '\(case"):
        open_task(tmp_path, group_pattern=r"(case\d)")
