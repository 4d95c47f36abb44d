"""The search and its results.

import nas
run = nas.search("runs/examples/hippocampus.yaml")     # or nas.load_run("hippocampus")
run.front.best(), run.trials                           # trials as a pandas DataFrame
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from nas.launch import search
    from nas.run import Run, load_run

__all__ = ["Run", "load_run", "search"]

_HOME = {"search": "nas.launch", "load_run": "nas.run", "Run": "nas.run"}


def __getattr__(name: str) -> Any:
    """Import on first use: the command line's help must not wait for torch and Ray."""
    if name in _HOME:
        return getattr(importlib.import_module(_HOME[name]), name)
    raise AttributeError(f"module 'nas' has no attribute '{name}'")
