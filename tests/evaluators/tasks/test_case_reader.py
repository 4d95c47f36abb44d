"""Cases from their files: channels, labels, orientation, NaN, and what is wrong with them."""

import pickle

import nibabel
import numpy as np
import pytest
import SimpleITK as sitk
import tifffile
from nibabel.orientations import axcodes2ornt, ornt_transform

from evaluators.tasks.case_reader import CaseReader, count_channels
from evaluators.tasks.labels import parse_classes
from evaluators.tasks.reading import Reading
from evaluators.tasks.task import Case
from search_spaces.errors import InputError
from tests.evaluators.images.dicom_files import write_segmentation, write_slices
from tests.evaluators.images.files import nifti, nifti_with, write
from tests.evaluators.images.test_itk import segments
from tests.evaluators.tasks.files import colour, grey, mask, volume_mask, write_nifti, write_picture

ONE = parse_classes({"thing": [1, 255]})
AFFINE = np.array([[0.5, 0, 0, -3], [0, 1, 0, 4], [0, 0, 2, 5], [0, 0, 0, 1]])
VOLUME = np.random.default_rng(0).normal(size=(6, 5, 4)).astype(np.float32)
MASK = (VOLUME > 0.5).astype(np.uint8)


def case(*images, label=None):
    return Case("case", "train", tuple(images), label)


def turned(path, array, code, affine=AFFINE):
    image = nibabel.Nifti1Image(array, affine)
    path.parent.mkdir(parents=True, exist_ok=True)
    nibabel.save(image.as_reoriented(ornt_transform(axcodes2ornt("RAS"), axcodes2ornt(code))), path)
    return path


@pytest.mark.parametrize(
    "codes", [("RAS", "LPS", "RAS"), ("LPS", "RAS", "PIR"), ("PIR", "SAR", "LAS"), ("ILA", "ILA", "RAS")]
)
def test_every_file_of_a_case_is_turned_upright(tmp_path, codes):
    """Case 01: labels and channels stored in another orientation than their image."""
    files = [
        turned(tmp_path / f"{name}.nii.gz", array, code)
        for name, array, code in zip("abl", (VOLUME, -VOLUME, MASK), codes, strict=True)
    ]
    sample = CaseReader(3, 2, ONE)(case(*files[:2], label=files[2]))
    assert np.array_equal(sample.image, np.stack([VOLUME, -VOLUME]))
    assert np.array_equal(sample.label, MASK)
    assert sample.spacing == (0.5, 1.0, 2.0)
    assert (sample.image.dtype, sample.label.dtype, sample.notes) == (np.float32, np.uint8, ())
    assert sample.image.flags.c_contiguous
    assert sample.label.flags.c_contiguous
    assert np.array_equal(
        sample.source.placement.restore(sample.label), nibabel.load(turned(tmp_path / "m.nii", MASK, codes[0])).dataobj
    )


def test_a_label_that_lies_elsewhere_is_a_fault_unless_the_order_counts(tmp_path):
    image = nifti(tmp_path / "a.nii", VOLUME, AFFINE)
    label = nifti(tmp_path / "l.nii", MASK, AFFINE + np.array([[0, 0, 0, 6], *np.zeros((3, 4))]))
    with pytest.raises(
        InputError, match=r"l\.nii: lies elsewhere than its image .*a\.nii: .*origin \(3, 4, 5\).*origin \(-3, 4"
    ):
        CaseReader(3, 1, ONE)(case(image, label=label))
    sample = CaseReader(3, 1, ONE, reading=Reading(by_index=True))(case(image, label=label))
    assert np.array_equal(sample.label, MASK)
    assert "task.geometry: by_index" in sample.notes[0]


def test_a_label_of_another_size_is_a_fault(tmp_path):
    image, label = write_picture(tmp_path / "a.png", grey()), write_picture(tmp_path / "l.png", mask(7))
    with pytest.raises(InputError, match=r"l\.png: size 7 x 8 differs from 6 x 8 of image .*a\.png"):
        CaseReader(2, 1, ONE)(case(image, label=label))


def test_a_label_that_does_not_say_how_it_lies_lies_as_its_image(tmp_path):
    image = turned(tmp_path / "a.nii", VOLUME, "LPS")
    stored = np.asarray(nibabel.load(turned(tmp_path / "m.nii", MASK, "LPS")).dataobj)
    quiet = nifti_with(tmp_path / "l.nii", stored, pixdim=(0.5, 1, 2))
    assert np.array_equal(CaseReader(3, 1, ONE)(case(image, label=quiet)).label, MASK)


