"""NIfTI and MGH: how a file lies by its header, its values, and results under the header of their image."""

import gzip

import nibabel
import numpy as np
import pytest
import SimpleITK as sitk

from evaluators.images import Source, read, write_label
from search_spaces.errors import InputError
from tests.evaluators.images.files import itk_place, nifti, nifti_with
from tests.evaluators.tasks.files import write_nifti

LAS = np.array([[-2, 0, 0, 10], [0, 3, 0, -20], [0, 0, 4, 30], [0, 0, 0, 1.0]])
RAS = np.array([[2, 0, 0, 100], [0, 3, 0, -200], [0, 0, 4, 300], [0, 0, 0, 1.0]])
TURN = np.array([[np.cos(0.4), -np.sin(0.4), 0, 0], [np.sin(0.4), np.cos(0.4), 0, 0], [0, 0, 1, 0], [0, 0, 0, 1]])
SHEARED = LAS + np.array([[0, 0.8, 0, 0], *np.zeros((3, 4))])
FLAT = RAS * np.array([0, 1, 1, 1])
VOLUME = np.arange(5 * 6 * 7, dtype=np.int16).reshape(5, 6, 7)

HEADERS = {
    "mm": {"sform": (LAS, 1), "qform": (LAS, 1)},
    "micron": {"sform": (LAS, 1), "qform": (LAS, 1), "unit": "micron"},
    "metre": {"sform": (LAS, 1), "qform": (LAS, 1), "unit": "meter"},
    "micron, sform alone": {"sform": (LAS, 1), "unit": "micron"},
    "unknown unit": {"sform": (LAS, 1), "qform": (LAS, 1), "unit": "unknown"},
    "qform alone": {"qform": (TURN @ LAS, 1)},
    "oblique": {"sform": (TURN @ LAS, 1), "qform": (TURN @ LAS, 1)},
    "sheared sform, right qform": {"sform": (SHEARED, 1), "qform": (LAS, 1)},
    "sheared sform alone": {"sform": (SHEARED, 1)},
    **{f"sform {code}, other qform": {"sform": (RAS, code), "qform": (LAS, 1)} for code in (1, 2, 3, 4)},
    "pixdim of another size": {"sform": (RAS, 1), "pixdim": (1, 1, 1)},
    "no codes": {"pixdim": (2, 3, 4)},
    "no codes, micron": {"pixdim": (2, 3, 4), "unit": "micron"},
    "sform without a length": {"sform": (FLAT, 1), "pixdim": (2, 3, 4)},
    "sform of NaN": {"sform": (RAS * np.nan, 1), "pixdim": (2, 3, 4)},
    "sform without a length, right qform": {"sform": (FLAT, 1), "qform": (LAS, 1)},
}

UNSEEN_BY_ITK = ("sheared sform alone", "sform without a length", "sform of NaN")


def source_of(path):
    stored = read(path, "image")
    return Source(path, stored.placement, stored.affine, stored.spacing, stored.header)


def place_in_itk(path):
    """Where ITK puts an image; nothing where it cannot."""
    try:
        place = itk_place(path)
    except RuntimeError:
        return {}
    return place if all(np.isfinite(values).all() for values in place.values()) else {}


@pytest.mark.parametrize("name", HEADERS)
def test_a_result_lies_where_nibabel_and_itk_put_its_image(tmp_path, name):
    path = nifti_with(tmp_path / "a.nii.gz", VOLUME, **HEADERS[name])
    source = source_of(path)
    result = write_label(tmp_path / "out", "a", source.placement.apply(VOLUME[None])[0] % 7, source)

    image, label = nibabel.load(path), nibabel.load(result)
    assert np.array_equal(label.dataobj, VOLUME % 7)
    assert np.array_equal(label.affine, image.affine, equal_nan=True)
    for key in ("pixdim", "sform_code", "qform_code", "xyzt_units", "srow_x", "quatern_b", "qoffset_x"):
        assert np.array_equal(label.header[key], image.header[key], equal_nan=True), key
    place = place_in_itk(path)
    assert (not place) == (name in UNSEEN_BY_ITK)
    if place:
        for key, values in itk_place(result).items():
            assert np.array_equal(values, place[key]), key


