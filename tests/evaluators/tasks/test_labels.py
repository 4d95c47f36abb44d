import pickle

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from evaluators.labelling import IGNORED
from evaluators.tasks.labels import parse_classes
from evaluators.tasks.value_counts import ValueCounts
from search_spaces.errors import InputError


@st.composite
def class_rules(draw):
    """Rules of a few classes that share nothing, with or without background, ignored values and ranges."""
    values = draw(st.lists(st.integers(0, 300), min_size=4, max_size=12, unique=True))
    cuts = sorted(draw(st.lists(st.integers(1, len(values) - 1), min_size=1, max_size=3, unique=True)))
    lists = [values[low:high] for low, high in zip([0, *cuts], [*cuts, None], strict=True)]
    rules: dict[str, object] = {f"c{number}": part for number, part in enumerate(lists)}
    low = max(values) + 1
    if draw(st.booleans()):
        rules["wide"] = f"{low}..{low + draw(st.integers(0, 9))}"
    if draw(st.booleans()):
        rules[draw(st.sampled_from(["background", "ignore"]))] = rules.pop("c0")
    return rules


def apply(classes, values, dtype=np.uint8):
    return parse_classes(classes).apply(np.array(values, dtype), "label.png").tolist()


@pytest.mark.parametrize("rule", ["127<", ">127", ">=128", "128<=", " 127 < ", "> 127", "127.5<"])
def test_every_spelling_of_a_threshold_means_the_same(rule):
    assert apply({"polyp": rule}, [0, 126, 127, 128, 255]) == [0, 0, 0, 1, 1]


@pytest.mark.parametrize("rule", ["<128", "128>", "<=127", "127>="])
def test_a_threshold_can_take_the_dark_values(rule):
    assert apply({"membrane": rule}, [0, 127, 128, 255]) == [1, 1, 0, 0]


@given(
    arrays(st.sampled_from([np.uint8, np.int16, np.int64, np.float32]), 20, elements=st.integers(0, 120)),
    st.integers(0, 120),
)
def test_a_threshold_agrees_with_comparing_every_value(values, bound):
    for rule, expected in (
        (f"{bound}<", values > bound),
        (f">={bound}", values >= bound),
        (f"{bound}>", values < bound),
        (f"<={bound}", values <= bound),
    ):
        assert np.array_equal(parse_classes({"a": rule}).apply(values, "f"), expected.astype(np.uint8))


@given(st.lists(st.integers(-300, 70000), min_size=1, max_size=8, unique=True), st.data())
def test_every_listed_value_gets_the_index_of_its_class(values, data):
    cuts = data.draw(st.lists(st.sampled_from(range(1, 4)), min_size=len(values), max_size=len(values)))
    classes = {f"c{cut}": [v for v, c in zip(values, cuts, strict=True) if c == cut] for cut in sorted(set(cuts))}
    label = np.array(data.draw(st.lists(st.sampled_from(values), min_size=1, max_size=30)))
    mapped = parse_classes(classes).apply(label, "f")
    for stored, index in zip(label.tolist(), mapped.tolist(), strict=True):
        assert stored in list(classes.values())[index - 1]


@given(arrays(np.int32, (3, 4), elements=st.integers(0, 2**20)))
def test_instances_are_everything_but_zero(label):
    assert np.array_equal(parse_classes({"nucleus": "instances"}).apply(label, "f"), (label != 0).astype(np.uint8))


def test_the_order_of_the_classes_is_the_order_of_the_indices():
    assert apply({"posterior": 2, "anterior": 1}, [0, 1, 2]) == [0, 2, 1]


def test_several_values_can_be_one_class_and_background_can_have_its_own():
    assert apply({"cell": [255, 1], "background": [0, 4]}, [0, 1, 4, 255]) == [0, 1, 0, 1]
    assert apply({"membrane": 0, "background": 255}, [0, 255]) == [1, 0]


def test_instances_leave_what_others_claim():
    assert apply({"border": 255, "nucleus": "instances", "background": [0, 4]}, [0, 3, 4, 255]) == [0, 2, 0, 1]


def test_a_threshold_applies_to_probabilities():
    assert apply({"a": "0.5<"}, [0.0, 0.49, 0.51, 1.0], np.float32) == [0, 0, 1, 1]


def test_a_label_of_one_value_is_fine():
    assert apply({"a": 1}, [0, 0, 0]) == [0, 0, 0]
    assert apply({"a": 1}, [True, False], bool) == [1, 0]


def test_a_value_outside_the_map_names_file_values_and_what_was_expected():
    with pytest.raises(
        InputError, match=r"label\.png: label values 7 \(40 %\), 3 \(20 %\) are outside .*background 0, a 1 or 2, b 255"
    ):
        apply({"a": [1, 2], "b": 255}, [7, 1, 3, 7, 255])
    with pytest.raises(
        InputError, match=r"label values 255 \(50 %\) are outside .*membrane 0 .and 'background' with its own"
    ):
        apply({"membrane": 0}, [0, 255])


