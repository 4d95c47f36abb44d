"""MetaImage, NRRD and 3D Slicer's segmentations."""

import nibabel
import numpy as np
import pytest
import SimpleITK as sitk

from evaluators.images import Source, read, write_label
from search_spaces.errors import InputError
from tests.evaluators.images.files import itk_place

VOLUME = np.arange(4 * 5 * 6, dtype=np.int16).reshape(4, 5, 6)  # z, y, x
TURNED = (np.cos(0.3), -np.sin(0.3), 0, np.sin(0.3), np.cos(0.3), 0, 0, 0, 1)
SUFFIXES = (".mha", ".mhd", ".nrrd", ".nhdr")


def save(path, array=VOLUME, *, direction=TURNED, vector=False, keys=(), compressed=False):
    image = sitk.GetImageFromArray(array, isVector=vector)
    axes = image.GetDimension()
    image.SetSpacing((0.5, 2, 3)[:axes])
    image.SetOrigin((10, 20, -30)[:axes])
    if axes == 3:
        image.SetDirection(direction)
    for key, value in dict(keys).items():
        image.SetMetaData(key, str(value))
    sitk.WriteImage(image, str(path), useCompression=compressed)
    return path


def source_of(path):
    stored = read(path, "image")
    return Source(path, stored.placement, stored.affine, stored.spacing, stored.header)


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_it_lies_where_nibabel_finds_what_itk_saved(tmp_path, suffix):
    stored = read(save(tmp_path / f"a{suffix}"), "image")
    sitk.WriteImage(sitk.ReadImage(str(tmp_path / f"a{suffix}")), str(tmp_path / "a.nii"))
    nifti = nibabel.load(tmp_path / "a.nii")
    assert np.array_equal(stored.array[0], nifti.dataobj)
    assert stored.affine == pytest.approx(nifti.affine, abs=1e-5)
    assert stored.spacing == pytest.approx((0.5, 2, 3))


@pytest.mark.parametrize("suffix", SUFFIXES)
@pytest.mark.parametrize("vector", [True, False])
@pytest.mark.parametrize("axes", [2, 3])
def test_a_result_lies_where_its_image_lies(tmp_path, suffix, vector, axes):
    array = VOLUME if axes == 3 else VOLUME[0]
    path = save(tmp_path / f"a{suffix}", np.stack([array, -array], -1) if vector else array, vector=vector)
    source = source_of(path)
    stored = read(path, "image")
    assert stored.array.shape == (1 + vector, *array.shape[::-1])
    label = (source.placement.apply(stored.array[:1])[0] % 9).astype(np.uint8)
    for format in ("same", "mha", "nrrd", "nii.gz", "nii"):
        result = write_label(tmp_path / "out", "a", label, source, format)
        assert np.array_equal(sitk.GetArrayFromImage(sitk.ReadImage(str(result))), array % 9)
        place = itk_place(path)
        for key, values in itk_place(result).items():
            assert np.allclose(values, place[key], atol=1e-5), (format, key)


def test_a_fourth_axis_holds_the_channels(tmp_path):
    array = np.random.default_rng(0).integers(0, 99, (2, 4, 5, 6)).astype(np.int16)
    image = sitk.JoinSeries([sitk.GetImageFromArray(volume) for volume in array])
    sitk.WriteImage(image, str(tmp_path / "a.mha"))
    assert np.array_equal(read(tmp_path / "a.mha", "image").array, array.transpose(0, 3, 2, 1))


def write_nrrd(path, fields):
    lines = ["NRRD0005", "type: uchar", "dimension: 3", "sizes: 3 4 5", *fields, "encoding: raw", "", ""]
    path.write_bytes("\n".join(lines).encode() + bytes(range(60)))
    return path


