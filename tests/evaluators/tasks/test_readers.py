import gzip

import nibabel
import numpy as np
import pytest
from PIL import Image

from evaluators.tasks.readers import NIFTI, PICTURES, SUFFIXES, file_stem, file_suffix, read_image, read_label
from search_spaces.errors import InputError
from tests.evaluators.tasks.files import colour, grey, mask, volume_mask, write_nifti, write_picture

LOSSLESS = (".png", ".tif", ".tiff", ".gif", ".bmp")


def save(path, array):
    """Write ``array`` in the type that the suffix of ``path`` says."""
    if file_suffix(path) in PICTURES:
        return write_picture(path, array)
    if file_suffix(path) in NIFTI:
        return write_nifti(path, array)
    if path.suffix == ".npy":
        np.save(path, array)
    else:
        np.savez(path, array)
    return path


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_every_file_type_gives_a_grey_float_image_with_its_channel_first(tmp_path, suffix):
    image = read_image(save(tmp_path / f"a{suffix}", grey()), 2)
    assert image.array.dtype == np.float32
    assert image.array.shape == (1, 6, 8)
    assert np.abs(image.array[0] - grey()).max() <= (3 if suffix in (".jpg", ".jpeg") else 0)
    assert image.spacing == (1.0, 1.0)


@pytest.mark.parametrize("suffix", [*LOSSLESS, ".nii", ".nii.gz", ".npy", ".npz"])
def test_every_lossless_file_type_gives_the_stored_label_values(tmp_path, suffix):
    path = save(tmp_path / f"a{suffix}", mask(values=(1, 255)))
    for dims in (2, None):
        assert np.array_equal(read_label(path, dims), mask(values=(1, 255)))


@pytest.mark.parametrize("suffix", [".png", ".tif", ".bmp"])
def test_colour_has_three_channels_in_order(tmp_path, suffix):
    image = read_image(write_picture(tmp_path / f"a{suffix}", colour()), 2)
    assert np.array_equal(image.array, np.moveaxis(colour(), -1, 0))


def test_alpha_is_dropped(tmp_path):
    opaque = np.full((6, 8, 1), 99, np.uint8)
    assert read_image(write_picture(tmp_path / "a.png", np.concatenate([colour(), opaque], -1)), 2).array.shape[0] == 3
    path = write_picture(tmp_path / "b.png", np.concatenate([grey()[..., None], opaque], -1))
    assert np.array_equal(read_image(path, 2).array[0], grey())
    assert np.array_equal(read_label(path, 2), grey())


@pytest.mark.parametrize("suffix", [".png", ".tif"])
def test_16_bits_of_grey_are_kept(tmp_path, suffix):
    deep = grey().astype(np.uint16) * 300
    path = write_picture(tmp_path / f"a{suffix}", deep)
    assert np.array_equal(read_image(path, 2).array[0], deep)
    assert np.array_equal(read_label(path, 2), deep)


def test_float_tif_and_black_and_white_png_are_read(tmp_path):
    assert np.array_equal(
        read_image(write_picture(tmp_path / "a.tif", grey() / np.float32(7)), 2).array[0], grey() / np.float32(7)
    )
    assert set(np.unique(read_label(write_picture(tmp_path / "b.png", mask() > 0), 2))) == {0, 1}


def palette_picture(path, colours):
    indices = mask(values=(1, 2))
    indexed = Image.frombytes("P", indices.shape[::-1], indices.tobytes())
    indexed.putpalette([level for entry in colours for level in entry])
    indexed.save(path)
    return path


@pytest.mark.parametrize("suffix", [".png", ".gif"])
def test_a_label_with_a_coloured_palette_keeps_its_indices(tmp_path, suffix):
    path = palette_picture(tmp_path / f"a{suffix}", [(0, 0, 0), (128, 0, 0), (0, 128, 0)])
    if suffix == ".png":
        assert np.array_equal(read_label(path, 2), mask(values=(1, 2)))
    assert read_image(path, 2).array.shape == (3, 6, 8)
    assert read_image(path, 2).array[:, 1, 3].tolist() == [128, 0, 0]


@pytest.mark.parametrize("suffix", [".png", ".gif"])
def test_a_label_with_a_grey_palette_gives_its_grey_values(tmp_path, suffix):
    path = palette_picture(tmp_path / f"a{suffix}", [(0, 0, 0), (255, 255, 255), (128, 128, 128)])
    assert np.array_equal(read_label(path, 2), mask(values=(255, 128)))
    assert read_image(path, 2).array.shape == (1, 6, 8)


