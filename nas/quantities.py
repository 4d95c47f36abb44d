"""Counts and durations as people write and read them: ``500k``, ``2M``, ``90min``, ``1 h 02 min``."""

from __future__ import annotations

import re
from decimal import Decimal

from search_spaces.errors import InputError

MAGNITUDES = {"": 0, "k": 3, "m": 6, "g": 9, "b": 9, "t": 12}
MOST_DIGITS = 18  # of a count, more is a slip
COUNT = re.compile(r"([\d_]*\.?\d+(?:e\+?\d+)?)\s*([a-z]?)", re.IGNORECASE)

SECONDS = {"d": 86400, "h": 3600, "m": 60, "s": 1}
DURATION = re.compile(
    r"""(?:(?P<d>[\d.]+)\s*(?:d|days?))?\s*
        (?:(?P<h>[\d.]+)\s*(?:h|hrs?|hours?))?\s*
        (?:(?P<m>[\d.]+)\s*(?:m|mins?|minutes?))?\s*
        (?:(?P<s>[\d.]+)\s*(?:s|secs?|seconds?))?""",
    re.IGNORECASE | re.VERBOSE,
)
BARE_NUMBER = re.compile(r"[\d.]+")


def parse_count(value: str | int | float) -> int:
    """A whole number from ``500k``, ``2M``, ``1.5m``, ``1_000`` or a number; ``InputError`` on anything else."""
    fault = InputError(f"expected a count such as 500000, '500k' or '2M'; got {value!r}")
    match = COUNT.fullmatch(str(value).strip())
    if isinstance(value, bool) or match is None or match[2].lower() not in MAGNITUDES:
        raise fault
    try:
        count = Decimal(match[1]).scaleb(MAGNITUDES[match[2].lower()])
    except ArithmeticError:
        raise fault from None
    if count != count.to_integral_value() or count.adjusted() > MOST_DIGITS:
        raise fault
    return int(count)


def parse_duration(value: str | int | float) -> float:
    """Seconds from ``90min``, ``1h30m``, ``45s``, ``2 h`` or a number of seconds; ``InputError`` on anything else."""
    fault = InputError(f"expected a duration such as '45s', '90min', '1h30m' or a number of seconds; got {value!r}")
    text = str(value).strip()
    match = DURATION.fullmatch(f"{text} s" if BARE_NUMBER.fullmatch(text) else text)
    parts = {unit: amount for unit, amount in match.groupdict().items() if amount} if match else {}
    if isinstance(value, bool) or not parts:
        raise fault
    try:
        return float(sum(float(amount) * SECONDS[unit] for unit, amount in parts.items()))
    except ValueError:
        raise fault from None


def format_count(count: int) -> str:
    """Three digits and a magnitude: ``999``, ``12.3k``, ``1.20M``, ``3.45G``."""
    if count < 1000:
        return str(count)
    value = float(count)
    for suffix in "kMGT":
        value /= 1000
        for places, limit in ((2, 9.995), (1, 99.95), (0, 999.5)):
            if value < limit:
                return f"{value:.{places}f}{suffix}"
    return f"{value:.0f}T"


def format_bytes(count: int) -> str:
    """Three digits and a binary unit: ``512 B``, ``12.3 KiB``, ``1.20 MiB``."""
    if abs(count) < 1000:
        return f"{count} B"
    value = float(count)
    for unit in ("KiB", "MiB", "GiB", "TiB"):
        value /= 1024
        for places, limit in ((2, 9.995), (1, 99.95), (0, 999.5)):
            if abs(value) < limit:
                return f"{value:.{places}f} {unit}"
    return f"{value:.0f} TiB"


def format_duration(seconds: float) -> str:
    """The two largest units: ``12 s``, ``3 min 05 s``, ``1 h 02 min``."""
    whole = round(max(seconds, 0))
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02d} s"
    minutes = round(whole / 60)
    return f"{minutes // 60} h {minutes % 60:02d} min"
