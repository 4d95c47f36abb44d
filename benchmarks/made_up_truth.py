"""Made-up truths about a space: what each network would score without noise.

The host's quality grows with its log-parameters. A share of the (slot, mechanism) pairs help, as many hurt, pairs of
them interact, settings change a little, and gains saturate. Everything follows from a seed.
"""

from __future__ import annotations

import functools
import hashlib
import math
from statistics import NormalDist

from search_spaces import Architecture

NORMAL = NormalDist()
SHARE = 0.2  # of the pairs of slot and mechanism help, and as many hurt
SMALLEST, LARGEST = 0.004, 0.02  # effects of one
CAP = 0.04  # of all gains together
INTERACTING, INTERACTION = 0.1, 0.004  # share of the pairs of pairs, and deviation of what they add
SETTING, HOST = 0.001, 0.003  # deviations of what settings and host options add


class Truth:
    """What every network of one task would score."""

    def __init__(self, seed: int) -> None:
        self.seed = seed
        self._effect = functools.cache(self._effect_of)
        self._interaction = functools.cache(self._interaction_of)

    def dice(self, architecture: Architecture) -> float:
        """Without noise."""
        host = Architecture(architecture.host, architecture.dims, architecture.options)
        params = host.cost(1, 1, (32,) * host.dims).params
        quality = 0.87 - 0.12 * (params / 8000) ** (-1 / 1.6) + self._normal(HOST, "host", host.options)
        placed = [(slot, item) for slot, series in architecture.attention for item in series]
        pairs = [(slot, item.mechanism) for slot, item in placed]
        gain = sum(self._effect(*pair) for pair in pairs)
        gain += sum(self._normal(SETTING, slot, str(item)) for slot, item in placed if item.options)
        gain += sum(self._interaction(*sorted((one, two))) for at, one in enumerate(pairs) for two in pairs[:at])
        return quality + CAP * math.tanh(gain / CAP)

    def _effect_of(self, slot: str, mechanism: str) -> float:
        which, size = self._uniform("effect", slot, mechanism)
        effect = SMALLEST + (LARGEST - SMALLEST) * size
        return effect if which < SHARE else -effect if which < 2 * SHARE else 0.0

    def _interaction_of(self, one: tuple[str, str], two: tuple[str, str]) -> float:
        which, _ = self._uniform("whether", one, two)
        return self._normal(INTERACTION, "interaction", one, two) if which < INTERACTING else 0.0

    def _normal(self, deviation: float, *key: object) -> float:
        return deviation * NORMAL.inv_cdf(self._uniform(*key)[0])

    def _uniform(self, *key: object) -> tuple[float, float]:
        """Two numbers between 0 and 1 that follow from the key."""
        digest = hashlib.blake2b(repr((self.seed, key)).encode(), digest_size=16).digest()
        first, second = (int.from_bytes(digest[part : part + 8], "big") for part in (0, 8))
        return (first + 0.5) / 2**64, (second + 0.5) / 2**64