@pytest.mark.parametrize("format", ["mha", "nrrd"])
@pytest.mark.parametrize("name", HEADERS)
def test_a_result_in_itks_formats_lies_where_itk_puts_its_image(tmp_path, name, format):
    path = nifti_with(tmp_path / "a.nii.gz", VOLUME, **HEADERS[name])
    source = source_of(path)
    result = write_label(tmp_path / "out", "a", source.placement.apply(VOLUME[None])[0] % 7, source, format)

    assert np.array_equal(sitk.GetArrayFromImage(sitk.ReadImage(str(result))), (VOLUME % 7).T)
    place = place_in_itk(path)
    if place:
        for key, values in itk_place(result).items():
            assert np.allclose(values, place[key], atol=1e-5), key


@pytest.mark.parametrize(
    ("name", "spacing", "origin"),
    [
        ("mm", (2, 3, 4), (10, -20, 30)),
        ("micron", (0.002, 0.003, 0.004), (0.01, -0.02, 0.03)),
        ("metre", (2000, 3000, 4000), (10000, -20000, 30000)),
        ("unknown unit", (2, 3, 4), (10, -20, 30)),
        ("qform alone", (2, 3, 4), (TURN @ LAS)[:3, 3]),
        ("sform 2, other qform", (2, 3, 4), (100, -200, 300)),
        ("pixdim of another size", (2, 3, 4), (100, -200, 300)),
        ("sform without a length, right qform", (2, 3, 4), (10, -20, 30)),
    ],
)
def test_the_place_is_in_mm(tmp_path, name, spacing, origin):
    stored = read(nifti_with(tmp_path / "a.nii", VOLUME, **HEADERS[name]), "image")
    assert stored.spacing == pytest.approx(spacing)
    assert stored.affine[:3, 3] == pytest.approx(np.array(origin))


@pytest.mark.parametrize("name", ["no codes", "sform without a length", "sform of NaN"])
def test_a_header_that_does_not_say_how_it_lies_gives_voxel_sizes(tmp_path, name):
    stored = read(nifti_with(tmp_path / "a.nii", VOLUME, **HEADERS[name]), "image")
    assert stored.affine is None
    assert stored.spacing == (2.0, 3.0, 4.0)
    assert np.array_equal(stored.placement.apply(stored.array)[0], VOLUME)


def test_voxel_sizes_of_nothing_are_1(tmp_path):
    path = nifti_with(tmp_path / "a.nii", VOLUME)
    content = bytearray(path.read_bytes())
    content[80:84] = np.float32(0).tobytes()  # pixdim[1]
    path.write_bytes(content)
    assert read(path, "image").spacing == (1.0, 1.0, 1.0)


def test_a_pixdim_that_differs_is_said(tmp_path):
    said = read(nifti_with(tmp_path / "a.nii", VOLUME, **HEADERS["pixdim of another size"]), "image").notes
    assert said == ("pixdim gives voxels of 1 x 1 x 1 mm, the affine of 2 x 3 x 4 mm; the affine counts",)
    assert read(nifti_with(tmp_path / "b.nii", VOLUME, **HEADERS["micron"]), "image").notes == ()


def test_a_qform_that_lies_elsewhere_is_said(tmp_path):
    stored = read(nifti_with(tmp_path / "a.nii", VOLUME, **HEADERS["sform 2, other qform"]), "image")
    assert "sform and qform lie at different places" in stored.notes[0]
    assert np.allclose(stored.other_affine, LAS)


