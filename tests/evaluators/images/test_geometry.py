"""Whether two files lie at the same place, and their voxels brought into one order."""

import itertools
from pathlib import Path

import nibabel
import numpy as np
import pytest
import tifffile
from hypothesis import given
from hypothesis import strategies as st
from nibabel.orientations import axcodes2ornt, ornt_transform
from PIL import Image

from evaluators.images import Stored, read
from evaluators.images.geometry import brought_to
from search_spaces.errors import InputError
from tests.evaluators.images.files import nifti, nifti_with
from tests.evaluators.images.test_picture import photo

CODES = ["".join(code) for axes in itertools.permutations(["RL", "AP", "SI"]) for code in itertools.product(*axes)]
IMAGE, LABEL = Path("image.nii"), Path("label.nii")
ARRAY = np.arange(4 * 5 * 6).reshape(4, 5, 6)
SPACING = (0.5, 1.0, 2.0)


def rotation(angles):
    turn = np.eye(3)
    for axis, angle in enumerate(angles):
        plane = [other for other in range(3) if other != axis]
        one = np.eye(3)
        one[np.ix_(plane, plane)] = [[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]]
        turn = one @ turn
    return turn


def placed(array=ARRAY, angles=(0, 0, 0), origin=(-3, 4, 5)) -> nibabel.Nifti1Image:
    affine = np.eye(4)
    affine[:3, :3] = rotation(angles) @ np.diag(SPACING)
    affine[:3, 3] = origin
    return nibabel.Nifti1Image(array.astype(np.int32), affine)


def stored(image: nibabel.Nifti1Image, **more) -> Stored:
    spacing = tuple(nibabel.affines.voxel_sizes(image.affine).tolist())
    return Stored(np.asarray(image.dataobj)[None], spacing, image.affine, x_first=True, **more)


def turned(image: nibabel.Nifti1Image, code: str) -> nibabel.Nifti1Image:
    return image.as_reoriented(ornt_transform(axcodes2ornt("RAS"), axcodes2ornt(code)))


@given(
    st.sampled_from(CODES),
    st.sampled_from(CODES),
    st.tuples(*[st.floats(-np.pi, np.pi)] * 3),
    st.floats(-1e-3, 1e-3),
)
def test_voxels_are_paired_by_their_place_however_two_files_are_stored(ours, theirs, angles, noise):
    """At 45 degrees too, where noise decides which way an axis is called."""
    volume = placed(angles=angles)
    image, label = turned(volume, ours), turned(volume, theirs)
    label = nibabel.Nifti1Image(np.asarray(label.dataobj), label.affine + noise * 0.1)
    array, notes = brought_to(stored(image), stored(label), IMAGE, LABEL)
    assert np.array_equal(array[0], np.asarray(image.dataobj))
    assert notes == ()


def shifted(image, **changes):
    affine = image.affine.copy()
    affine[:3, 3] += changes.get("by", 0)
    affine[:3, :3] = rotation(changes.get("angles", (0, 0, 0))) @ affine[:3, :3] * changes.get("scale", 1)
    return nibabel.Nifti1Image(np.asarray(image.dataobj), affine)


@pytest.mark.parametrize(
    "changes",
    [{"by": (0, 0, 0.19)}, {"by": (0.04, 0, 0)}, {"scale": 1.01}, {"angles": (0, 0.004, 0)}],
    ids=str,
)
def test_what_rounding_takes_is_the_same_place(changes):
    array, _ = brought_to(stored(placed()), stored(shifted(placed(), **changes)), IMAGE, LABEL)
    assert np.array_equal(array[0], ARRAY)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        (
            {"by": (0, 0, 0.3)},
            r"origin \(-3, 4, 5.3\), axes RAS against .* origin \(-3, 4, 5\), axes RAS, .* 0.3 mm apart",
        ),
        ({"by": (0.5, 0, 0)}, r"corners up to 0.5 mm apart \(0.1 voxels are allowed\)"),
        ({"scale": 1.1}, "spacing 0.55 x 1.1 x 2.2 mm"),
        ({"angles": (0, 0, 0.3)}, "corners up to "),
    ],
    ids=str,
)
def test_another_place_is_told_with_both(changes, said):
    with pytest.raises(
        InputError, match=rf"^label.nii: lies elsewhere than its image image.nii: size 4 x 5 x 6.*{said}"
    ):
        brought_to(stored(placed()), stored(shifted(placed(), **changes)), IMAGE, LABEL)


