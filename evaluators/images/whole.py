"""Labels that a program saved as fractions, brought back to the whole numbers that they are."""

from __future__ import annotations

import numpy as np

NOISE = 1e-3  # this near to a whole number is that number


def whole_numbers(label: np.ndarray, step: float = 0.0) -> tuple[np.ndarray, tuple[str, ...]]:
    """``label`` with nearly whole values rounded, and what to say of it; as it is where some are not nearly whole.

    Args:
        label: stored values.
        step: of the scale with which the file stores whole numbers as others. A value off by less than a step is
            what the scale could make of a whole number; it is one where each stored value gives another one.
    """
    if not np.issubdtype(label.dtype, np.floating) or not np.isfinite(label).all():
        return label, ()
    whole = np.rint(label)
    off = float(np.abs(label - whole).max(initial=0))
    if off <= NOISE:
        return whole, ()
    if off < min(step, 0.5) and len(np.unique(label)) == len(np.unique(whole)):
        return whole, (f"label values are rounded to whole numbers; the file stores them in steps of {step:.3g}",)
    return label, ()
