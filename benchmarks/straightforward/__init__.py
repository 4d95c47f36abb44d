"""What one would first write: each mechanism as whole-tensor torch code, with the mechanism's own layers and weights.

A form is ``(mechanism, *inputs) -> result`` for the mechanism's default options and those that ``cases`` names. It
computes the same function; ``same_function`` holds it to that before anything is timed. Attention stores the weights
of all pairs it compares, windows are unfolded, branches are stacked: the layout of the papers' own code.
"""

from __future__ import annotations

from collections.abc import Callable

from torch import Tensor

from straightforward import branches, conventional, gates, other, self_similarity

FORMS: dict[str, Callable[..., Tensor]] = {
    **conventional.FORMS,
    **branches.FORMS,
    **self_similarity.FORMS,
    **gates.FORMS,
    **other.FORMS,
}
