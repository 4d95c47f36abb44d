"""Image files: read into arrays that lie in one orientation, and results written as their image lies."""

from evaluators.images.stored import Source, Stored

__all__ = ["Source", "Stored"]
