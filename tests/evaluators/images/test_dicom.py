"""DICOM series as images and DICOM SEG as labels."""

import numpy as np
import pydicom
import pytest
import SimpleITK as sitk
from pydicom.uid import JPEGLSLossless, RLELossless

from evaluators.images import Source, is_series, read, result_path, write_label
from evaluators.images.geometry import brought_to
from search_spaces.errors import InputError
from tests.evaluators.images.dicom_files import write_segmentation, write_slices

VOLUME = np.arange(8 * 16 * 12, dtype=np.uint16).reshape(8, 16, 12)  # slice, row, column
MIXED = [f"{name:03d}.dcm" for name in (2, 0, 3, 1, 7, 6, 5, 4)]


def on_image(folder, label):
    image = read(folder, "image")
    array, _ = brought_to(image, read(label, "label"), folder, label)
    return array[0]


@pytest.mark.parametrize("names", [None, MIXED])
@pytest.mark.parametrize(
    ("orientation", "codes"), [((1, 0, 0, 0, 1, 0), "LPS"), ((0, 1, 0, 0, 0, -1), "PIR"), ((1, 0, 0, 0, 0, -1), "LIP")]
)
def test_a_folder_is_one_image_whose_slices_lie_in_order(tmp_path, names, orientation, codes):
    write_slices(tmp_path / "a", VOLUME, names=names, orientation=orientation)
    (tmp_path / "a" / "readme.txt").write_text("no slice")
    assert is_series(tmp_path / "a")
    stored = read(tmp_path / "a", "image")
    from nibabel.orientations import aff2axcodes

    assert "".join(aff2axcodes(stored.affine)[:2]) == codes[:2]
    assert np.array_equal(stored.array[0].T, VOLUME if stored.array[0].T[0, 0, 0] == 0 else VOLUME[::-1])
    assert stored.spacing == (2.0, 1.0, 3.0)


def test_stored_values_are_rescaled(tmp_path):
    write_slices(tmp_path / "a", VOLUME, slope=2, intercept=-1000)
    assert np.array_equal(read(tmp_path / "a", "image").array[0].T, VOLUME.astype(int) * 2 - 1000)


def test_white_is_zero_is_inverted(tmp_path):
    write_slices(tmp_path / "a", VOLUME, photometric="MONOCHROME1")
    array = read(tmp_path / "a", "image").array[0].T.astype(int)
    assert len(np.unique(array + VOLUME)) == 1


@pytest.mark.parametrize("syntax", [RLELossless, JPEGLSLossless])
def test_compressed_slices_are_read(tmp_path, syntax):
    write_slices(tmp_path / "a", VOLUME, syntax=syntax)
    assert np.array_equal(read(tmp_path / "a", "image").array[0].T, VOLUME)


def test_one_file_is_one_slice(tmp_path):
    [file] = write_slices(tmp_path, VOLUME[:1])
    assert np.array_equal(read(file, "image").array[0, :, :, 0].T, VOLUME[0])
    assert not is_series(file)


def test_several_series_in_a_folder_are_named(tmp_path):
    write_slices(tmp_path / "a", VOLUME, description="T1")
    write_slices(tmp_path / "a", VOLUME[:3], description="FLAIR", names=["x", "y", "z"])
    with pytest.raises(InputError, match=r"a: expected one DICOM series .*found ('T1' \(8|'FLAIR' \(3) files\), '"):
        read(tmp_path / "a", "image")


def test_a_folder_without_slices_is_named(tmp_path):
    (tmp_path / "a").mkdir()
    assert not is_series(tmp_path / "a")
    with pytest.raises(InputError, match=r"a: expected one DICOM series of images in the folder, found none"):
        read(tmp_path / "a", "image")


def test_a_segmentation_beside_the_slices_is_no_second_series(tmp_path):
    files = write_slices(tmp_path / "a", VOLUME)
    write_segmentation(tmp_path / "a" / "seg.dcm", files, (VOLUME < 30).astype(np.uint8), ["liver"])
    assert read(tmp_path / "a", "image").size == (12, 16, 8)


@pytest.mark.parametrize("positions", [(0, 1, 2, 3, 4, 6, 7, 8), (0, 0, 1, 1, 2, 2, 3, 3)])
def test_missing_and_repeated_slices_are_told(tmp_path, positions):
    write_slices(tmp_path / "a", VOLUME, positions=positions)
    with pytest.raises(InputError, match=r"a: the 8 slices are not evenly spaced"):
        read(tmp_path / "a", "image")


def test_positions_rounded_in_text_are_even(tmp_path):
    write_slices(tmp_path / "a", VOLUME, spacing=(1.6000001, 1, 2), origin=(0.123456, -7, 1000.17))
    assert read(tmp_path / "a", "image").size == (12, 16, 8)