def test_another_size_is_told_with_both():
    with pytest.raises(InputError, match=r"size 3 x 5 x 6, .* against size 4 x 5 x 6, [^\n]*task.geometry: by_index"):
        brought_to(stored(placed()), stored(placed(ARRAY[:3])), IMAGE, LABEL)


def test_by_index_the_order_counts_and_it_is_said():
    array, notes = brought_to(stored(placed()), stored(turned(placed(), "LPS")), IMAGE, LABEL, by_index=True)
    assert np.array_equal(array[0], np.asarray(turned(placed(), "LPS").dataobj))
    assert "task.geometry: by_index" in notes[0]
    with pytest.raises(InputError, match="label.nii: size 3 x 5 x 6 differs from 4 x 5 x 6 of image image.nii"):
        brought_to(stored(placed()), stored(placed(ARRAY[:3])), IMAGE, LABEL, by_index=True)


@pytest.mark.parametrize("silent", ["image", "label"])
def test_a_file_that_does_not_say_how_it_lies_lies_as_the_other(silent):
    image, label = stored(turned(placed(), "LPS")), stored(turned(placed(), "LPS"))
    quiet = Stored(image.array, (1.0, 1.0, 1.0), x_first=True)
    array, _ = brought_to(quiet if silent == "image" else image, quiet if silent == "label" else label, IMAGE, LABEL)
    assert np.array_equal(array, image.array)


def test_a_label_at_the_other_place_of_an_image_is_paired(tmp_path):
    """As programs of ITK save one drawn on an image whose sform and qform differ."""
    one, other = placed().affine, turned(placed(origin=(40, 50, 60)), "LPS").affine
    image = read(nifti_with(tmp_path / "a.nii", ARRAY.astype(np.int16), sform=(one, 2), qform=(other, 1)), "image")
    for affine in (one, other):
        array, _ = brought_to(
            image, read(nifti(tmp_path / "l.nii", ARRAY.astype(np.int16), affine), "label"), IMAGE, LABEL
        )
        assert np.array_equal(array[0], ARRAY)


@pytest.mark.parametrize("code", ["RAS", "LPS", "SAR"])
def test_a_partial_label_has_zeros_elsewhere(code):
    whole = np.zeros_like(ARRAY)
    whole[1:3, 2:5, 3:4] = ARRAY[1:3, 2:5, 3:4]
    origin = np.array((-3, 4, 5)) + np.array((1, 2, 3)) * SPACING
    part = turned(placed(ARRAY[1:3, 2:5, 3:4], origin=origin), code)
    array, _ = brought_to(stored(placed()), stored(part, partial=True), IMAGE, LABEL)
    assert np.array_equal(array[0], whole)
    with pytest.raises(InputError, match="lies elsewhere"):
        brought_to(stored(placed()), stored(part), IMAGE, LABEL)


@pytest.mark.parametrize("start", [(3, 0, 0), (-1, 0, 0), (0, 0.5, 0)])
def test_a_partial_label_that_leaves_the_image_or_its_grid_is_refused(start):
    part = placed(ARRAY[:2], origin=np.array((-3, 4, 5)) + np.array(start) * SPACING)
    with pytest.raises(InputError, match="lies elsewhere"):
        brought_to(stored(placed()), stored(part, partial=True), IMAGE, LABEL)


