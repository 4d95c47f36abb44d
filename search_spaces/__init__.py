"""What can be built: attention mechanisms, host networks with slots for them, and the spaces they span."""

from __future__ import annotations

from typing import TYPE_CHECKING

from search_spaces.lazy import lazy_attributes

if TYPE_CHECKING:
    from search_spaces.architecture.architecture import Architecture
    from search_spaces.architecture.cost import Cost
    from search_spaces.architecture.placement import Placement
    from search_spaces.architecture.preset import load_preset, preset_names
    from search_spaces.attention import MECHANISMS
    from search_spaces.errors import InputError, InputErrors
    from search_spaces.hosts import HOSTS
    from search_spaces.space.space import Space
    from search_spaces.space.space_file import load_space, space_names

__all__ = [
    "HOSTS",
    "MECHANISMS",
    "Architecture",
    "Cost",
    "InputError",
    "InputErrors",
    "Placement",
    "Space",
    "load_preset",
    "load_space",
    "preset_names",
    "space_names",
]

__getattr__ = lazy_attributes(
    __name__,
    {
        "Architecture": "search_spaces.architecture.architecture",
        "Cost": "search_spaces.architecture.cost",
        "HOSTS": "search_spaces.hosts",
        "InputError": "search_spaces.errors",
        "InputErrors": "search_spaces.errors",
        "MECHANISMS": "search_spaces.attention",
        "Placement": "search_spaces.architecture.placement",
        "Space": "search_spaces.space.space",
        "load_preset": "search_spaces.architecture.preset",
        "load_space": "search_spaces.space.space_file",
        "preset_names": "search_spaces.architecture.preset",
        "space_names": "search_spaces.space.space_file",
    },
)