@pytest.mark.parametrize("format", ["same", "nii.gz", "mha", "nrrd"])
def test_a_result_lies_where_itk_puts_the_series(tmp_path, format):
    write_slices(tmp_path / "a", VOLUME, orientation=(0.8, 0.6, 0, 0, 0, -1))
    stored = read(tmp_path / "a", "image")
    source = Source(tmp_path / "a", stored.placement, stored.affine, stored.spacing, stored.header)
    label = (stored.placement.apply(stored.array)[0] % 9).astype(np.uint8)

    result = sitk.ReadImage(str(write_label(tmp_path, "label", label, source, format)))

    reader = sitk.ImageSeriesReader()
    reader.SetFileNames(sitk.ImageSeriesReader.GetGDCMSeriesFileNames(str(tmp_path / "a")))
    image = reader.Execute()
    assert np.array_equal(sitk.GetArrayFromImage(result), sitk.GetArrayFromImage(image) % 9)
    for of in ("GetSize", "GetSpacing", "GetOrigin", "GetDirection"):
        assert np.allclose(getattr(result, of)(), getattr(image, of)(), atol=1e-4), of


def test_a_result_is_nifti(tmp_path):
    assert result_path(tmp_path, "a", tmp_path).name == "a.nii.gz"


SEGMENTS = np.zeros(VOLUME.shape, np.uint8)
SEGMENTS[2, 2:5, 3:6], SEGMENTS[4, 8, 8], SEGMENTS[5, 1, 2] = 1, 2, 1


@pytest.mark.parametrize("kind", ["BINARY", "LABELMAP"])
@pytest.mark.parametrize("names", [None, MIXED])
@pytest.mark.parametrize("orientation", [(1, 0, 0, 0, 1, 0), (0, 1, 0, 0, 0, -1)])
def test_a_segmentation_lies_on_its_series_with_zeros_elsewhere(tmp_path, kind, names, orientation):
    files = write_slices(tmp_path / "a", VOLUME, names=names, orientation=orientation)
    path = write_segmentation(tmp_path / "seg.dcm", files, SEGMENTS, kind=kind)
    stored = read(path, "label")
    assert dict(stored.names) == {1: "liver", 2: "tumour"}
    assert len(stored.array[0]) == 4  # of the eight slices
    image = read(tmp_path / "a", "image")
    for number in (1, 2):
        assert np.array_equal(
            np.sort(image.array[0][on_image(tmp_path / "a", path) == number]), np.sort(VOLUME[number == SEGMENTS])
        )


@pytest.mark.parametrize("slices", [(0,), (0, 2), (0, 2, 7), ()])
def test_a_segmentation_of_few_slices_lies_on_them(tmp_path, slices):
    files = write_slices(tmp_path / "a", VOLUME)
    segments = np.zeros(VOLUME.shape, np.uint8)
    segments[list(slices), 3, 4] = 1
    path = write_segmentation(tmp_path / "seg.dcm", files, segments)
    assert np.array_equal(on_image(tmp_path / "a", path).T, segments)


def test_a_segmentation_of_another_series_is_refused(tmp_path):
    write_slices(tmp_path / "a", VOLUME)
    other = write_slices(tmp_path / "b", VOLUME, origin=(10, 20, 31))
    path = write_segmentation(tmp_path / "seg.dcm", other, SEGMENTS)
    with pytest.raises(InputError, match=r"seg\.dcm: lies elsewhere than its image .*a: size 4 x 16 x 12, spacing "):
        on_image(tmp_path / "a", path)


def test_segments_that_overlap_are_named(tmp_path):
    files = write_slices(tmp_path / "a", VOLUME)
    planes = np.zeros((*VOLUME.shape, 3), np.uint8)
    planes[1, 1, 1, :2] = planes[1, 5, 5, 2] = 1
    path = write_segmentation(tmp_path / "seg.dcm", files, planes, ["liver", "tumour", "spleen"])
    with pytest.raises(InputError, match=r"seg\.dcm: the segments 'liver' and 'tumour' overlap"):
        read(path, "label")


def test_a_fractional_segmentation_is_refused(tmp_path):
    files = write_slices(tmp_path / "a", VOLUME)
    path = write_segmentation(tmp_path / "seg.dcm", files, (VOLUME % 2) * 0.5, ["liver"], "FRACTIONAL")
    with pytest.raises(InputError, match=r"seg\.dcm: a fractional segmentation; expected a binary one"):
        read(path, "label")


def test_contours_are_refused_in_plain_words(tmp_path):
    [file] = write_slices(tmp_path, VOLUME[:1])
    data = pydicom.dcmread(file)
    data.SOPClassUID = data.file_meta.MediaStorageSOPClassUID = "1.2.840.10008.5.1.4.1.1.481.3"
    data.save_as(tmp_path / "rt.dcm")
    with pytest.raises(InputError, match=r"rt\.dcm: contours \(RTSTRUCT\) are not read as a label"):
        read(tmp_path / "rt.dcm", "label")


