"""YAML files of users: what is wrong with one is a line that names it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

from search_spaces.errors import InputError

SAFE = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # that of safe_load, ten times as fast where the library has it


def read_yaml(path: Path, kind: str) -> Any:
    """What the file holds; ``kind`` is what messages call it. Raises ``InputError`` where it is not to be read."""
    try:
        return yaml.load(path.read_text(encoding="utf-8"), Loader=SAFE)
    except FileNotFoundError:
        raise InputError(f"{kind} file '{path}' does not exist") from None
    except OSError as error:
        raise InputError(f"{kind} file '{path}' cannot be read: {error.strerror}") from None
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise InputError(f"{kind} file '{path}' is not YAML: {' '.join(str(error).split())}") from None
