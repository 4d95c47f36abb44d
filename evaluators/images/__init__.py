"""Image files: read into arrays that lie in one orientation, and results written as their image lies."""

from evaluators.images.dicom import is_series
from evaluators.images.reading import PICTURES, SUFFIXES, file_stem, file_suffix, orientation_of, read
from evaluators.images.stored import Source, Stored
from evaluators.images.writing import RESULT_FORMATS, result_path, write_label

__all__ = [
    "PICTURES",
    "RESULT_FORMATS",
    "SUFFIXES",
    "Source",
    "Stored",
    "file_stem",
    "file_suffix",
    "is_series",
    "orientation_of",
    "read",
    "result_path",
    "write_label",
]
