import numpy as np
import pytest

from evaluators.tasks import open_task
from evaluators.tasks.task import SPLITS
from search_spaces.errors import InputError
from tests.evaluators.tasks.files import grey, mask, write_csv_task, write_pairs, write_picture, write_table


def sizes(task):
    return [len(task.split(part)) for part in SPLITS]


def test_a_given_split_is_kept(tmp_path):
    task = open_task(write_csv_task(tmp_path / "organ", ["train", "test", "val", "train"]))
    assert task.name == "organ"
    assert [case.name for case in task.cases] == ["case0", "case3", "case2", "case1"]
    assert sizes(task) == [2, 1, 1]


def test_the_table_itself_can_be_given(tmp_path):
    root = write_csv_task(tmp_path / "organ", list(SPLITS))
    assert open_task(root / "split.csv") == open_task(root)


def test_the_table_may_be_called_in_other_letters(tmp_path):
    root = write_csv_task(tmp_path, ["train", "test", "val", "train"])
    (root / "split.csv").rename(root / "Split.CSV")
    task = open_task(root)  # and not as the folders 'images' and 'labels' that lie there too
    assert [case.name for case in task.split("test")] == ["case1"]


def test_a_missing_validation_part_comes_from_the_training_half(tmp_path):
    task = open_task(write_csv_task(tmp_path, ["train"] * 10 + ["test"] * 10))
    assert sizes(task) == [8, 2, 10]
    assert {case.name for case in task.split("test")} == {f"case{number}" for number in range(10, 20)}


def test_training_rows_alone_are_split_three_ways(tmp_path):
    root = write_csv_task(tmp_path, ["train"] * 10)
    assert sizes(open_task(root)) == [6, 2, 2]
    assert sizes(open_task(root, split={"val": 0.1, "test": 0.4})) == [5, 1, 4]


def test_made_parts_keep_groups_whole(tmp_path):
    task = open_task(write_csv_task(tmp_path, ["train"] * 12, ["a", "b", "c", "d"] * 3))
    for group in "abcd":
        assert len({case.split for case in task.cases if case.group == group}) == 1


def test_a_group_that_crosses_the_split_is_named_with_the_way_out(tmp_path):
    root = write_csv_task(tmp_path, list(SPLITS), ["p1", "p2", "p1"])
    with pytest.raises(InputError, match=r"group 'p1' is in train and test; .*split\.csv.*groups: false"):
        open_task(root)
    assert sizes(open_task(root, groups=False)) == [1, 1, 1]


def test_the_group_column_may_be_absent_and_others_are_passed_over(tmp_path):
    write_pairs(tmp_path, "abc")
    rows = [(part, f"images/{n}.png", f"labels/{n}.png", "x") for n, part in zip("abc", SPLITS, strict=True)]
    write_table(tmp_path, rows, header="split, image ,label,scanner")
    assert sizes(open_task(tmp_path)) == [1, 1, 1]


def test_a_table_from_a_spreadsheet_is_read(tmp_path):
    root = write_csv_task(tmp_path, list(SPLITS))
    table = root / "split.csv"
    table.write_bytes(b"\xef\xbb\xbf" + table.read_bytes() + b",,,\r\n\r\n")
    assert sizes(open_task(root)) == [1, 1, 1]


def test_equal_file_names_in_different_folders_stay_apart(tmp_path):
    for part in SPLITS:
        write_pairs(tmp_path / part, ["0"])
    write_table(tmp_path, [(f"{part}/images/0.png", f"{part}/labels/0.png", part, "") for part in SPLITS])
    assert [case.name for case in open_task(tmp_path).cases] == ["train/images/0", "val/images/0", "test/images/0"]


def test_a_missing_column_is_named(tmp_path):
    write_table(tmp_path, [], header="image,mask,split")
    with pytest.raises(InputError, match=r"split\.csv: missing column label; .* got image,mask,split"):
        open_task(tmp_path)


def test_all_bad_rows_are_reported_together(tmp_path):
    rows = [("a.png", "", "train", ""), ("b.png", "b.png", "trian", ""), ("b.png", "c.png", "val", "")]
    write_table(tmp_path, rows)
    with pytest.raises(InputError) as caught:
        open_task(tmp_path)
    table = tmp_path / "split.csv"
    assert caught.value.faults == [
        f"{table}: line 2 has no label",
        f"{table}: line 3: unknown split 'trian' (did you mean 'train'?); expected one of: test, train, val",
        f"{table}: line 4 repeats the image of line 3: b.png",
    ]


@pytest.mark.parametrize("spelling", ["./images/../images/case0.png", "link.png"])
def test_one_image_in_two_cases_is_told_however_it_is_spelt(tmp_path, spelling):
    root = write_csv_task(tmp_path, list(SPLITS))
    (root / "link.png").symlink_to(root / "images" / "case0.png")
    with (root / "split.csv").open("a") as table:
        table.write(f"{spelling},labels/case1.png,val,\n")
    with pytest.raises(
        InputError, match=r"png \(val\) and .*images/case0\.png \(train\) are one image; expected it in one"
    ):
        open_task(root)


@pytest.mark.parametrize(("groups", "told"), [(["", "", "", "", ""], 1), (["p", "p", "q", "r", "s"], 0)])
def test_one_label_of_two_cases_is_noted_where_they_may_be_torn_apart(tmp_path, groups, told):
    table = write_csv_task(tmp_path, ["train"] * 5, groups) / "split.csv"
    table.write_text(table.read_text().replace("labels/case1.png", "./labels/case0.png"))
    notes = [note for note in open_task(tmp_path).notes if "have the same label file" in note]
    assert len(notes) == told
    assert all(note.startswith(f"cases case0 and case1 have the same label file, {tmp_path}") for note in notes)


