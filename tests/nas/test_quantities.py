import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nas.quantities import format_bytes, format_count, format_duration, parse_count, parse_duration
from search_spaces.errors import InputError


@pytest.mark.parametrize(
    ("value", "count"),
    [
        ("500k", 500_000),
        ("500K", 500_000),
        ("2M", 2_000_000),
        ("1.5m", 1_500_000),
        (" 12 k ", 12_000),
        (500_000, 500_000),
        (5e5, 500_000),
        ("1_000", 1000),
        ("2e6", 2_000_000),
        ("0.3k", 300),
        (".5k", 500),
        ("1.1G", 1_100_000_000),
        (0, 0),
    ],
)
def test_counts_as_people_write_them(value, count):
    parsed = parse_count(value)
    assert parsed == count
    assert type(parsed) is int


@pytest.mark.parametrize(
    "value",
    ["", "k", "12q", "-5", -5, "1.5", "1.2345k", 0.5, True, None, "1k2", "nan", math.inf, "1e999999999", "1e19"],
)
def test_what_is_no_count_is_an_error_that_shows_the_forms(value):
    with pytest.raises(InputError, match="'500k'") as caught:
        parse_count(value)
    assert repr(value) in str(caught.value)


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("90min", 5400),
        ("1h30m", 5400),
        ("1 h 30 min", 5400),
        ("45s", 45),
        ("2 h", 7200),
        ("1.5 hours", 5400),
        ("2d", 172_800),
        ("1H", 3600),
        ("3 min 05 s", 185),
        (90, 90),
        ("90", 90),
        (0.5, 0.5),
    ],
)
def test_durations_as_people_write_them(value, seconds):
    parsed = parse_duration(value)
    assert parsed == seconds
    assert type(parsed) is float


@pytest.mark.parametrize(
    "value", ["", " ", "h", "1h30", "30m1h", "5 parsecs", "-5s", -5, True, None, "1..5h", "nan", math.nan, math.inf]
)
def test_what_is_no_duration_is_an_error_that_shows_the_forms(value):
    with pytest.raises(InputError, match="'1h30m'") as caught:
        parse_duration(value)
    assert repr(value) in str(caught.value)


@pytest.mark.parametrize(
    ("count", "text"),
    [
        (0, "0"),
        (999, "999"),
        (1000, "1.00k"),
        (12_345, "12.3k"),
        (99_949, "99.9k"),
        (99_950, "100k"),
        (999_499, "999k"),
        (999_500, "1.00M"),
        (1_200_000, "1.20M"),
        (3_450_000_000, "3.45G"),
        (5 * 10**15, "5000T"),
    ],
)
def test_counts_have_three_digits_and_a_magnitude(count, text):
    assert format_count(count) == text


@settings(deadline=None)
@given(st.integers(0, 10**15))
def test_a_formatted_count_reads_back_to_half_a_percent(count):
    assert parse_count(format_count(count)) == pytest.approx(count, rel=0.0051)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (-0.2, "0 s"),
        (12, "12 s"),
        (59.4, "59 s"),
        (59.6, "1 min 00 s"),
        (185, "3 min 05 s"),
        (3599.6, "1 h 00 min"),
        (3720, "1 h 02 min"),
        (7199, "2 h 00 min"),
        (93_900, "26 h 05 min"),
    ],
)
def test_durations_have_their_two_largest_units(seconds, text):
    assert format_duration(seconds) == text


@settings(deadline=None)
@given(st.floats(0, 1e7))
def test_a_formatted_duration_reads_back_to_its_last_unit(seconds):
    unit = 1 if seconds < 3599 else 60
    assert parse_duration(format_duration(seconds)) == pytest.approx(seconds, abs=unit / 2 + 0.51)


@pytest.mark.parametrize(
    ("count", "text"),
    [
        (0, "0 B"),
        (999, "999 B"),
        (1024, "1.00 KiB"),
        (12_595, "12.3 KiB"),
        (999 * 1024, "999 KiB"),
        (1024**2 - 1, "1.00 MiB"),
        (-3 * 1024**3, "-3.00 GiB"),
        (5 * 1024**5, "5120 TiB"),
    ],
)
def test_bytes_are_written_with_three_digits(count, text):
    assert format_bytes(count) == text
