import io
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from evaluators.tasks.inferred_classes import infer_classes
from evaluators.tasks.labels import parse_classes
from evaluators.tasks.value_counts import ValueCounts
from search_spaces.errors import InputError


def infer(*labels, suffix=".png"):
    counted = (ValueCounts.of(np.array(label)) for label in labels)
    return infer_classes({Path(f"{number}{suffix}"): values for number, values in enumerate(counted)})


@pytest.mark.parametrize("top", [1, 255])
def test_two_valued_labels_are_one_foreground(top):
    assert infer([0, top], [0, 0]) == {"foreground": top}
    assert infer([0, top], suffix=".jpg") == {"foreground": top}


def test_an_empty_mask_among_others_is_fine():
    assert infer([0, 0], [0, 255]) == {"foreground": 255}


def test_small_numbers_without_a_gap_are_classes():
    assert infer([0, 1], [0, 3, 2]) == {"class_1": 1, "class_2": 2, "class_3": 3}


def test_floating_point_labels_of_whole_numbers_count_as_whole():
    assert infer(np.float32([0, 1])) == {"foreground": 1}


@given(st.lists(st.lists(st.integers(0, 5), min_size=1, max_size=9), min_size=1, max_size=5))
def test_what_is_inferred_maps_every_label_it_was_inferred_from(labels):
    try:
        label_map = parse_classes(infer(*labels))
    except InputError:
        values = {value for label in labels for value in label}
        assert values == {0} or values != set(range(len(values)))
        return
    for label in labels:
        assert (label_map.apply(np.array(label), "f") == label).all()


def test_background_alone_in_all_labels_is_an_error():
    with pytest.raises(InputError, match="every training label is background"):
        infer([0], [0])


def test_a_jpeg_mask_is_told_its_threshold():
    with pytest.raises(InputError, match=r"1\.jpg: 4 label values, as JPEG.*\{foreground: '127<'\}"):
        infer([0, 255], [0, 3, 252, 255], suffix=".jpg")


def test_a_jpeg_mask_saved_as_png_is_told_its_threshold():
    noisy = np.concatenate([np.arange(30), 255 - np.arange(30), np.zeros(100)])
    with pytest.raises(InputError, match=r"close to 0 or 255.*'127<'"):
        infer(noisy)


def test_many_values_are_told_of_instances():
    with pytest.raises(InputError, match=r"0\.png: 100 label values, too many .*foreground: instances"):
        infer(np.arange(100))


def test_values_with_a_gap_are_listed_with_an_example():
    with pytest.raises(
        InputError, match=r"hold 0 \(50 %\), 128 \(25 %\), 255 \(25 %\); .*\{class_1: 128, class_2: 255\}"
    ):
        infer([0, 128], [255, 0])


def test_labels_without_zero_are_asked_for_their_background():
    with pytest.raises(InputError, match=r"hold 1 \(50 %\), 2 \(50 %\); .*background: its value"):
        infer([1, 2])


def jpeg(label: np.ndarray) -> np.ndarray:
    content = io.BytesIO()
    Image.fromarray(label).save(content, "JPEG", quality=75)
    return np.asarray(Image.open(content))


def discs(*levels: int) -> np.ndarray:
    """Discs within discs, each of a grey level."""
    rows, columns = np.mgrid[:160, :160]
    label = np.zeros((160, 160), np.uint8)
    for number, level in enumerate(levels):
        label[(rows - 80) ** 2 + (columns - 80) ** 2 < (70 - 25 * number) ** 2] = level
    return label


@pytest.mark.parametrize("suffix", [".jpg", ".png"])
def test_a_jpeg_mask_of_several_classes_is_told_ranges_that_map_it(suffix):
    with pytest.raises(InputError, match=r"0 \(.*128 \(.*\{class_1: '65\.\.191', class_2: '192\.\.255'\}"):
        infer(jpeg(discs(128, 255)), suffix=suffix)
    mapped = parse_classes({"class_1": "65..191", "class_2": "192..255"}).apply(jpeg(discs(128, 255)), "f")
    assert (mapped != np.array([0, 1, 2])[discs(128, 255) // 127]).mean() < 0.01


def test_the_listing_is_by_frequency_and_the_example_leaves_compression_noise_out():
    values = [0] * 6100 + [255] * 3800 + [3] * 10 + [254, 254, 1]
    with pytest.raises(InputError) as caught:
        infer(values)
    assert "hold 0 (62 %), 255 (38 %), 3 (0.1 %), 254 (0.02 %), 1 (0.01 %); expected" in str(caught.value)
    assert "for example classes: {foreground: '127<'}" in str(caught.value)


def test_255_after_small_numbers_is_proposed_as_ignored():
    with pytest.raises(InputError, match=r"\{class_1: 1, class_2: 2, ignore: 255\}"):
        infer(np.repeat([0, 1, 2, 255], [7300, 70, 2100, 530]))


def test_many_objects_on_a_large_background_are_no_grey_levels():
    with pytest.raises(InputError, match="too many to be classes.*foreground: instances"):
        infer(np.concatenate([np.zeros(9000, int), np.repeat(np.arange(1, 200), 7)]))


def test_float_noise_does_not_make_broken_numbers():
    assert infer(np.float32([0, 1.0000002, 1.9999])) == {"class_1": 1, "class_2": 2}


def test_broken_numbers_are_told_of_a_threshold():
    with pytest.raises(InputError, match=r"not all whole numbers.*'0\.5<'"):
        infer([0.0, 0.25, 1.0])


def test_values_that_are_not_finite_are_refused():
    with pytest.raises(InputError, match=r"0\.png: .*NaN"):
        infer([0.0, np.nan])
