import numpy as np
import pytest

from evaluators.tasks import open_task
from evaluators.tasks.folders import IMAGES, LABELS
from evaluators.tasks.paired_files import pair_files
from evaluators.tasks.task import SPLITS
from search_spaces.errors import InputError
from tests.evaluators.tasks.files import grey, mask, volume_mask, write_nifti, write_pairs, write_picture

DICOM = bytes(128) + b"DICM"  # what such a file begins with


def sizes(task):
    return [len(task.split(part)) for part in SPLITS]


def paired(task):
    return {case.images[0].name: case.label.name for case in task.cases}


@pytest.mark.parametrize(
    ("images", "labels"),
    [*((name, "labels") for name in IMAGES), *(("images", name) for name in LABELS), ("Images", "MASKS")],
)
def test_usual_folder_names_are_found(tmp_path, images, labels):
    write_pairs(tmp_path / "organ", "abcde", images, labels)
    task = open_task(tmp_path / "organ")
    assert (task.name, sizes(task)) == ("organ", [3, 1, 1])
    assert np.array_equal(task.read(task.cases[0]).label, mask() // 255)


def test_unusual_folder_names_can_be_given(tmp_path):
    write_pairs(tmp_path, "abc", "scans", "truth")
    with pytest.raises(InputError, match="found no task in it"):
        open_task(tmp_path)
    assert sizes(open_task(tmp_path, format="folders", images="scans", labels="truth")) == [1, 1, 1]
    with pytest.raises(InputError, match=r"scan: no such folder .option images."):
        open_task(tmp_path, format="folders", images="scan", labels="truth")


@pytest.mark.parametrize(
    "label",
    ["a.png", "a_mask.png", "a_segmentation.bmp", "a_label.tif", "a_gt.gif", "a-mask.png", "a_SEG.png", "a.npy"],
)
def test_a_label_is_found_by_name_whatever_its_suffix_and_type(tmp_path, label):
    write_pairs(tmp_path, "bc")
    write_picture(tmp_path / "images" / "a.jpg", grey())
    if label.endswith(".npy"):
        np.save(tmp_path / "labels" / label, mask())
    else:
        write_picture(tmp_path / "labels" / label, mask())
    assert paired(open_task(tmp_path))["a.jpg"] == label


def test_an_image_may_carry_a_suffix_too(tmp_path):
    for number in range(3):
        write_nifti(tmp_path / "img" / f"p{number}_image.nii.gz", np.ones((5, 6, 7), np.float32))
        write_nifti(tmp_path / "seg" / f"p{number}_seg.nii.gz", volume_mask())
    task = open_task(tmp_path, format="folders", labels="seg")
    assert paired(task)["p1_image.nii.gz"] == "p1_seg.nii.gz"


def test_an_equal_name_wins_over_a_stripped_one(tmp_path):
    write_pairs(tmp_path, ["a", "a_mask", "b"])
    assert paired(open_task(tmp_path)) == {name: name for name in ("a.png", "a_mask.png", "b.png")}


def test_hidden_and_other_files_are_passed_over(tmp_path):
    write_pairs(tmp_path, "abc")
    for name in ("._a.png", "Thumbs.db", "readme.txt"):
        (tmp_path / "images" / name).write_bytes(b"x")
    (tmp_path / "images" / "more.png").mkdir()
    assert len(open_task(tmp_path).cases) == 3


@pytest.mark.parametrize("layout", ["{part}/images", "images/{part}"])
def test_folders_of_parts_give_the_split(tmp_path, layout):
    for part, names in (("Train", "abc"), ("validation", "a"), ("test", "ab")):
        images = layout.format(part=part)
        write_pairs(tmp_path, names, images, images.replace("images", "labels"))
    task = open_task(tmp_path)
    assert sizes(task) == [3, 1, 2]
    assert len({case.name for case in task.cases}) == 6


def test_a_missing_validation_folder_is_made_from_training(tmp_path):
    write_pairs(tmp_path / "training", "abcde")
    write_pairs(tmp_path / "test", "xy")
    assert sizes(open_task(tmp_path)) == [4, 1, 2]


def test_a_test_folder_without_labels_is_passed_over_with_a_note(tmp_path):
    write_pairs(tmp_path / "train", "abcde")
    write_picture(tmp_path / "test" / "images" / "x.png", grey())
    task = open_task(tmp_path)
    assert sizes(task) == [3, 1, 1]
    assert task.notes == (f"{tmp_path / 'test'} holds images without labels, which are left out",)


def test_a_validation_folder_without_labels_is_an_error(tmp_path):
    write_pairs(tmp_path / "train", "abcde")
    write_picture(tmp_path / "val" / "images" / "x.png", grey())
    with pytest.raises(InputError, match=r"val: expected one folder of labels .* found none"):
        open_task(tmp_path)


def test_a_part_that_only_the_images_have_is_an_error(tmp_path):
    write_pairs(tmp_path, "abc", "images/train", "labels/train")
    write_picture(tmp_path / "images" / "val" / "x.png", grey())
    with pytest.raises(InputError, match="images/val: no folder of that name beside it"):
        open_task(tmp_path)


def test_npz_files_that_hold_both_need_no_second_folder(tmp_path):
    for name in "abc":
        np.savez(tmp_path / f"{name}.npz", image=grey(), label=mask())
    task = open_task(tmp_path)
    assert sizes(task) == [1, 1, 1]
    assert np.array_equal(task.read(task.cases[0]).label, mask() // 255)


def test_npz_files_that_hold_both_may_lie_in_parts(tmp_path):
    for part in SPLITS:
        (tmp_path / part).mkdir()
        np.savez(tmp_path / part / "a.npz", image=grey(), label=mask())
    assert sizes(open_task(tmp_path)) == [1, 1, 1]


def test_all_unpaired_files_are_reported_together(tmp_path):
    write_pairs(tmp_path, "abc")
    write_picture(tmp_path / "images" / "d.png", grey())
    write_picture(tmp_path / "labels" / "a_mask.png", mask())
    write_picture(tmp_path / "labels" / "e.png", mask())
    with pytest.raises(InputError) as caught:
        open_task(tmp_path)
    images, labels = tmp_path / "images", tmp_path / "labels"
    assert caught.value.faults == [
        f"{images / 'a.png'}: expected one label of that name in {labels}, found a.png and a_mask.png",
        f"{images / 'd.png'}: expected one label of that name in {labels}, found none",
        f"{labels / 'e.png'}: label without an image in {images}",
    ]


def test_two_images_of_one_label_are_an_error(tmp_path):
    write_pairs(tmp_path, "abc")
    write_picture(tmp_path / "images" / "a.jpg", grey())
    with pytest.raises(InputError, match=r"labels/a\.png: label of more than one image"):
        open_task(tmp_path)


def test_two_candidates_for_a_folder_are_an_error_that_names_the_option(tmp_path):
    write_pairs(tmp_path, "abc")
    write_pairs(tmp_path, "abc", "imgs", "masks")
    with pytest.raises(InputError, match=r"expected one folder of images .* found images and imgs; give images:"):
        open_task(tmp_path)
    assert len(open_task(tmp_path, images="imgs", labels="labels").cases) == 3


def test_empty_folders_are_an_error(tmp_path):
    for name in ("images", "labels"):
        (tmp_path / name).mkdir()
    with pytest.raises(InputError, match=r"images: expected files of the types \.png.* found none"):
        open_task(tmp_path)


def test_a_file_is_no_folder(tmp_path):
    path = write_picture(tmp_path / "a.png", grey())
    with pytest.raises(InputError, match=r"a\.png': expected a folder"):
        open_task(path, format="folders")


def test_arrays_of_other_names_are_told(tmp_path):
    for name in "abc":
        np.savez(tmp_path / f"{name}.npz", x=grey(), y=mask())
    task = open_task(tmp_path, format="folders", arrays={"image": "x", "label": "y"})
    assert np.array_equal(task.read(task.cases[0]).label, mask() // 255)


def test_a_folder_of_dicom_files_is_one_image_and_one_with_a_single_file_one_label(tmp_path):
    for name in ("p1", "p2"):
        for slice_number in range(3):
            file = tmp_path / "images" / name / f"{slice_number}.dcm"
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(DICOM)
    write_nifti(tmp_path / "labels" / "p1.nii.gz", volume_mask())
    (tmp_path / "labels" / "p2").mkdir()
    (tmp_path / "labels" / "p2" / "1-1.dcm").write_bytes(DICOM)
    pairs, faults = pair_files(tmp_path / "images", tmp_path / "labels")
    assert faults == []
    assert [(image.name, label.name) for image, label in pairs] == [("p1", "p1.nii.gz"), ("p2", "1-1.dcm")]


@pytest.mark.parametrize("folder", ["images", "labels"])
def test_a_link_to_nothing_is_a_fault_and_no_case_less(tmp_path, folder):
    write_pairs(tmp_path, "abcd")
    file = tmp_path / folder / "b.png"
    file.unlink()
    file.symlink_to(tmp_path / "annex")
    with pytest.raises(InputError, match=rf"{folder}/b\.png: no such file, the link leads to nothing"):
        open_task(tmp_path)


def test_arrays_with_names_of_their_own_are_found(tmp_path):
    for name in "abcd":
        np.savez(tmp_path / f"{name}.npz", ct=grey(), seg=mask(values=(1,)))
    assert len(open_task(tmp_path, arrays={"image": "ct", "label": "seg"}).cases) == 4
    with pytest.raises(InputError, match="found no task in it"):
        open_task(tmp_path)