@pytest.mark.parametrize(
    ("fields", "spacing", "known"),
    [
        (["space: left-posterior-superior", "space directions: (1,0,0) (0,2,0) (0,0,3)"], (1, 2, 3), True),
        (
            [
                "space: right-anterior-superior",
                "space directions: (10,0,0) (0,20,0) (0,0,30)",
                'space units: "microns" "microns" "microns"',
            ],
            (0.01, 0.02, 0.03),
            True,
        ),
        (["space dimension: 3", "space directions: (1,0,0) (0,2,0) (0,0,3)"], (1, 2, 3), True),
        (["spacings: 1 2 3"], (1, 2, 3), False),
        (["spacings: 1 2 3", 'units: "cm" "cm" "cm"'], (10, 20, 30), False),
        ([], (1, 1, 1), False),
    ],
)
def test_a_nrrd_says_how_it_lies_where_it_has_directions_and_in_which_unit(tmp_path, fields, spacing, known):
    path = write_nrrd(tmp_path / "a.nrrd", fields)
    stored = read(path, "image")
    assert stored.spacing == pytest.approx(spacing)
    assert (stored.affine is not None) == known
    if known:
        assert nibabel.affines.voxel_sizes(stored.affine) == pytest.approx(spacing)

    result = write_label(tmp_path / "out", "a", stored.placement.apply(stored.array)[0], source_of(path))

    assert np.array_equal(read(result, "label").array, stored.array)
    assert read(result, "label").spacing == pytest.approx(spacing)
    for key, values in itk_place(result).items():
        assert np.allclose(values, itk_place(path)[key]), key


@pytest.mark.parametrize("suffix", [".mha", ".nrrd"])
def test_a_truncated_compressed_file_is_named(tmp_path, suffix):
    path = save(tmp_path / f"a{suffix}", np.random.default_rng(0).normal(size=(9, 9, 9)), compressed=True)
    path.write_bytes(path.read_bytes()[:-200])
    with pytest.raises(InputError, match=rf"a{suffix}: cannot be read as {suffix[1:]}, damaged"):
        read(path, "image")


def segments(*named):
    """Slicer's keys for segments of a name, a value and a layer."""
    keys = {"Segmentation_MasterRepresentation": "Binary labelmap"}
    for number, (name, value, layer) in enumerate(named):
        keys |= {f"Segment{number}_Name": name, f"Segment{number}_ID": f"Segment_{number}"}
        keys |= {f"Segment{number}_LabelValue": value} if value else {}
        keys |= {f"Segment{number}_Layer": layer} if layer is not None else {}
    return keys


def test_segments_have_names(tmp_path):
    label = (VOLUME % 3).astype(np.uint8)
    path = save(tmp_path / "a.seg.nrrd", label, keys=segments(("liver", 2, 0), ("tumour", 1, 0)))
    stored = read(path, "label")
    assert np.array_equal(stored.array[0], label.T)
    assert dict(stored.names) == {2: "liver", 1: "tumour"}
    assert stored.partial
    assert dict(read(path, "image").names) == {}


@pytest.mark.parametrize("old", [True, False])
def test_layers_that_do_not_overlap_become_one_label_map(tmp_path, old):
    layers = np.stack([VOLUME % 3 == 1, VOLUME % 3 == 2], -1).astype(np.uint8)
    value, numbers = (0, (None, None)) if old else (1, (0, 1))
    keys = segments(("liver", value, numbers[0]), ("tumour", value, numbers[1]))
    stored = read(save(tmp_path / "a.seg.nrrd", layers, vector=True, keys=keys), "label")
    assert np.array_equal(stored.array[0], (VOLUME % 3).T)
    assert dict(stored.names) == {1: "liver", 2: "tumour"}


def test_segments_that_overlap_are_named(tmp_path):
    layers = np.stack([VOLUME < 9, VOLUME < 5, VOLUME > 90], -1).astype(np.uint8)
    keys = segments(("liver", 1, 0), ("tumour", 1, 1), ("spleen", 1, 2))
    path = save(tmp_path / "a.seg.nrrd", layers, vector=True, keys=keys)
    with pytest.raises(InputError, match=r"a\.seg\.nrrd: the segments 'liver' and 'tumour' overlap; expected one segm"):
        read(path, "label")


def test_a_segmentation_without_segments_is_background(tmp_path):
    path = save(tmp_path / "a.seg.nrrd", np.zeros((1, 1, 1), np.uint8), keys=segments())
    assert read(path, "label").partial
    assert not read(path, "label").array.any()
