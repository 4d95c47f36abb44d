"""Each mechanism's equation as loops over positions and channels, by family, with the options to try it with."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias

from tests.search_spaces.attention.equations import (
    branches,
    conventional,
    gates,
    other,
    recent,
    recent_blocks,
    recent_similarity,
    self_similarity,
)

Equations: TypeAlias = "dict[str, tuple[Callable[..., Any], list[dict[str, Any]]]]"

EQUATIONS: Equations = {
    **conventional.EQUATIONS,
    **branches.EQUATIONS,
    **self_similarity.EQUATIONS,
    **gates.EQUATIONS,
    **other.EQUATIONS,
    **recent.EQUATIONS,
    **recent_blocks.EQUATIONS,
    **recent_similarity.EQUATIONS,
}
