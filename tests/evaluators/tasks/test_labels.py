import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from evaluators.tasks.labels import parse_classes
from search_spaces.errors import InputError


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
    with pytest.raises(InputError, match=r"label\.png: label values 3, 7 are outside .*background 0, a 1 or 2, b 255"):
        apply({"a": [1, 2], "b": 255}, [0, 1, 3, 7, 255])
    with pytest.raises(InputError, match=r"label values 255 are outside .*membrane 0 .and 'background' with its own"):
        apply({"membrane": 0}, [0, 255])


def test_many_values_outside_the_map_are_counted():
    with pytest.raises(InputError, match=r"2, 3, 4, 5, 6, 7, \.\.\. \(98 values\)"):
        apply({"a": 1}, list(range(100)))


def test_a_broken_number_is_named_where_whole_ones_are_expected():
    with pytest.raises(InputError, match=r"label values 0\.5 are no whole numbers"):
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
        ({"a": 1, "b": [2, 1]}, r"classes\.b: value 1 already belongs to 'a'"),
        ({"a": 4, "background": [0, 4]}, r"classes\.background: value 4 already belongs to 'a'"),
        ({"a": "instances", "b": "instances"}, r"classes\.b: only one foreground class"),
        ({"a": 1, "background": "instances"}, r"classes\.background: only one foreground class"),
        ({"a": ">100", "b": ">200"}, r"classes\.b: >200 and >100 of 'a' overlap"),
        ({"a": "<100", "b": ">50"}, "overlap"),
        ({"a": ">100", "b": 150}, r"classes\.a: >100 also takes 150 of 'b'"),
        ({f"c{i}": i for i in range(1, 256)}, "at most 254, got 255"),
    ],
)
def test_a_rule_that_makes_no_sense_is_named(classes, message):
    with pytest.raises(InputError, match=message):
        parse_classes(classes)


def test_thresholds_that_meet_do_not_overlap():
    assert apply({"dark": "<128", "bright": ">127"}, [0, 127, 128, 255]) == [1, 1, 2, 2]
    assert apply({"dark": "<100", "bright": ">150"}, [0, 120, 255]) == [1, 0, 2]


def test_all_faults_of_the_classes_are_reported_together():
    with pytest.raises(InputError) as caught:
        parse_classes({"a": "big", "b": 1.5, "c": 1})
    assert len(caught.value.faults) == 2