def test_many_values_outside_the_map_are_counted():
    with pytest.raises(
        InputError, match=r"2 \(1 %\), 3 \(1 %\), .*7 \(1 %\), \.\.\. \(98 values\).*a range such as '128\.\.255'"
    ):
        apply({"a": 1}, list(range(100)))


def test_a_broken_number_is_named_where_whole_ones_are_expected():
    with pytest.raises(InputError, match=r"label values 0\.5 \(33 %\) are no whole numbers"):
        apply({"a": 1}, [0, 0.5, 1], np.float32)


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_a_label_that_is_not_finite_is_refused(bad):
    with pytest.raises(InputError, match="NaN or infinite"):
        apply({"a": "0.5<"}, [0, bad], np.float32)


@pytest.mark.parametrize(
    ("classes", "message"),
    [
        ({}, "at least one class"),
        ({"background": 0}, "at least one class"),
        (["a"], "at least one class"),
        ({"a": "big"}, r"classes\.a: expected a whole number.*'big'"),
        ({"a": "127"}, r"classes\.a: expected a whole number"),
        ({"a": "1<2<3"}, r"classes\.a: expected a whole number"),
        ({"a": 1.5}, r"classes\.a: expected a whole number.*1\.5"),
        ({"a": True}, r"classes\.a: expected a whole number"),
        ({"a": []}, r"classes\.a: expected a whole number"),
        ({"a": [1, "2"]}, r"classes\.a: expected a whole number"),
        ({False: 1}, "expected names as text, got False"),
        ({" ": 1}, "expected names as text"),
        ({"a\nb": 1}, r"expected names as text, got 'a\\nb'"),
        ({"a": 1, "background": 0, "Background": 2}, r"classes\.background: given twice, in other letters"),
        ({"a": "9..3"}, r"classes\.a: expected .*a range such as .*'9\.\.3'"),
        ({"a": [1, [2]]}, r"classes\.a: expected a whole number"),
        ({"a": 1, "b": 1}, r"classes\.b: takes the same values as 'a'"),
        ({"a": [1, 2], "b": [2, 1]}, r"classes\.b: takes the same values as 'a'"),
        ({"a": [1, 2, 3], "b": "1..3"}, r"classes\.b: takes the same values as 'a'"),
        ({"a": 4, "background": [0, 4]}, r"classes\.background: 4 and 4 of 'a' overlap"),
        ({"a": ">100", "ignore": 255}, r"classes\.ignore: 255 and >100 of 'a' overlap"),
        ({"a": 1, "background": 0, "ignore": [0, 2]}, r"classes\.ignore: 0 and 0 of 'background' overlap"),
        ({"ignore": 2}, "at least one class"),
        ({"a": 1, "ignore": "instances"}, r"classes\.ignore: only one foreground class"),
        ({"a": "instances", "b": "instances"}, r"classes\.b: only one foreground class"),
        ({"a": 1, "background": "instances"}, r"classes\.background: only one foreground class"),
        ({"a": "0..100", "b": "100..200"}, r"classes\.b: 100\.\.200 and 0\.\.100 of 'a' overlap; list the values"),
        ({"a": "<100", "b": ">50"}, "overlap"),
        ({f"c{i}": i for i in range(1, 256)}, "at most 253, got 255"),
    ],
)
def test_a_rule_that_makes_no_sense_is_named(classes, message):
    with pytest.raises(InputError, match=message):
        parse_classes(classes)


def test_thresholds_that_meet_do_not_overlap():
    assert apply({"dark": "<128", "bright": ">127"}, [0, 127, 128, 255]) == [1, 1, 2, 2]
    assert apply({"dark": "<100", "bright": ">150"}, [0, 120, 255]) == [1, 0, 2]


def test_a_range_has_both_ends_and_leaves_the_rest_to_the_background():
    assert apply({"a": "64..191", "b": "192..255"}, [0, 63, 64, 191, 192, 255]) == [0, 0, 1, 1, 2, 2]
    assert apply({"a": [3, "64..191"]}, [0, 3, 4, 100]) == [0, 1, 0, 1]
    assert apply({"a": "-1024..-500"}, [0, -1024, -499], np.int16) == [0, 1, 0]


def test_the_background_takes_ranges_and_then_nothing_else_is_background():
    classes = {"a": "200..255", "background": ["0..50", 99]}
    assert apply(classes, [0, 50, 99, 200]) == [0, 0, 0, 1]
    with pytest.raises(InputError, match=r"100 \(50 %\) are outside .*background 0\.\.50 or 99, a 200\.\.255"):
        apply(classes, [0, 100])


def test_ignored_values_count_nowhere():
    assert apply({"tumour": 1, "ignore": 2}, [0, 1, 2]) == [0, 1, IGNORED]
    assert apply({"tumour": "instances", "ignore": [255, "90..99"]}, [0, 7, 95, 255]) == [0, 1, IGNORED, IGNORED]


