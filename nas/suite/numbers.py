"""Numbers as the pages of a suite write them."""

from __future__ import annotations

from nas.evidence.point import FrontPoint


def dice(point: FrontPoint) -> str:
    """The mean Dice of a network with its interval."""
    return f"{point.dice:.3f}" + ("" if point.low is None else f" ({point.low:.3f} to {point.high:.3f})")


def difference(gain: float | None, low: float | None, high: float | None) -> str:
    """A difference with its interval; empty where there is none."""
    if gain is None:
        return ""
    return f"{gain:+.3f}" + ("" if low is None else f" ({low:+.3f} to {high:+.3f})")


def p_value(p: float | None) -> str:
    """Empty where there is none."""
    return "" if p is None else "< 0.001" if p < 0.001 else f"{p:.3f}"
