"""Paths as a user reads them."""

from __future__ import annotations

from pathlib import Path


def from_here(path: Path) -> Path:
    """``path`` relative to the working folder where it lies in it, to be read and copied; else as it is."""
    here = Path.cwd()
    return path.relative_to(here) if path.is_absolute() and path.is_relative_to(here) else path