def test_slices_without_a_place_are_refused_but_one_film_is_read(tmp_path):
    for file in write_slices(tmp_path / "a", VOLUME[:2]):
        data = pydicom.dcmread(file)
        del data.ImagePositionPatient
        data.save_as(file)
    with pytest.raises(InputError, match=r"a: the 2 slices do not say where they lie \(ImagePositionPatient\)"):
        read(tmp_path / "a", "image")
    file.unlink()
    assert read(tmp_path / "a", "image").size == (12, 16, 1)


@pytest.mark.parametrize("number", [0, 3, 7])
@pytest.mark.parametrize("left", [0.6, 0.3, 140, 60])
def test_a_damaged_slice_is_named_wherever_it_lies(tmp_path, number, left):
    file = write_slices(tmp_path / "a", VOLUME)[number]
    content = file.read_bytes()
    file.write_bytes(content[: left if left > 1 else int(left * len(content))])
    with pytest.raises(InputError, match=rf"a/{number:03d}\.dcm: cannot be read as dicom, damaged or truncated$"):
        read(tmp_path / "a", "image")


def test_a_slice_that_is_a_link_to_nothing_is_named(tmp_path):
    files = write_slices(tmp_path / "a", VOLUME)
    for file in files[-2:]:
        file.unlink()
        file.symlink_to(tmp_path / "annex" / file.name)
    with pytest.raises(InputError, match=r"a/006\.dcm: no such file, the link leads to nothing \(and 1 more slices"):
        read(tmp_path / "a", "image")


@pytest.mark.parametrize("kind", ["1.2.840.10008.1.3.10", "1.2.840.10008.5.1.4.1.1.104.1", "1.3.46.670589.11.0.0.12.4"])
def test_a_table_of_contents_a_document_and_hidden_files_are_no_damaged_slices(tmp_path, kind):
    write_slices(tmp_path / "a", VOLUME)
    (tmp_path / "a" / "._000.dcm").write_bytes(b"of another system")
    meta = pydicom.dataset.FileMetaDataset()
    meta.MediaStorageSOPClassUID, meta.TransferSyntaxUID = kind, "1.2.840.10008.1.2.1"
    contents = pydicom.dataset.FileDataset(None, {}, file_meta=meta, preamble=b"\0" * 128)
    contents.save_as(tmp_path / "a" / "DICOMDIR", enforce_file_format=False)
    assert read(tmp_path / "a", "image").size == (12, 16, 8)


@pytest.mark.parametrize("orientation", [(1, 0, 0, 0, 1, 0), (0, 1, 0, 0, 0, -1)])
@pytest.mark.parametrize("format", ["nii.gz", "nrrd"])
def test_slices_of_a_tilted_gantry_lie_where_they_say(tmp_path, orientation, format):
    shift = 0.7 * np.array(orientation[3:])
    write_slices(tmp_path / "a", VOLUME, orientation=orientation, shift=shift)
    stored = read(tmp_path / "a", "image")
    assert any("tilted gantry" in note for note in stored.notes)
    first, last = (
        pydicom.dcmread(tmp_path / "a" / f"{number:03d}.dcm").ImagePositionPatient for number in (0, len(VOLUME) - 1)
    )
    ends = [stored.affine @ (0, 0, place, 1) * (-1, -1, 1, 1) for place in (0, len(VOLUME) - 1)]
    assert np.allclose(sorted(end[:3].tolist() for end in ends), sorted([list(first), list(last)]), atol=1e-4)

    source = Source(tmp_path / "a", stored.placement, stored.affine, stored.spacing, stored.header)
    label = (stored.placement.apply(stored.array)[0] % 9).astype(np.uint8)
    path = write_label(tmp_path, "label", label, source, format)
    back = read(path, "label")
    assert np.allclose(back.affine, stored.affine, atol=1e-4)
    assert np.array_equal(back.array, stored.array % 9)
    assert back.notes == ()
    assert np.array_equal(brought_to(stored, back, tmp_path / "a", path)[0], back.array)


@pytest.mark.parametrize("slopes", [(1, 0.5), (1, 0.0001), (0.5, 1), (2, 70000)])
def test_slices_with_slopes_of_their_own_keep_their_fractions(tmp_path, slopes):
    slope = [slopes[0], *[slopes[1]] * 7]
    write_slices(tmp_path / "a", VOLUME, slope=slope, intercept=-3)
    expected = VOLUME * np.reshape(slope, (-1, 1, 1)) - 3
    assert np.allclose(read(tmp_path / "a", "image").array[0].T, expected, rtol=1e-6)
