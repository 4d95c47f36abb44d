"""Formats of a trained network beside the folder's own, one file each; ``FORMATS`` is their registry."""

from nas.exports.formats.format import FORMATS, Format, check_packages, register

__all__ = ["FORMATS", "Format", "check_packages", "register"]
