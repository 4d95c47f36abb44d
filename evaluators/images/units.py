"""Lengths as image files name their units, in mm."""

from __future__ import annotations

_MM = {
    "nm": 1e-6,
    "um": 1e-3,
    "mm": 1.0,
    "cm": 10.0,
    "m": 1e3,
    "inch": 25.4,
}
_SAME = {
    "nm": ("nanometer", "nanometre"),
    "um": ("µm", "μm", "\\u00b5m", "micron", "micrometer", "micrometre"),
    "mm": ("millimeter", "millimetre"),
    "cm": ("centimeter", "centimetre"),
    "m": ("meter", "metre"),
    "inch": ("in", '"'),
}
_NAMES = {name: unit for unit, names in _SAME.items() for name in (unit, *names)}


def in_mm(unit: str) -> float | None:
    """How many mm one ``unit`` is; None for what is no length, such as pixels."""
    name = unit.strip().lower()
    known = _NAMES.get(name) or _NAMES.get(name.removesuffix("s"))
    return _MM[known] if known else None
