"""How often each stored value occurs in labels, and how that is told."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

TOLERANCE = 1e-3  # a value this close to a whole number is one: programs that resample leave such noise
NOISE_REACH = 1 / 8  # of the span of all values: as far as compression moves a value
NOISE_SHARE = 2e-3  # of all voxels: fewer than these, close to a value that is common, are noise
_MOST_KEPT = 1 << 16
_CHUNK = 1 << 22


@dataclass(frozen=True, eq=False)
class ValueCounts:
    """Distinct stored values in ascending order, and the number of voxels of each.

    Values that are all nearly whole are whole. Of more than 65536 distinct ones the thousandth is kept.
    """

    values: np.ndarray
    counts: np.ndarray

    @classmethod
    def of(cls, label: np.ndarray) -> ValueCounts:
        label = nearly_whole(label.view(np.uint8) if label.dtype == bool else label)
        if np.issubdtype(label.dtype, np.integer):
            low, high = int(label.min()), int(label.max())
            if high - low < _MOST_KEPT:
                counts = _histogram(label, low, high)
                return cls(np.flatnonzero(counts) + low, counts[counts > 0])
        values, counts = np.unique(label, return_counts=True)
        return cls(values, counts) if len(values) <= _MOST_KEPT else cls._added(np.round(values, 3), counts)

    @classmethod
    def total(cls, parts: Iterable[ValueCounts]) -> ValueCounts:
        """Of several labels together."""
        every = list(parts)
        return cls._added(np.concatenate([p.values for p in every]), np.concatenate([p.counts for p in every]))

    @classmethod
    def _added(cls, values: np.ndarray, counts: np.ndarray) -> ValueCounts:
        distinct, place = np.unique(values, return_inverse=True)
        return cls(distinct, np.bincount(place.ravel(), weights=counts, minlength=len(distinct)).astype(np.int64))

    def __len__(self) -> int:
        return len(self.values)

    @property
    def finite(self) -> bool:
        return bool(np.isfinite(self.values).all())

    @property
    def whole(self) -> bool:
        return bool((self.values == np.rint(self.values)).all())

    def where(self, chosen: np.ndarray) -> ValueCounts:
        """Those for which ``chosen``, one bool for each value, is true."""
        return ValueCounts(self.values[chosen], self.counts[chosen])

    def common(self) -> list[float]:
        """The values, the most frequent first; of equally frequent ones the smaller."""
        return [self.values[place].item() for place in np.argsort(-self.counts, kind="stable")]

    def real(self, noisy: bool) -> list[float]:
        """The values that stand for something, ascending; the rest is what compression left around them.

        ``noisy``: that there is such a rest, as in JPEG; else only a value with very few voxels close to a common one
        is taken for it.
        """
        reach = NOISE_REACH * float(self.values[-1] - self.values[0])
        shares = dict(zip(self.values.tolist(), (self.counts / self.counts.sum()).tolist(), strict=True))
        kept: list[float] = []
        for value in self.common():
            close = any(abs(value - other) <= reach for other in kept)
            few = shares[value] < NOISE_SHARE
            if not (close or few if noisy else close and few):
                kept.append(value)
        return sorted(kept)

    def listed(self, total: int, limit: int = 6) -> str:
        """``0 (61 %), 255 (38 %), 3 (0.1 %), ... (217 values)``: the most frequent first, as shares of ``total``."""
        order = np.argsort(-self.counts, kind="stable")[:limit]
        shown = [f"{self.values[place]:g} ({_percent(self.counts[place] / total)})" for place in order]
        more = f", ... ({len(self)} values)" if len(self) > limit else ""
        return ", ".join(shown) + more


def nearly_whole(label: np.ndarray) -> np.ndarray:
    """Whole numbers where every value is one up to ``TOLERANCE``, else ``label`` as it is."""
    if np.issubdtype(label.dtype, np.integer) or not np.isfinite(label).all():
        return label
    whole = np.rint(label)
    if np.abs(whole - label).max(initial=0) > TOLERANCE or np.abs(whole).max(initial=0) >= 2**31:
        return label
    return whole.astype(np.int64)


def _histogram(label: np.ndarray, low: int, high: int) -> np.ndarray:
    """Voxels of each value from ``low`` to ``high``; in pieces, since ``bincount`` makes eight bytes of every voxel."""
    flat = label.ravel()
    counts = np.zeros(high - low + 1, np.int64)
    for start in range(0, flat.size, _CHUNK):
        counts += np.bincount(flat[start : start + _CHUNK].astype(np.int64) - low, minlength=high - low + 1)
    return counts


def _percent(share: float) -> str:
    percent = 100 * share
    if percent < 0.01:
        return "under 0.01 %"
    return f"{percent:.0f} %" if percent >= 10 else f"{percent:.2g} %"