@pytest.mark.parametrize("image", ["images/.png", "/", ".."])
def test_an_image_without_a_name_is_named_with_its_path(tmp_path, image):
    table = write_csv_task(tmp_path, list(SPLITS)) / "split.csv"
    table.write_text(table.read_text().replace("images/case1.png", image))
    with pytest.raises(InputError, match="no such file"):
        open_task(tmp_path)


def test_a_row_of_the_wrong_length_is_named(tmp_path):
    write_table(tmp_path, [("a.png", "b.png")])
    with pytest.raises(InputError, match="line 2: expected 4 cells, got 2"):
        open_task(tmp_path)


@pytest.mark.parametrize("content", [b"", b"image,label,split,group\n"])
def test_an_empty_table_is_an_error(tmp_path, content):
    (tmp_path / "split.csv").write_bytes(content)
    with pytest.raises(InputError, match=r"missing column|no cases found"):
        open_task(tmp_path)


def test_a_table_that_is_no_text_is_named(tmp_path):
    (tmp_path / "split.csv").write_bytes(b"image,label,split\n\xff\xfe\x00")
    with pytest.raises(InputError, match=r"split\.csv: cannot be read as a table"):
        open_task(tmp_path)


def test_no_training_row_is_an_error(tmp_path):
    with pytest.raises(InputError, match="train is empty"):
        open_task(write_csv_task(tmp_path, ["val", "test"]))


def test_groups_that_are_all_in_every_part_are_strata(tmp_path):
    splits = ["train", "train", "val", "val", "test", "test"]
    write_csv_task(tmp_path, splits, ["benign", "malignant"] * 3)
    task = open_task(tmp_path)
    assert len(task.cases) == 6
    [note] = task.notes
    assert "column 'group'" in note
    assert "such as 'benign'" in note
    assert open_task(tmp_path, groups=False).notes == ()


@pytest.mark.parametrize(
    "groups", [("patient_A", "patient_B"), ("p1", "p2"), ("A", "B"), ("subject", "other"), ("7", "8")]
)
def test_subjects_in_every_part_are_no_strata(tmp_path, groups):
    write_csv_task(tmp_path, ["train", "train", "val", "val", "test", "test"], groups * 3)
    with pytest.raises(InputError, match=rf"group '{groups[0]}' is in train and val and test; .*groups: false"):
        open_task(tmp_path)


def test_strata_across_a_split_that_is_still_to_be_completed_are_a_fault(tmp_path):
    write_csv_task(tmp_path, ["train", "train", "train", "train", "test", "test"], ["benign", "malignant"] * 3)
    with pytest.raises(InputError, match="group 'benign' is in train and test"):
        open_task(tmp_path)


def test_one_group_that_is_not_everywhere_makes_them_patients(tmp_path):
    splits = ["train", "train", "train", "val", "val", "test", "test"]
    write_csv_task(tmp_path, splits, ["c", "a", "b", "a", "b", "a", "b"])
    with pytest.raises(InputError, match="group 'a' is in train and val and test"):
        open_task(tmp_path)


def test_several_images_in_a_cell_are_the_channels_of_a_case(tmp_path):
    for name in "abc":
        for channel in (1, 2):
            write_picture(tmp_path / f"{name}_t{channel}.png", grey(fill=100 * channel))
        write_picture(tmp_path / f"{name}.png", mask())
    rows = [(f"{n}_t1.png; {n}_t2.png", f"{n}.png", part) for n, part in zip("abc", SPLITS, strict=True)]
    write_table(tmp_path, rows, header="image,label,split")
    task = open_task(tmp_path)
    assert [case.name for case in task.cases] == ["a", "b", "c"]
    assert task.read(task.cases[0]).image[:, 0, -1].tolist() == [100, 200]


def write_arrays(root, image="ct", label="seg"):
    for name in "abc":
        np.savez(root / f"{name}.npz", **{image: grey(), label: mask(), "other": np.zeros(3)})


def test_a_column_may_name_the_array_of_an_npz(tmp_path):
    write_arrays(tmp_path)
    rows = [(f"{name}.npz:ct", f"{name}.npz:seg", part) for name, part in zip("abc", SPLITS, strict=True)]
    write_table(tmp_path, rows, header="image,label,split")
    task = open_task(tmp_path)
    assert [case.name for case in task.cases] == ["a", "b", "c"]
    assert np.array_equal(task.read(task.cases[0]).label, mask() // 255)


def test_arrays_can_be_named_for_all(tmp_path):
    write_arrays(tmp_path)
    rows = [(f"{name}.npz", f"{name}.npz", part) for name, part in zip("abc", SPLITS, strict=True)]
    write_table(tmp_path, rows, header="image,label,split")
    task = open_task(tmp_path, arrays={"image": "ct", "label": "seg"})
    assert np.array_equal(task.read(task.cases[0]).image[0], grey())


def test_a_column_names_one_array(tmp_path):
    write_arrays(tmp_path)
    rows = [
        (f"{name}.npz:{array}", f"{name}.npz", "train") for name, array in zip("abc", ("ct", "ct", "mr"), strict=True)
    ]
    write_table(tmp_path, rows, header="image,label,split")
    with pytest.raises(InputError, match=r"column image: expected one array for all rows.*; got ct, mr"):
        open_task(tmp_path)


def test_cells_of_nothing_but_separators_are_empty(tmp_path):
    write_table(tmp_path, [(" ; ", "a.png", "train", "")])
    with pytest.raises(InputError, match="line 2 has no image"):
        open_task(tmp_path)
