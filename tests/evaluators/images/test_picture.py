"""Pictures: colour, palettes, depth, and what EXIF says of a photo."""

import struct
import zlib

import imagecodecs
import numpy as np
import pytest
from PIL import Image, ImageOps

from evaluators.images import Source, read, write_label
from evaluators.images.picture import ORIENTATION, turned
from search_spaces.errors import InputError
from tests.evaluators.tasks.files import colour, grey, mask, write_picture


def label_of(path):
    [label] = read(path, "label").array
    return label


@pytest.mark.parametrize("suffix", [".png", ".tif", ".bmp"])
def test_colour_has_three_channels_in_order(tmp_path, suffix):
    image = read(write_picture(tmp_path / f"a{suffix}", colour()), "image")
    assert np.array_equal(image.array, np.moveaxis(colour(), -1, 0))
    assert image.spacing == (1.0, 1.0)


@pytest.mark.parametrize("suffix", [".png", ".tif"])
def test_alpha_is_dropped(tmp_path, suffix):
    opaque = np.full((6, 8, 1), 255, np.uint8)
    rgba = write_picture(tmp_path / f"a{suffix}", np.concatenate([colour(), opaque], -1))
    assert np.array_equal(read(rgba, "image").array, np.moveaxis(colour(), -1, 0))
    assert read(rgba, "image").notes == ()
    grey_alpha = write_picture(tmp_path / f"b{suffix}", np.concatenate([grey()[..., None], opaque], -1))
    assert np.array_equal(read(grey_alpha, "image").array[0], grey())
    assert np.array_equal(label_of(grey_alpha), grey())


def test_transparency_that_shows_something_is_said(tmp_path):
    half = np.concatenate([colour(), np.indices((6, 8, 1))[1].astype(np.uint8)], -1)
    assert read(write_picture(tmp_path / "a.png", half), "image").notes == ("transparency is left out",)


@pytest.mark.parametrize("suffix", [".png", ".tif"])
def test_16_bits_of_grey_are_kept(tmp_path, suffix):
    deep = grey().astype(np.uint16) * 300
    path = write_picture(tmp_path / f"a{suffix}", deep)
    assert np.array_equal(read(path, "image").array[0], deep)
    assert np.array_equal(label_of(path), deep)


@pytest.mark.parametrize("channels", [3, 4])
def test_16_bits_of_colour_are_kept(tmp_path, channels):
    deep = np.random.default_rng(0).integers(0, 1 << 16, (6, 8, channels)).astype(np.uint16)
    (tmp_path / "a.png").write_bytes(imagecodecs.png_encode(deep))
    assert np.array_equal(read(tmp_path / "a.png", "image").array, np.moveaxis(deep, -1, 0)[:3])


def test_black_and_white_is_0_and_1(tmp_path):
    assert set(np.unique(label_of(write_picture(tmp_path / "b.png", mask() > 0)))) == {0, 1}


def palette_picture(path, colours):
    indices = mask(values=(1, 2))
    indexed = Image.frombytes("P", indices.shape[::-1], indices.tobytes())
    indexed.putpalette([level for entry in colours for level in entry])
    indexed.save(path)
    return path


@pytest.mark.parametrize("suffix", [".png", ".gif", ".tif", ".bmp"])
def test_a_label_with_a_coloured_palette_keeps_its_indices(tmp_path, suffix):
    path = palette_picture(tmp_path / f"a{suffix}", [(0, 0, 0), (128, 0, 0), (0, 128, 0)])
    if suffix != ".gif":  # Pillow sorts the palette of a GIF
        assert np.array_equal(label_of(path), mask(values=(1, 2)))
    assert read(path, "image").array.shape == (3, 6, 8)
    assert read(path, "image").array[:, 1, 3].tolist() == [128, 0, 0]


@pytest.mark.parametrize("suffix", [".png", ".gif", ".tif", ".bmp"])
def test_a_label_with_a_grey_palette_gives_its_grey_values(tmp_path, suffix):
    path = palette_picture(tmp_path / f"a{suffix}", [(0, 0, 0), (255, 255, 255), (128, 128, 128)])
    assert np.array_equal(label_of(path), mask(values=(255, 128)))
    assert read(path, "image").array.shape == (1, 6, 8)


