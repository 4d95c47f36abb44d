"""TIFF: which axes hold what, lengths, photometry; and results that lie as their image lies."""

import json

import numpy as np
import pytest
import tifffile
from PIL import Image

from evaluators.images import Source, read, write_label
from search_spaces.errors import InputError
from tests.evaluators.tasks.files import grey

STACK = np.arange(3 * 6 * 8, dtype=np.uint8).reshape(3, 6, 8)
PAGES = [Image.fromarray(page) for page in STACK]


def save(path, array, **options):
    tifffile.imwrite(path, array, **{"photometric": "minisblack"} | options)
    return path


def result_of(path, folder, values=None, **options):
    """A label, made of the image, written beside it."""
    stored = read(path, "image")
    source = Source(path, stored.placement, stored.affine, stored.spacing, stored.header)
    label = stored.placement.apply(stored.array)[0] if values is None else values
    return write_label(folder, "label", label, source, **options)


def described(path):
    with tifffile.TiffFile(path) as file:
        [series] = file.series
        return file, series.axes, series.shape


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"compression": "zlib"},
        {"compression": "lzw", "predictor": True},
        {"tile": (16, 16)},
        {"bigtiff": True},
        {"byteorder": ">"},
        {"rowsperstrip": 2},
    ],
    ids=str,
)
def test_every_kind_of_storage_is_read(tmp_path, options):
    assert np.array_equal(read(save(tmp_path / "a.tif", STACK, **options), "image").array, STACK[None])


def test_jpeg_in_tiff_is_read(tmp_path):
    flat = np.full((32, 32, 3), (200, 40, 90), np.uint8)
    stored = read(save(tmp_path / "a.tif", flat, photometric="rgb", compression="jpeg"), "image").array
    assert np.abs(stored[:, 9, 9].astype(int) - flat[0, 0]).max() <= 4


def test_floats_are_kept(tmp_path):
    assert np.array_equal(
        read(save(tmp_path / "a.tif", STACK[0] / np.float32(7)), "image").array[0], STACK[0] / np.float32(7)
    )


def test_pages_are_a_stack_and_no_colours(tmp_path):
    PAGES[0].save(tmp_path / "a.tif", save_all=True, append_images=PAGES[1:])
    for role in ("image", "label"):
        stored = read(tmp_path / "a.tif", role)
        assert np.array_equal(stored.array, STACK[None])
        assert stored.for_axes(2).array.shape == (1, 3, 6, 8)


@pytest.mark.parametrize("count", [3, 4])
def test_planes_are_slices_where_the_task_is_3d_and_colours_where_it_is_2d(tmp_path, count):
    planes = np.arange(count * 48, dtype=np.uint8).reshape(count, 6, 8)
    path = save(tmp_path / "a.tif", planes, photometric="rgb", planarconfig="separate")
    for role in ("image", "label"):
        assert np.array_equal(read(path, role).for_axes(3).array, planes[None])
    assert np.array_equal(read(path, "image").for_axes(2).array, planes)


def test_the_result_of_three_slices_is_three_slices(tmp_path):
    path = save(tmp_path / "a.tif", STACK, photometric="rgb", planarconfig="separate")
    result = result_of(path, tmp_path / "out")
    assert np.array_equal(tifffile.imread(result), STACK)
    assert np.array_equal(read(result, "label").array, STACK[None])


@pytest.mark.parametrize(
    ("axes", "shape", "options", "channels", "size"),
    [
        ("CYX", (2, 6, 8), {"imagej": True}, 2, (6, 8)),
        ("ZCYX", (5, 2, 6, 8), {"imagej": True}, 2, (5, 6, 8)),
        ("TYX", (5, 6, 8), {"imagej": True}, 1, (5, 6, 8)),
        ("TZCYXS", (1, 5, 1, 6, 8, 3), {"imagej": True, "photometric": "rgb"}, 3, (5, 6, 8)),
        ("CZYX", (2, 5, 6, 8), {"ome": True}, 2, (5, 6, 8)),
        ("YXS", (6, 8, 5), {"planarconfig": "contig"}, 5, (6, 8)),
        ("YXZ", (6, 8, 5), {}, 1, (5, 6, 8)),
        ("ZYX", (5, 6, 8), {"ome": True}, 1, (5, 6, 8)),
    ],
)
def test_letters_of_axes_say_what_they_hold(tmp_path, axes, shape, options, channels, size):
    array = np.random.default_rng(0).integers(0, 255, shape).astype(np.uint8)
    path = save(tmp_path / "a.tif", array, metadata={"axes": axes}, **options)
    stored = read(path, "image")
    assert stored.array.shape == (channels, *size)
    order = [axis for axis in axes if axis in "CS"] + [axis for axis in axes if axis in "ZT"] + ["Y", "X"]
    assert np.array_equal(stored.array.ravel(), array.transpose([axes.index(axis) for axis in order]).ravel())

    file, found, lengths = described(result_of(path, tmp_path / "out"))
    kept = [axis for axis, length in zip(axes, shape, strict=True) if axis not in "CS" and length > 1]
    assert (found, lengths) == ("".join(kept), tuple(shape[axes.index(axis)] for axis in kept))
    assert (file.is_imagej, file.is_ome) == ("imagej" in options, "ome" in options)