@pytest.mark.parametrize("kind", [nibabel.Nifti1Image, nibabel.Nifti2Image])
def test_a_result_is_of_the_kind_of_its_image(tmp_path, kind):
    image = kind(VOLUME.astype(np.float32), RAS)
    image.header["descrip"], image.header["cal_max"] = b"scan", 200
    image.header.set_slope_inter(2, 1)
    nibabel.save(image, tmp_path / "a.nii")
    source = source_of(tmp_path / "a.nii")
    label = nibabel.load(write_label(tmp_path / "out", "a", (VOLUME % 3).astype(np.uint8), source))
    assert type(label) is kind
    assert (label.get_data_dtype(), float(label.header["cal_max"]), label.dataobj.slope) == (np.uint8, 0.0, 1.0)
    assert np.array_equal(label.dataobj, VOLUME % 3)


@pytest.mark.parametrize("shape", [(5, 6), (5, 6, 1), (1, 6, 7), (5, 6, 7, 2), (5, 6, 7, 1, 3)])
def test_a_result_has_the_spatial_axes_of_its_image(tmp_path, shape):
    path = nifti(tmp_path / "a.nii.gz", np.ones(shape, np.float32))
    source = source_of(path)
    size = shape[:3]
    label = np.arange(np.prod(size), dtype=np.uint8).reshape(size)
    result = write_label(tmp_path / "out", "a", source.placement.apply(label[None])[0], source)
    assert np.array_equal(nibabel.load(result).dataobj, label)


def test_scaled_values_of_an_image_are_the_scaled_ones(tmp_path):
    image = nibabel.Nifti1Image(np.full((5, 6, 7), 10, np.int16), np.eye(4))
    image.header.set_slope_inter(0.5, 3)
    nibabel.save(image, tmp_path / "a.nii")
    assert np.array_equal(read(tmp_path / "a.nii", "image").array[0], nibabel.load(tmp_path / "a.nii").get_fdata())


@pytest.mark.parametrize("values", [(0, 1, 2, 3), (0, 1, 2, 4), (0, 64, 128, 255)])
def test_float_labels_under_an_integer_header_are_whole(tmp_path, values):
    label = np.array(values, np.float64)[VOLUME % 4]
    image = nibabel.Nifti1Image(label, RAS)
    image.set_data_dtype(np.int16)  # nibabel chooses a scale that uses all of it
    nibabel.save(image, tmp_path / "a.nii")
    assert not np.array_equal(nibabel.load(tmp_path / "a.nii").dataobj, label)
    assert np.array_equal(read(tmp_path / "a.nii", "label").array[0], label)


def test_labels_under_a_coarse_scale_are_whole_and_it_is_said(tmp_path):
    stored = np.array([0, 21, 43, 64], np.uint8)[VOLUME % 4]
    image = nibabel.Nifti1Image(stored, RAS)
    image.header.set_slope_inter(0.0471, 0)
    nibabel.save(image, tmp_path / "a.nii")
    label = read(tmp_path / "a.nii", "label")
    assert np.array_equal(label.array[0], VOLUME % 4)
    assert label.notes == ("label values are rounded to whole numbers; the file stores them in steps of 0.0471",)


def test_a_float_label_has_no_scale(tmp_path):
    label = np.array([0, 0.3, 0.9, 1.2], np.float32)[VOLUME % 4]
    assert np.array_equal(read(nifti(tmp_path / "a.nii", label), "label").array[0], label)


def test_the_fourth_axis_holds_the_channels(tmp_path):
    array = np.arange(5 * 6 * 7 * 4, dtype=np.float32).reshape(5, 6, 7, 4)
    stored = read(write_nifti(tmp_path / "a.nii.gz", array, (1, 2, 3)), "image")
    assert np.array_equal(stored.array, np.moveaxis(array, -1, 0))
    assert stored.spacing == (1.0, 2.0, 3.0)