def test_a_colour_label_whose_channels_are_equal_is_grey(tmp_path):
    path = write_picture(tmp_path / "a.png", np.repeat(mask()[..., None], 3, -1))
    assert np.array_equal(read_label(path, 2), mask())


def test_a_really_coloured_label_is_refused(tmp_path):
    with pytest.raises(InputError, match=r"a\.png: a colour label"):
        read_label(write_picture(tmp_path / "a.png", colour()), 2)


def test_a_tif_of_several_pages_is_a_stack(tmp_path):
    pages = [Image.fromarray(grey(fill=fill)) for fill in (100, 150, 200)]
    pages[0].save(tmp_path / "a.tif", save_all=True, append_images=pages[1:])
    image = read_image(tmp_path / "a.tif", 3)
    assert image.array.shape == (1, 3, 6, 8)
    assert image.array[0, :, 0, -1].tolist() == [100, 150, 200]
    assert read_label(tmp_path / "a.tif", None).ndim == 3


def test_pages_of_different_sizes_are_refused(tmp_path):
    Image.fromarray(grey()).save(tmp_path / "a.tif", save_all=True, append_images=[Image.fromarray(grey(9, 9))])
    with pytest.raises(InputError, match=r"a\.tif: the 2 pages differ"):
        read_image(tmp_path / "a.tif", 3)


def test_a_moving_gif_is_refused(tmp_path):
    Image.fromarray(grey()).save(tmp_path / "a.gif", save_all=True, append_images=[Image.fromarray(grey(fill=99))])
    with pytest.raises(InputError, match=r"a\.gif: expected one frame, got 2"):
        read_image(tmp_path / "a.gif", 2)


def test_nifti_has_its_spacing_and_affine(tmp_path):
    image = read_image(write_nifti(tmp_path / "a.nii.gz", np.ones((5, 6, 7), np.int16), (0.5, 2, 3)), 3)
    assert image.array.shape == (1, 5, 6, 7)
    assert image.spacing == (0.5, 2.0, 3.0)
    assert np.array_equal(image.affine, np.diag([0.5, 2, 3, 1]))


def test_scaled_nifti_values_are_the_scaled_ones(tmp_path):
    nifti = nibabel.Nifti1Image(np.full((5, 6, 7), 10, np.int16), np.eye(4))
    nifti.header.set_slope_inter(0.5, 3)
    nibabel.save(nifti, tmp_path / "a.nii")
    stored = nibabel.load(tmp_path / "a.nii").get_fdata()
    assert np.array_equal(read_image(tmp_path / "a.nii", 3).array[0], stored)


def test_an_unknown_nifti_spacing_counts_as_one(tmp_path):
    path = write_nifti(tmp_path / "a.nii", np.ones((5, 6, 7), np.float32))
    content = bytearray(path.read_bytes())
    content[80:84] = np.float32(0).tobytes()  # pixdim[1]
    path.write_bytes(content)
    assert read_image(path, 3).spacing == (1.0, 1.0, 1.0)


def test_the_fourth_nifti_axis_holds_the_channels(tmp_path):
    array = np.arange(5 * 6 * 7 * 4, dtype=np.float32).reshape(5, 6, 7, 4)
    image = read_image(write_nifti(tmp_path / "a.nii.gz", array, (1, 2, 3)), 3)
    assert np.array_equal(image.array, np.moveaxis(array, -1, 0))
    assert image.spacing == (1.0, 2.0, 3.0)


@pytest.mark.parametrize(("shape", "spacing"), [((5, 6, 1), (1.0, 2.0)), ((1, 6, 7), (2.0, 3.0)), ((5, 6), (1.0, 2.0))])
def test_a_single_slice_is_2d_where_the_task_is(tmp_path, shape, spacing):
    path = write_nifti(tmp_path / "a.nii.gz", np.ones(shape, np.uint8), (1, 2, 3))
    image = read_image(path, 2)
    assert image.array.shape[1:] == tuple(length for length in shape if length > 1)
    assert image.spacing == spacing
    assert read_label(path, None).ndim == 2


@pytest.mark.parametrize("shape", [(5, 6, 1), (5, 6)])
def test_a_single_slice_is_3d_where_the_task_is(tmp_path, shape):
    image = read_image(write_nifti(tmp_path / "a.nii.gz", np.ones(shape, np.uint8), (1, 2, 3)), 3)
    assert image.array.shape == (1, 5, 6, 1)
    assert len(image.spacing) == 3


def test_a_volume_in_a_2d_task_is_refused(tmp_path):
    with pytest.raises(InputError, match=r"a\.nii\.gz: expected 2 spatial axes, got 3 .5 x 6 x 7."):
        read_image(write_nifti(tmp_path / "a.nii.gz", volume_mask()), 2)


