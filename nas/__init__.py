"""The search and its results.

import nas
run = nas.search("runs/examples/hippocampus.yaml")     # or nas.load_run("hippocampus")
run.front.best(), run.trials                           # trials as a pandas DataFrame
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from search_spaces.lazy import lazy_attributes

if TYPE_CHECKING:
    from nas.engine.launch import search
    from nas.run import Run, load_run

__all__ = ["Run", "load_run", "search"]

__getattr__ = lazy_attributes(__name__, {"search": "nas.engine.launch", "load_run": "nas.run", "Run": "nas.run"})
