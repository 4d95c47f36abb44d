"""What a larger map would take, from what two smaller ones do."""

from __future__ import annotations


def continued(quarter: float, half: float, dims: int) -> float:
    """A quantity at the full size from those at a quarter and half of each side: a line and a square over positions."""
    k = 2**dims
    square = max((half - k * quarter) / (k * k - k), 0.0)
    line = quarter - square
    return line * k**2 + square * k**4