def test_the_sample_lies_by_the_affine_and_says_so_of_pixdim(tmp_path):
    """Case 11: pixdim says 1 mm, the sform 2 x 2 x 4."""
    path = nifti_with(tmp_path / "a.nii", VOLUME, sform=(np.diag([2, 2, 4, 1]), 1), pixdim=(1, 1, 1))
    sample = CaseReader(3, 1, None)(case(path))
    assert sample.spacing == (2.0, 2.0, 4.0)
    assert "pixdim" in sample.notes[0]


@pytest.mark.parametrize(
    ("shape", "axes", "spacing"),
    [
        ((5, 6, 1), (0, 1), (0.5, 1.0)),
        ((1, 6, 7), (1, 2), (1.0, 2.0)),
        ((5, 1, 7), (0, 2), (0.5, 2.0)),
        ((5, 6), (0, 1), (0.5, 1.0)),
    ],
)
def test_a_single_slice_is_2d_where_the_task_is(tmp_path, shape, axes, spacing):
    path = nifti(tmp_path / "a.nii.gz", np.arange(np.prod(shape), dtype=np.float32).reshape(shape), AFFINE)
    sample = CaseReader(2, 1, None)(case(path))
    assert np.array_equal(sample.image[0], np.arange(np.prod(shape)).reshape([n for n in shape if n > 1]))
    assert sample.spacing == spacing


def test_a_slice_from_the_side_keeps_its_axes_upright(tmp_path):
    """Stored (y, z, 1), as sagittal series are."""
    picture = np.arange(20, dtype=np.float32).reshape(5, 4)
    affine = np.array([[0, 0, 3, 7], [0.5, 0, 0, 4], [0, 0.9, 0, 5], [0, 0, 0, 1]])
    sample = CaseReader(2, 1, None)(case(nifti(tmp_path / "a.nii", picture[..., None], affine)))
    assert np.array_equal(sample.image[0], picture)
    assert sample.spacing == pytest.approx((0.5, 0.9))


@pytest.mark.parametrize("shape", [(5, 6, 1), (5, 6)])
def test_a_single_slice_is_3d_where_the_task_is(tmp_path, shape):
    sample = CaseReader(3, 1, None)(case(write_nifti(tmp_path / "a.nii.gz", np.ones(shape, np.uint8), (1, 2, 3))))
    assert sample.image.shape == (1, 5, 6, 1)
    assert len(sample.spacing) == 3


def test_a_volume_in_a_2d_task_is_refused_and_kept_for_slices(tmp_path):
    path = write_nifti(tmp_path / "a.nii.gz", volume_mask())
    size = " x ".join(map(str, volume_mask().shape))
    with pytest.raises(InputError, match=rf"a\.nii\.gz: expected 2 spatial axes, got 3 \({size}\)"):
        CaseReader(2, 1, None)(case(path))
    sample = CaseReader(2, 1, parse_classes({"thing": 1}), slice_axis=2)(case(path, label=path))
    assert sample.image.shape[1:] == sample.label.shape == volume_mask().shape
    assert len(sample.spacing) == 3


@pytest.mark.parametrize("shape", [(3, 6, 8), (6, 8, 3)])
def test_arrays_have_channels_as_the_task_has_axes(tmp_path, shape):
    np.save(tmp_path / "a.npy", np.zeros(shape))
    assert count_channels([tmp_path / "a.npy"], 2) == 3
    assert count_channels([tmp_path / "a.npy"], 3) == 1
    assert CaseReader(2, 3, None)(case(tmp_path / "a.npy")).image.shape == (3, 6, 8)
    assert CaseReader(3, 1, None)(case(tmp_path / "a.npy")).image.shape == (1, *shape)


def test_an_array_with_more_channels_than_a_network_of_pictures_takes_is_a_volume(tmp_path):
    np.save(tmp_path / "a.npy", np.zeros((4, 6, 8)))
    assert CaseReader(2, 1, None, volumes=True)(case(tmp_path / "a.npy")).image.shape == (1, 4, 6, 8)
    assert CaseReader(2, 4, None, volumes=True)(case(tmp_path / "a.npy")).image.shape == (4, 6, 8)