def test_vectors_come_fifth_and_time_is_refused(tmp_path):
    array = np.random.default_rng(0).normal(size=(5, 6, 7, 1, 3)).astype(np.float32)
    assert np.array_equal(read(nifti(tmp_path / "a.nii", array), "image").array, np.moveaxis(array[:, :, :, 0], -1, 0))
    with pytest.raises(InputError, match=r"b\.nii: expected at most 4 axes"):
        read(nifti(tmp_path / "b.nii", array.repeat(2, 3)), "image")


@pytest.mark.parametrize("names", ["RGB", "RGBA"])
@pytest.mark.parametrize("size", [(5, 6, 7), (5, 6)])
def test_colours_are_three_channels_and_no_label(tmp_path, names, size):
    colours = np.zeros(size, [(name, "u1") for name in names])
    colours["R"], colours["B"] = 9, 3
    path = nifti(tmp_path / "a.nii", colours)
    stored = read(path, "image")
    assert stored.array.shape == (3, *size)
    assert [int(channel.max()) for channel in stored.array] == [9, 0, 3]
    with pytest.raises(InputError, match=r"a\.nii: a colour label"):
        read(path, "label")
    label = np.full(size, 7, np.uint8)
    result = nibabel.load(write_label(tmp_path / "out", "a", np.atleast_3d(label), source_of(path)))
    assert (result.shape, result.get_data_dtype()) == (size, np.uint8)
    assert np.array_equal(result.dataobj, label)


def test_truncated_compression_of_a_volume_is_named(tmp_path):
    path = write_nifti(tmp_path / "a.nii.gz", np.random.default_rng(0).normal(size=(9, 9, 9)).astype(np.float32))
    path.write_bytes(path.read_bytes()[:-300])
    with pytest.raises(InputError, match=r"a\.nii\.gz: cannot be read"):
        read(path, "image")


def test_a_volume_shorter_than_its_header_says_is_named(tmp_path):
    path = write_nifti(tmp_path / "a.nii", np.ones((9, 9, 9), np.float32))
    with gzip.open(tmp_path / "b.nii.gz", "wb") as short:
        short.write(path.read_bytes()[:-100])
    with pytest.raises(InputError, match=r"b\.nii\.gz: cannot be read"):
        read(tmp_path / "b.nii.gz", "image")


@pytest.mark.parametrize("suffix", [".mgz", ".mgh"])
def test_freesurfers_volumes_lie_as_they_say_and_so_do_their_results(tmp_path, suffix):
    path = tmp_path / f"a{suffix}"
    nibabel.save(nibabel.MGHImage(VOLUME.astype(np.float32), TURN @ LAS), path)
    stored = read(path, "image")
    assert stored.spacing == pytest.approx((2, 3, 4))
    source = source_of(path)
    for values, kind in ((200, np.uint8), (60000, np.int32), (-5, np.int16)):
        label = np.full(VOLUME.shape, values, np.min_scalar_type(values) if values > 0 else np.int16)
        result = nibabel.load(write_label(tmp_path / "out", "a", label, source))
        assert np.allclose(result.affine, stored.affine, atol=1e-4)
        assert result.get_data_dtype().newbyteorder("=") == kind
        assert np.unique(result.dataobj).tolist() == [values]


@pytest.mark.parametrize("name", ["a.nii.gz", "A.NII.GZ", "a.mgz"])
def test_a_packed_file_whose_checksum_is_wrong_is_damaged_though_it_can_be_unpacked(tmp_path, name):
    path = tmp_path / name
    kind = nibabel.MGHImage if name.endswith("mgz") else nibabel.Nifti1Image
    values = np.random.default_rng(0).integers(0, 999, (32, 32, 64)).astype(np.int16)
    packed = bytearray(gzip.compress(kind(values, RAS).to_bytes()))
    path.write_bytes(packed)
    assert (read(path, "image").array[0] == values).all()
    packed[-8] ^= 1
    path.write_bytes(packed)
    with pytest.raises(InputError, match=rf"{name}: cannot be read as .*, damaged or truncated \(CRC check failed"):
        read(path, "image")
