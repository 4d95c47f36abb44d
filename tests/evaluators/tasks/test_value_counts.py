"""Counting stored values."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from evaluators.tasks.value_counts import ValueCounts, nearly_whole


@given(arrays(st.sampled_from([np.uint8, np.int16, np.int32, np.float32]), (3, 7), elements=st.integers(0, 120)))
def test_counts_are_those_of_every_value(label):
    counts = ValueCounts.of(label)
    assert dict(zip(counts.values.tolist(), counts.counts.tolist(), strict=True)) == {
        value: int((label == value).sum()) for value in set(label.ravel().tolist())
    }


def test_the_counts_of_several_labels_add_up():
    total = ValueCounts.total([ValueCounts.of(np.array([0, 0, 5])), ValueCounts.of(np.array([5, 7]))])
    assert (total.values.tolist(), total.counts.tolist()) == ([0, 5, 7], [2, 2, 1])


def test_a_bool_label_counts_as_0_and_1():
    assert ValueCounts.of(np.array([True, False, True])).values.tolist() == [0, 1]


def test_far_apart_values_are_counted_without_a_table():
    assert ValueCounts.of(np.array([0, 2**40, 2**40])).counts.tolist() == [1, 2]


def test_very_many_values_keep_their_thousandth():
    counts = ValueCounts.of(np.linspace(0, 1, 200_000))
    assert len(counts) == 1001
    assert counts.counts.sum() == 200_000


@pytest.mark.parametrize("values", [[0.0, 0.5], [0.0, np.nan], [0.0, 1.002]])
def test_what_is_not_whole_throughout_stays_as_it_is(values):
    assert nearly_whole(np.array(values)).dtype == float


def test_the_most_frequent_value_is_listed_first():
    counts = ValueCounts.of(np.repeat([0, 255, 3, 4], [6099, 3800, 100, 1]))
    assert counts.listed(10_000) == "0 (61 %), 255 (38 %), 3 (1 %), 4 (0.01 %)"
    assert counts.listed(10_000, limit=2) == "0 (61 %), 255 (38 %), ... (4 values)"
    assert ValueCounts.of(np.zeros(3, int)).listed(10**7) == "0 (under 0.01 %)"
