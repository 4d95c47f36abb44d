"""How every benchmark ends: one line of JSON, printed and, where asked for, written to a file."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from evaluators.files import write_text


def finish(result: Mapping[str, Any], out: Path | None) -> None:
    """Print ``result`` as the last line; with ``out``, write it there too."""
    line = json.dumps(result)
    if out:
        write_text(out, line + "\n")
    print(line)
