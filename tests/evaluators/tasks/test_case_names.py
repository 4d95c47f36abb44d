from pathlib import Path

from evaluators.tasks.case_names import unique_names

ROOT = Path("/data")


def names(*cases):
    return unique_names([[ROOT / file for file in case.split()] for case in cases], ROOT)


def test_the_stem_is_enough_where_all_differ():
    assert names("i/a.png", "j/b.nii.gz") == ["a", "b"]


def test_equal_stems_are_told_apart_by_their_folders_and_then_by_their_type():
    assert names("i/a.png", "j/a.png") == ["i/a", "j/a"]
    assert names("i/a.png", "i/a.jpg") == ["i/a.png", "i/a.jpg"]


def test_several_files_are_called_what_they_have_in_common():
    assert names("BraTS_001_t1.nii.gz BraTS_001_t2.nii.gz", "BraTS_002_flair.nii.gz BraTS_002_t1.nii.gz") == [
        "BraTS_001",
        "BraTS_002",
    ]
    assert names("t1/p1.nii t2/p1.nii", "t1/p2.nii t2/p2.nii") == ["p1", "p2"]
    assert names("p1/t1.nii p1/t2.nii", "p2/t1.nii p2/t2.nii") == ["p1/t1", "p2/t1"]


def test_a_folder_keeps_its_whole_name(tmp_path):
    (tmp_path / "1.2.840").mkdir()
    (tmp_path / "1.2.841").mkdir()
    assert unique_names([[tmp_path / "1.2.840"], [tmp_path / "1.2.841"]], tmp_path) == ["1.2.840", "1.2.841"]