@pytest.mark.parametrize(("image_size", "label_size"), [((4, 5, 1), (4, 5)), ((4, 5), (4, 5, 1)), ((4, 5), (4, 5))])
def test_one_slice_with_and_without_its_third_axis_is_the_same(tmp_path, image_size, label_size):
    affine = np.array([[0, -0.7, 0, 100], [-0.7, 0, 0, 80], [0, 0, 5, -30], [0, 0, 0, 1]])
    label = np.arange(20, dtype=np.uint8)
    image = read(nifti(tmp_path / "i.nii", label.reshape(image_size), affine), "image")
    array, _ = brought_to(
        image, read(nifti(tmp_path / "l.nii", label.reshape(label_size), affine), "label"), IMAGE, LABEL
    )
    assert np.array_equal(array, image.array)
    affine[2, 3] += 5
    with pytest.raises(InputError, match="lies elsewhere"):
        brought_to(image, read(nifti(tmp_path / "l.nii", label.reshape(label_size), affine), "label"), IMAGE, LABEL)


def test_a_nifti_label_of_a_picture_has_its_rows_as_columns(tmp_path):
    """As ITK-SNAP saves what is drawn on a PNG."""
    picture = np.arange(6 * 8, dtype=np.uint8).reshape(6, 8)
    Image.fromarray(picture).save(tmp_path / "a.png")
    label = nifti(tmp_path / "l.nii.gz", picture.T[..., None], np.diag([-1.0, -1, 1, 1]))
    array, _ = brought_to(read(tmp_path / "a.png", "image"), read(label, "label"), IMAGE, LABEL)
    assert np.array_equal(array[0], picture)


def test_a_stack_label_of_a_nifti_has_its_pages_as_slices(tmp_path):
    tifffile.imwrite(tmp_path / "l.tif", ARRAY.T.astype(np.uint8), photometric="minisblack")
    image = read(nifti(tmp_path / "a.nii", ARRAY.astype(np.int16)), "image")
    array, _ = brought_to(image, read(tmp_path / "l.tif", "label"), IMAGE, LABEL)
    assert np.array_equal(array, image.array)


PHOTO = np.arange(6 * 8, dtype=np.uint8).reshape(6, 8)


def beside_photo(tmp_path, orientation, label):
    """A label beside a photo, in the order in which that is viewed."""
    image = read(photo(tmp_path / "a.png", PHOTO, orientation), "image")
    array, notes = brought_to(image, read(label, "label"), IMAGE, LABEL)
    return image.placement.apply(array)[0], image.placement.apply(image.array)[0], notes


@pytest.mark.parametrize("orientation", [3, 6])
def test_a_label_with_the_exif_of_its_photo_is_turned_with_it(tmp_path, orientation):
    label, viewed, notes = beside_photo(tmp_path, orientation, photo(tmp_path / "l.png", PHOTO, orientation))
    assert np.array_equal(label, viewed)
    assert notes == ()


@pytest.mark.parametrize("orientation", [3, 6])
def test_a_label_without_exif_is_as_its_photo_is_viewed(tmp_path, orientation):
    viewed = read(photo(tmp_path / "a.png", PHOTO, orientation), "image")
    Image.fromarray(viewed.placement.apply(viewed.array)[0]).save(tmp_path / "l.png")
    label, image, notes = beside_photo(tmp_path, orientation, tmp_path / "l.png")
    assert np.array_equal(label, image)
    assert "taken as it is viewed" in notes[0]


def test_a_label_with_the_size_of_the_stored_photo_is_turned_with_it(tmp_path):
    Image.fromarray(PHOTO).save(tmp_path / "l.png")
    label, image, notes = beside_photo(tmp_path, 6, tmp_path / "l.png")
    assert np.array_equal(label, image)
    assert "the size of what is stored" in notes[0]


def test_a_label_of_another_size_than_its_photo_is_refused(tmp_path):
    Image.fromarray(PHOTO[:5]).save(tmp_path / "l.png")
    with pytest.raises(InputError, match=r"label.nii: size 5 x 8 differs from 6 x 8 of image .*, as EXIF turns them"):
        beside_photo(tmp_path, 6, tmp_path / "l.png")