@pytest.mark.parametrize("shape", [(3, 6, 8), (6, 8, 3)])
def test_the_shorter_outer_axis_of_an_array_holds_the_channels(tmp_path, shape):
    np.save(tmp_path / "a.npy", np.zeros(shape, np.int32))
    assert read_image(tmp_path / "a.npy", 2).array.shape == (3, 6, 8)


def test_one_npz_holds_both_image_and_label(tmp_path):
    np.savez(tmp_path / "a.npz", image=np.float64(grey()), label=mask(), note=np.zeros(3))
    assert np.array_equal(read_image(tmp_path / "a.npz", 2).array[0], grey())
    assert np.array_equal(read_label(tmp_path / "a.npz", None), mask())


def test_an_npz_without_the_array_lists_what_it_has(tmp_path):
    np.savez(tmp_path / "a.npz", x=mask(), y=mask())
    with pytest.raises(InputError, match=r"a\.npz: expected an array called 'image' or a single one, got x, y"):
        read_image(tmp_path / "a.npz", 2)


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_a_truncated_file_is_named(tmp_path, suffix):
    rng = np.random.default_rng(0)
    path = save(tmp_path / f"a{suffix}", rng.integers(0, 255, (64, 64), dtype=np.uint8))
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    with pytest.raises(InputError, match=rf"^[^\n]*a{suffix}: cannot be read as [^\n]*$"):
        read_image(path, 2)


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_a_file_of_something_else_is_named(tmp_path, suffix):
    path = tmp_path / f"a{suffix}"
    path.write_text("no image at all\n" * 50)
    with pytest.raises(InputError, match=rf"^[^\n]*a{suffix}: cannot be read as [^\n]*$"):
        read_label(path, 2)


def test_truncated_compression_of_a_volume_is_named(tmp_path):
    path = write_nifti(tmp_path / "a.nii.gz", np.random.default_rng(0).normal(size=(9, 9, 9)).astype(np.float32))
    path.write_bytes(path.read_bytes()[:-300])
    with pytest.raises(InputError, match=r"a\.nii\.gz: cannot be read"):
        read_image(path, 3)


def test_a_volume_shorter_than_its_header_says_is_named(tmp_path):
    path = write_nifti(tmp_path / "a.nii", np.ones((9, 9, 9), np.float32))
    with gzip.open(tmp_path / "b.nii.gz", "wb") as short:
        short.write(path.read_bytes()[:-100])
    with pytest.raises(InputError, match=r"b\.nii\.gz: cannot be read"):
        read_image(tmp_path / "b.nii.gz", 3)


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf, 1e300])
def test_pixels_that_are_not_finite_are_counted(tmp_path, bad):
    image = grey().astype(np.float64)
    image[0, :2] = bad
    np.save(tmp_path / "a.npy", image)
    with pytest.raises(InputError, match=r"a\.npy: 2 of 48 pixels are NaN or infinite"):
        read_image(tmp_path / "a.npy", 2)


@pytest.mark.parametrize(
    ("array", "message"),
    [
        (np.zeros((0, 4)), "is empty"),
        (np.array([["a", "b"]]), "expected numbers"),
        (np.ones((4, 4), complex), "expected real numbers"),
        (np.ones((2, 3, 4, 5)), "expected 2 spatial axes"),
        (np.array([{}], object), "cannot be read"),
    ],
)
def test_an_array_that_is_no_image_is_refused(tmp_path, array, message):
    np.save(tmp_path / "a.npy", array, allow_pickle=True)
    with pytest.raises(InputError, match=rf"a\.npy: {message}"):
        read_image(tmp_path / "a.npy", 2)


def test_a_label_with_several_channels_is_refused(tmp_path):
    with pytest.raises(InputError, match="one value per voxel, got 2 channels"):
        read_label(write_nifti(tmp_path / "a.nii.gz", np.ones((5, 6, 7, 2), np.uint8)), 3)


def test_an_unknown_type_and_a_missing_file_are_named(tmp_path):
    with pytest.raises(InputError, match=r"a\.dcm: unknown file type '\.dcm'; expected one of \.png"):
        read_image(tmp_path / "a.dcm", 2)
    with pytest.raises(InputError, match=r"a\.png: no such file"):
        read_image(tmp_path / "a.png", 2)


def test_a_double_suffix_counts_as_one(tmp_path):
    assert (file_stem(tmp_path / "a.b.NII.GZ"), file_suffix(tmp_path / "a.b.NII.GZ")) == ("a.b", ".nii.gz")
    assert (file_stem(tmp_path / "a.b.PNG"), file_suffix(tmp_path / "a.b.PNG")) == ("a.b", ".png")
