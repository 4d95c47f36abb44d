"""What one would first write: each mechanism as whole-tensor torch code, with the mechanism's own layers and weights.

A form is ``(mechanism, *inputs) -> result`` for the mechanism's default options and those that ``CASES`` names. It
computes the same function; ``same_function`` holds it to that before anything is timed. Attention stores the weights
of all pairs it compares, windows are unfolded, branches are stacked: the layout of the papers' own code.
"""

from __future__ import annotations

from collections.abc import Callable

from torch import Tensor

from straightforward import (
    branches,
    conventional,
    dual,
    gates,
    other,
    regions,
    self_similarity,
    state_space,
    strips,
    surroundings,
)

FORMS: dict[str, Callable[..., Tensor]] = {
    **conventional.FORMS,
    **dual.FORMS,
    **strips.FORMS,
    **branches.FORMS,
    **self_similarity.FORMS,
    **surroundings.FORMS,
    **regions.FORMS,
    **gates.FORMS,
    **other.FORMS,
    **state_space.FORMS,
}