def test_three_slices_in_planes_are_a_volume_and_its_label_too(tmp_path):
    volume = np.arange(3 * 6 * 8, dtype=np.uint8).reshape(3, 6, 8)
    truth = (volume % 7 == 0).astype(np.uint8)
    for name, array in (("a", volume), ("l", truth)):
        tifffile.imwrite(tmp_path / f"{name}.tif", array, photometric="rgb", planarconfig="separate")
    sample = CaseReader(3, 1, ONE)(case(tmp_path / "a.tif", label=tmp_path / "l.tif"))
    assert np.array_equal(sample.image[0], volume)
    assert np.array_equal(sample.label, truth)
    with pytest.raises(InputError, match=r"l\.tif: a colour label"):
        CaseReader(2, 3, ONE)(case(tmp_path / "a.tif", label=tmp_path / "l.tif"))


def test_arrays_of_an_npz_are_read_by_name(tmp_path):
    np.savez(tmp_path / "a.npz", mri=VOLUME, truth=MASK, other=MASK)
    sample = CaseReader(3, 1, ONE, reading=Reading(image_array="mri", label_array="truth"))(
        case(tmp_path / "a.npz", label=tmp_path / "a.npz")
    )
    assert np.array_equal(sample.label, MASK)


def test_a_grey_picture_is_repeated_and_a_grey_colour_picture_is_grey(tmp_path):
    one, three = (
        write_picture(tmp_path / "a.png", grey()),
        write_picture(tmp_path / "b.png", np.stack([grey()] * 3, -1)),
    )
    assert np.array_equal(CaseReader(2, 3, None)(case(one)).image, np.stack([grey()] * 3))
    assert np.array_equal(CaseReader(2, 1, None)(case(three)).image[0], grey())


def test_another_count_of_channels_is_a_fault_with_what_was_left_out(tmp_path):
    with pytest.raises(InputError, match=r"a\.png: expected 1 channels as the task has, got 3$"):
        CaseReader(2, 1, None)(case(write_picture(tmp_path / "a.png", colour())))
    rgba = np.concatenate([colour(), np.indices((6, 8, 1))[1].astype(np.uint8)], -1)
    with pytest.raises(
        InputError, match=r"b\.png: expected 4 channels as the task has, got 3 \(transparency is left out\)"
    ):
        CaseReader(2, 4, None)(case(write_picture(tmp_path / "b.png", rgba)))


def test_a_label_with_several_channels_is_refused(tmp_path):
    files = [write_nifti(tmp_path / f"{n}.nii", np.ones((5, 6, 7, c), np.uint8)) for n, c in (("a", 1), ("l", 2))]
    with pytest.raises(InputError, match=r"l\.nii: expected a label with one value per voxel, got 2 channels"):
        CaseReader(3, 1, ONE)(case(files[0], label=files[1]))


def with_gaps(path, *values, shape=(2, 4, 3)):
    array = np.arange(np.prod(shape), dtype=np.float64).reshape(shape) + 5
    array.ravel()[1 : 1 + len(values)] = values
    np.save(path, array)
    return path, array


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ([np.nan, np.nan], r"2 of 24 pixels are NaN \(task.nan: background takes them as background\)"),
        ([np.inf, -np.inf, 1e300], "3 of 24 pixels are infinite"),
        ([np.inf, np.nan], r"1 of 24 pixels are infinite, 1 of 24 pixels are NaN \(task"),
    ],
)
def test_pixels_that_are_no_numbers_are_counted(tmp_path, values, said):
    path, _ = with_gaps(tmp_path / "a.npy", *values)
    with pytest.raises(InputError, match=rf"a\.npy: {said}"):
        CaseReader(3, 1, None)(case(path))


def test_nan_is_background_on_request(tmp_path):
    """Case 16: NaN outside the brain."""
    path, array = with_gaps(tmp_path / "a.npy", np.nan, np.nan)
    sample = CaseReader(3, 1, None, reading=Reading(nan="background"))(case(path))
    assert np.array_equal(sample.image[0], np.where(np.isnan(array), 5, array))
    assert sample.notes == ("NaN is taken as background, the smallest value of its channel",)


def test_nan_gets_the_smallest_value_of_its_own_channel(tmp_path):
    array = np.stack([VOLUME, VOLUME + 100], -1)
    array[0, 0, 0] = np.nan
    sample = CaseReader(3, 2, None, reading=Reading(nan="background"))(case(nifti(tmp_path / "a.nii", array, AFFINE)))
    assert sample.image[:, 0, 0, 0] == pytest.approx(np.nanmin(array, (0, 1, 2)))


