"""Libraries that only some file formats need."""

from __future__ import annotations

import importlib
from typing import Any

from search_spaces.errors import InputError


def needed(library: str, file: object) -> Any:
    """The module ``library``, which ``file`` needs; raises ``InputError`` naming the extra where it is missing."""
    try:
        return importlib.import_module(library)
    except ImportError as error:
        raise InputError(f"{file}: needs {library}; install it with pip install 'attention-nas[formats]'") from error