@pytest.mark.parametrize("depth", [1, 2, 4])
def test_a_palette_of_few_bits_keeps_its_indices(tmp_path, depth):
    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    rows = b"\0" + {1: b"\x40", 2: b"\x10", 4: b"\x01\x00"}[depth]  # 0, 1, 0, 0
    path = tmp_path / "a.png"
    path.write_bytes(
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", struct.pack(">IIBBBBB", 4, 1, depth, 3, 0, 0, 0))
        + chunk(b"PLTE", bytes([0, 0, 0, 200, 10, 10]))
        + chunk(b"IDAT", zlib.compress(rows))
        + chunk(b"IEND", b"")
    )
    assert label_of(path).tolist() == [[0, 1, 0, 0]]


@pytest.mark.parametrize("suffix", [".png", ".tif"])
def test_a_colour_label_whose_channels_are_equal_is_grey(tmp_path, suffix):
    path = write_picture(tmp_path / f"a{suffix}", np.repeat(mask()[..., None], 3, -1))
    assert np.array_equal(label_of(path), mask())


@pytest.mark.parametrize("suffix", [".png", ".tif"])
def test_a_really_coloured_label_is_refused(tmp_path, suffix):
    with pytest.raises(InputError, match=rf"a\{suffix}: a colour label"):
        read(write_picture(tmp_path / f"a{suffix}", colour()), "label")


@pytest.mark.parametrize("suffix", [".gif", ".png"])
def test_moving_pictures_are_refused(tmp_path, suffix):
    Image.fromarray(grey()).save(tmp_path / f"a{suffix}", save_all=True, append_images=[Image.fromarray(grey(fill=99))])
    with pytest.raises(InputError, match=rf"a\{suffix}: expected one frame, got 2"):
        read(tmp_path / f"a{suffix}", "image")


@pytest.mark.parametrize("suffix", [".jpg", ".tif"])
@pytest.mark.parametrize("mode", ["CMYK", "YCbCr"])
def test_other_colour_spaces_become_rgb(tmp_path, suffix, mode):
    picture = Image.fromarray(np.repeat(np.repeat(colour(), 16, 0), 16, 1))
    picture.convert(mode).save(tmp_path / f"a{suffix}")
    image = read(tmp_path / f"a{suffix}", "image").array
    assert image.shape[0] == 3
    assert np.abs(image[:, 8, 8].astype(int) - colour()[0, 0]).max() < 12


def photo(path, array, orientation):
    exif = Image.Exif()
    exif[ORIENTATION] = orientation
    Image.fromarray(array).save(path, exif=exif)
    return path


def as_viewed(path):
    with Image.open(path) as picture:
        return np.asarray(ImageOps.exif_transpose(picture))


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("suffix", [".png", ".jpg"])
def test_a_photo_is_turned_as_its_exif_says_and_its_result_is_too(tmp_path, suffix, orientation):
    array = np.add.outer(np.arange(0, 60, 10), np.arange(8)).astype(np.uint8)
    path = photo(tmp_path / f"a{suffix}", array, orientation)
    stored = read(path, "image")
    viewed = stored.placement.apply(stored.array)[0]
    assert np.array_equal(viewed, as_viewed(path))

    source = Source(path, stored.placement, None, stored.spacing, stored.header)
    result = write_label(tmp_path / "out", "a", viewed, source)

    assert np.array_equal(as_viewed(result), viewed), "for programs that look at EXIF"
    with Image.open(path) as image, Image.open(result) as label:
        assert np.array_equal(np.asarray(label), np.asarray(image)), "for programs that do not"
        assert label.getexif().get(ORIENTATION, 1) == orientation


def test_only_the_eight_orientations_turn():
    assert [number for number in range(12) if turned(number, (3, 4))] == list(range(2, 9))


def source_of(path):
    stored = read(path, "image")
    return Source(path, stored.placement, stored.affine, stored.spacing, stored.header)


def test_a_label_above_8_bits_is_a_16_bit_png(tmp_path):
    source = source_of(write_picture(tmp_path / "a.png", grey()))
    label = mask(values=(7,)).astype(np.uint16) * 1000
    with Image.open(write_label(tmp_path, "b", label, source)) as written:
        assert np.array_equal(np.asarray(written), label)


@pytest.mark.parametrize("value", [-1, 1 << 16])
def test_a_value_that_png_cannot_hold_is_said(tmp_path, value):
    source = source_of(write_picture(tmp_path / "a.png", grey()))
    with pytest.raises(InputError, match=r"b\.png: label values .* cannot be written as png; it holds 0 to 65535"):
        write_label(tmp_path, "b", np.full((6, 8), value, np.int32), source)
    assert not (tmp_path / "b.png").exists()
