"""What can be built: attention mechanisms, host networks with slots for them, and the spaces they span."""

from search_spaces.architecture import Architecture
from search_spaces.attention import MECHANISMS
from search_spaces.cost import Cost
from search_spaces.errors import InputError, InputErrors
from search_spaces.hosts import HOSTS
from search_spaces.placement import Placement
from search_spaces.space import Space
from search_spaces.space_file import load_space, space_names

__all__ = [
    "HOSTS",
    "MECHANISMS",
    "Architecture",
    "Cost",
    "InputError",
    "InputErrors",
    "Placement",
    "Space",
    "load_space",
    "space_names",
]