def test_a_second_stack_is_refused(tmp_path):
    path = save(tmp_path / "a.tif", np.zeros((2, 3, 6, 8), np.uint8), imagej=True, metadata={"axes": "TZYX"})
    with pytest.raises(InputError, match=r"a\.tif: expected one stack of slices, got the axes TZYX \(2 x 3 x 6 x 8\)"):
        read(path, "image")


def test_pages_of_different_sizes_are_refused(tmp_path):
    Image.fromarray(grey()).save(tmp_path / "a.tif", save_all=True, append_images=[Image.fromarray(grey(9, 9))])
    with pytest.raises(InputError, match=r"a\.tif: the 2 pages differ"):
        read(tmp_path / "a.tif", "image")


def test_a_small_version_beside_the_image_does_not_count(tmp_path):
    with tifffile.TiffWriter(tmp_path / "a.tif") as file:
        file.write(STACK[0])
        file.write(STACK[0, ::2, ::2], subfiletype=1)
    assert np.array_equal(read(tmp_path / "a.tif", "image").array[0], STACK[0])


@pytest.mark.parametrize("bits", [1, 8, 16])
def test_white_is_zero_is_stored_in_a_label_and_viewed_in_an_image(tmp_path, bits):
    label = {1: STACK[0] > 20, 8: STACK[0] % 3, 16: (STACK[0] % 3).astype(np.uint16)}[bits]
    path = save(tmp_path / "a.tif", label, photometric="miniswhite")
    assert np.array_equal(read(path, "label").array[0], label)
    assert np.array_equal(read(path, "image").array[0], 2**bits - 1 - label.astype(int))


def test_a_label_of_fax_is_stored(tmp_path):
    Image.fromarray(STACK[0] > 20).save(tmp_path / "a.tif", compression="group4")
    assert np.array_equal(read(tmp_path / "a.tif", "label").array[0], STACK[0] > 20)


@pytest.mark.parametrize(
    ("options", "spacing"),
    [
        (
            {"imagej": True, "resolution": (2, 4), "metadata": {"axes": "ZYX", "spacing": 3, "unit": "mm"}},
            (3, 0.25, 0.5),
        ),
        (
            {"imagej": True, "resolution": (2, 2), "metadata": {"axes": "ZYX", "spacing": 3, "unit": "micron"}},
            (3e-3, 5e-4, 5e-4),
        ),
        (
            {"imagej": True, "resolution": (2, 2), "metadata": {"axes": "ZYX", "spacing": 3, "unit": "\\u00B5m"}},
            (3e-3, 5e-4, 5e-4),
        ),
        ({"imagej": True, "resolution": (2, 2), "metadata": {"axes": "ZYX", "unit": "cm"}}, (10, 5, 5)),
        ({"imagej": True, "resolution": (2, 2), "metadata": {"axes": "ZYX", "spacing": 3, "unit": "pixel"}}, (1, 1, 1)),
        ({"imagej": True, "metadata": {"axes": "ZYX"}}, (1, 1, 1)),
        (
            {
                "ome": True,
                "metadata": {
                    **{"axes": "ZYX", "PhysicalSizeX": 500.0, "PhysicalSizeY": 250.0},
                    **{"PhysicalSizeZ": 2.0, "PhysicalSizeZUnit": "mm"},
                },
            },
            (2, 0.25, 0.5),
        ),
        ({"resolution": (20, 40), "resolutionunit": "CENTIMETER"}, (0.5, 0.25, 0.5)),
        ({"resolution": (96, 96), "resolutionunit": "INCH"}, (1, 1, 1)),
        ({"resolution": (72, 72)}, (1, 1, 1)),
    ],
    ids=str,
)
def test_lengths_are_in_mm_and_travel_with_the_result(tmp_path, options, spacing):
    path = save(tmp_path / "a.tif", STACK, **options)
    assert read(path, "image").spacing == pytest.approx(spacing)
    result = result_of(path, tmp_path / "out")
    assert read(result, "label").spacing == pytest.approx(spacing)
    with tifffile.TiffFile(path) as image, tifffile.TiffFile(result) as label:
        for name in ("XResolution", "YResolution", "ResolutionUnit"):
            assert label.pages[0].tags[name].value == image.pages[0].tags[name].value