@pytest.mark.parametrize("noise", [2e-7, -9e-4])
def test_values_within_float_noise_of_whole_numbers_are_those(noise):
    values = np.array([0, 1, 2, 64, 191]) + noise
    assert apply({"a": 1, "b": [2, "64..191"]}, values, np.float32) == [0, 1, 2, 2, 2]
    assert apply({"a": 1, "b": [2, "64..191"]}, [*values, 100.5], np.float32) == [0, 1, 2, 2, 2, 2]


def test_a_threshold_takes_numbers_as_they_are():
    assert apply({"a": "0.0005<"}, [0, 0.0004, 0.0006, 0.5], np.float32) == [0, 0, 1, 1]


@pytest.mark.parametrize(
    ("classes", "seen", "values"),
    [
        ({"ncr": 1, "ed": 2, "et": 4}, None, (0, 1, 2, 4)),
        ({"et": 4, "ed": 2, "ncr": 1}, None, (0, 4, 2, 1)),
        ({"cell": [255, 1]}, None, (0, 255)),
        ({"membrane": 0, "background": 255}, None, (255, 0)),
        ({"a": 1, "background": [7, 0]}, None, (0, 1)),
        ({"polyp": "127<"}, [0, 0, 3, 250, 255, 255], (0, 255)),
        ({"polyp": "127<"}, [0, 0], (0, 128)),
        ({"dark": "<128"}, [0, 0, 200, 255, 255], (255, 0)),
        ({"a": "64..191", "b": ["192..255", 9]}, [0, 128, 128, 130, 254, 255, 255], (0, 128, 255)),
        ({"a": [9, "64..191"]}, [0, 128, 128], (0, 9)),
        ({"nucleus": "instances", "border": 255}, [0, 3, 3, 4, 255], (0, 3, 255)),
        ({"probable": "0.5<"}, [0, 0.7, 0.7, 1.0], (0, 1)),
        ({"a": 60, "background": "0..50"}, [3, 3, 60], (0, 60)),
        ({"a": 60, "background": "1..50"}, [3, 3, 4, 60], (3, 60)),
    ],
)
def test_predictions_are_written_with_the_own_values_of_the_data(classes, seen, values):
    label_map = parse_classes(classes)
    labelling = label_map.labelling(ValueCounts.of(np.array(seen)) if seen else None)
    assert labelling.values == values


@given(class_rules(), st.lists(st.integers(0, 300), max_size=30))
def test_what_is_written_is_read_back_as_what_was_predicted(classes, seen):
    label_map = parse_classes(classes)
    labelling = label_map.labelling(ValueCounts.of(np.array(seen)) if seen else None)
    assert len(set(labelling.values)) == len(labelling.values)
    indices = np.arange(len(labelling.values), dtype=np.uint8)
    if 0 in label_map.index(np.arange(-1, 400)):
        assert np.array_equal(label_map.apply(labelling.to_values(indices), "f"), indices)
    else:  # nothing is background
        assert np.array_equal(label_map.apply(labelling.to_values(indices)[1:], "f"), indices[1:])


def test_what_no_class_takes_is_told_where_it_is_more_than_noise():
    label_map = parse_classes({"a": "200..255"})
    around = np.repeat([0, 1, 2, 128, 255], [5000, 30, 20, 900, 4000])
    assert label_map.notes(ValueCounts.of(around)) == [
        "label values 0 (50 %), 128 (9 %) are background, since no class takes them"
    ]
    assert label_map.notes(ValueCounts.of(around[around != 128])) == []


def test_a_label_map_survives_the_way_to_another_process():
    label_map = parse_classes({"a": [1, "5..9"], "b": ">100", "ignore": 4})
    assert pickle.loads(pickle.dumps(label_map)) == label_map


def test_all_faults_of_the_classes_are_reported_together():
    with pytest.raises(InputError) as caught:
        parse_classes({"a": "big", "b": 1.5, "c": 1})
    assert len(caught.value.faults) == 2


def test_background_and_ignore_may_be_written_in_other_letters():
    assert parse_classes({"Background": [0, 3], "a": 1, "IGNORE": 2}) == parse_classes(
        {"background": [0, 3], "a": 1, "ignore": 2}
    )


@pytest.mark.parametrize(("classes", "told"), [({"bg": 0, "a": 1}, "'bg'"), ({"a": [1, 2], "b": [0, 2]}, "'b'")])
def test_a_class_in_place_of_the_background_is_told(classes, told):
    assert any("no label value is background" in note and told in note for note in parse_classes(classes).notes(None))


@pytest.mark.parametrize("classes", [{"a": 0, "background": 255}, {"a": "<100"}, {"a": 1, "ignore": 0}, {"a": 1}])
def test_where_something_is_background_or_nobody_takes_its_value_nothing_is_told_of_it(classes):
    assert parse_classes(classes).notes(None) == []