def test_infinity_and_nothing_are_no_background(tmp_path):
    reader = CaseReader(3, 1, None, reading=Reading(nan="background"))
    with pytest.raises(InputError, match=r"a\.npy: 1 of 24 pixels are infinite$"):
        reader(case(with_gaps(tmp_path / "a.npy", np.inf, np.nan)[0]))
    np.save(tmp_path / "b.npy", np.full((2, 4, 3), np.nan))
    with pytest.raises(InputError, match=r"b\.npy: a channel has no pixel that is a number"):
        reader(case(tmp_path / "b.npy"))


def test_faults_of_all_files_of_a_case_are_told_together(tmp_path):
    files = [with_gaps(tmp_path / f"{name}.npy", np.nan)[0] for name in "ab"]
    with pytest.raises(InputError) as caught:
        CaseReader(3, 2, ONE)(case(*files, label=tmp_path / "missing.npy"))
    assert [fault.split(":")[0].rpartition("/")[2] for fault in caught.value.faults] == [
        "a.npy",
        "b.npy",
        "missing.npy",
    ]


def test_float_noise_in_a_label_is_no_fault(tmp_path):
    """Case 28: 1.0000002, as a resampling program leaves it."""
    image = nifti(tmp_path / "a.nii", VOLUME, AFFINE)
    label = nifti(tmp_path / "l.nii", (MASK * np.float32(1.0000002)).astype(np.float32), AFFINE)
    assert np.array_equal(CaseReader(3, 1, ONE)(case(image, label=label)).label, MASK)


def test_segments_count_by_name_and_not_by_number(tmp_path):
    values = (np.arange(120).reshape(4, 5, 6) % 3).astype(np.uint8)
    classes = parse_classes({"liver": 1, "tumour": 2})
    reader = CaseReader(3, 1, classes)
    image = write(tmp_path / "a.mha", values.astype(np.int16))
    labels = []
    for number, names in enumerate([("liver", "tumour"), ("tumour", "liver"), ("x", "y")]):
        stored = sitk.GetImageFromArray(values)
        for key, value in segments((names[0], 1, 0), (names[1], 2, 0)).items():
            stored.SetMetaData(key, str(value))
        sitk.WriteImage(stored, str(tmp_path / f"{number}.seg.nrrd"))
        labels.append(reader(case(image, label=tmp_path / f"{number}.seg.nrrd")).label)
    assert np.array_equal(labels[0], labels[2]), "names that are no classes: numbers count"
    assert np.array_equal(labels[1], np.array([0, 2, 1])[labels[0]])
    with pytest.raises(InputError, match=r"0\.seg\.nrrd: the segment 'tumour' is none of the classes liver"):
        CaseReader(3, 1, parse_classes({"liver": 1}))(case(image, label=tmp_path / "0.seg.nrrd"))
    alone = CaseReader(3, 1, parse_classes({"liver": 1, "background": [0, 2]}))(
        case(image, label=tmp_path / "0.seg.nrrd")
    )
    assert np.array_equal(alone.label, labels[0] == 1)


def test_a_series_and_its_segmentation_are_a_case(tmp_path):
    volume = np.arange(8 * 16 * 12, dtype=np.uint16).reshape(8, 16, 12)
    truth = (volume % 97 < 3).astype(np.uint8) * (np.arange(8) > 4).astype(np.uint8)[:, None, None]
    files = write_slices(tmp_path / "a", volume)
    label = write_segmentation(tmp_path / "l.dcm", files, truth, ["thing"])
    sample = CaseReader(3, 1, ONE)(case(tmp_path / "a", label=label))
    assert np.array_equal(np.sort(sample.image[0][sample.label == 1]), np.sort(volume[truth == 1]))
    assert sample.spacing == (2.0, 1.0, 3.0)


def test_a_reader_is_plain_data(tmp_path):
    reader = CaseReader(3, 1, ONE, slice_axis=2, reading=Reading("RAS", "background", "a", "b", True))
    assert pickle.loads(pickle.dumps(reader)) == reader


def test_a_slice_across_another_axis_than_the_slices_of_a_task_is_refused(tmp_path):
    path = write_nifti(tmp_path / "a.nii.gz", np.ones((1, 6, 7), np.uint8))
    with pytest.raises(InputError, match=r"a\.nii\.gz: a single slice across axis 0 \(1 x 6 x 7\); .* across axis 2"):
        CaseReader(2, 1, None, slice_axis=2)(case(path))
    assert CaseReader(2, 1, None, slice_axis=0)(case(path)).image.shape == (1, 1, 6, 7)