@pytest.mark.parametrize(
    ("name", "side"), [("c_0000.tif", "c.json"), ("c.tif", "c.json"), ("c_0012.tif", "c_0012.json")]
)
def test_voxel_sizes_beside_the_file_count(tmp_path, name, side):
    path = save(tmp_path / name, STACK)
    (tmp_path / side).write_text(json.dumps({"spacing": [3, 0.5, 0.25]}))
    assert read(path, "image").spacing == (3.0, 0.5, 0.25)


def test_voxel_sizes_beside_three_slices_in_planes_count(tmp_path):
    path = save(tmp_path / "c_0000.tif", STACK, photometric="rgb", planarconfig="separate")
    (tmp_path / "c.json").write_text(json.dumps({"spacing": [3, 0.5, 0.25]}))
    assert read(path, "image").for_axes(3).spacing == (3.0, 0.5, 0.25)
    assert read(path, "image").for_axes(2).spacing == (0.5, 0.25)


@pytest.mark.parametrize("content", ['{"spacing": [3, 0, 1]}', '{"spacing": [1, 2]}', '{"spacing": ["a", 1, 1]}', "{"])
def test_voxel_sizes_that_are_none_are_refused(tmp_path, content):
    path = save(tmp_path / "c_0000.tif", STACK)
    (tmp_path / "c.json").write_text(content)
    with pytest.raises(InputError, match=r"c\.json: "):
        read(path, "image")


def test_another_json_beside_the_file_is_left_alone(tmp_path):
    path = save(tmp_path / "c.tif", STACK)
    (tmp_path / "c.json").write_text(json.dumps({"shapes": []}))
    assert read(path, "image").spacing == (1.0, 1.0, 1.0)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_the_orientation_tag_turns_image_and_result(tmp_path, orientation):
    tag = (274, "H", 1, orientation, True)
    path = save(tmp_path / "a.tif", STACK[0], compression="zlib", extratags=[tag])  # Pillow scrambles uncompressed ones
    stored = read(path, "image")
    with Image.open(path) as viewed:
        assert np.array_equal(stored.placement.apply(stored.array)[0], np.asarray(viewed))
    result = result_of(path, tmp_path / "out")
    assert np.array_equal(tifffile.imread(result), STACK[0])
    with Image.open(path) as image, Image.open(result) as label:
        assert np.array_equal(np.asarray(label), np.asarray(image))


@pytest.mark.parametrize("dtype", [np.uint16, np.int16, np.int32])
def test_large_values_are_written(tmp_path, dtype):
    label = STACK.astype(dtype) * 200
    for options in ({"imagej": True}, {"ome": True}, {}):
        result = result_of(save(tmp_path / "a.tif", STACK, metadata={"axes": "ZYX"}, **options), tmp_path, label)
        assert np.array_equal(tifffile.imread(result), label)


def test_a_result_called_ome_tif_is_one(tmp_path):
    for axes in ("ZYX", "QYX"):
        path = save(tmp_path / "a.ome.tif", STACK, metadata={"axes": axes}, ome=axes == "ZYX")
        result = result_of(path, tmp_path / "out")
        assert result.name == "label.ome.tif"
        assert described(result)[0].is_ome


@pytest.mark.parametrize(("stored", "depth"), [(-2.0, 2.0), (2.0, 2.0), (0.0, 0.2), (float("nan"), 0.2)])
def test_a_voxel_size_below_zero_is_that_long_and_zero_is_not_known(tmp_path, stored, depth):
    path = tmp_path / "a.tif"
    options = {"unit": "mm", "spacing": stored, "axes": "ZYX"}
    tifffile.imwrite(path, np.zeros((3, 6, 8), np.uint8), imagej=True, resolution=(5, 5), metadata=options)
    assert read(path, "image").spacing == pytest.approx((depth, 0.2, 0.2))


@pytest.mark.parametrize("axes", ["ZYX", None])
def test_a_stack_cut_anywhere_is_damaged_and_never_shorter(tmp_path, axes):
    array = np.random.default_rng(0).integers(0, 200, (5, 8, 12)).astype(np.uint8)
    path = tmp_path / "a.tif"
    if axes:
        tifffile.imwrite(path, array, photometric="minisblack", metadata={"axes": axes})
    else:
        pages = [Image.fromarray(page) for page in array]
        pages[0].save(path, save_all=True, append_images=pages[1:])
    content = path.read_bytes()
    for end in range(8, len(content), 7):
        path.write_bytes(content[:end])
        try:
            read_ = read(path, "image").array
        except InputError as fault:
            assert "damaged or truncated" in str(fault)  # noqa: PT017 - or whole, which is as good
        else:
            assert np.array_equal(read_[0], array), end
