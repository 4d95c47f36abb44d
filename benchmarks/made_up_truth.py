"""Made-up truths about a space: what each network would score without noise.

The host's quality grows with its log-parameters. A share of the (slot, mechanism) pairs help, a share hurt, pairs of
them interact, settings change a little, and gains saturate. Everything follows from a seed and a make-up.
"""

from __future__ import annotations

import functools
import hashlib
import math
from dataclasses import dataclass
from statistics import NormalDist

from search_spaces import Architecture

NORMAL = NormalDist()


@dataclass(frozen=True)
class MakeUp:
    """How large is what.

    Attributes:
        help, hurt: shares of the pairs of slot and mechanism that do.
        smallest, largest: effects of one.
        alike: share of the pairs whose effect is the same in all slots.
        cap: of all gains together.
        interacting, interaction: share of the pairs of pairs, and deviation of what they add.
        setting, host: deviations of what settings and host options add.
        size, exponent: what parameters are worth, and how soon.
    """

    help: float = 0.2
    hurt: float = 0.2
    smallest: float = 0.004
    largest: float = 0.02
    alike: float = 0.0
    cap: float = 0.04
    interacting: float = 0.1
    interaction: float = 0.004
    setting: float = 0.001
    host: float = 0.003
    size: float = 0.12
    exponent: float = 1 / 1.6


MAKE_UPS = {
    "usual": MakeUp(),
    "rare": MakeUp(help=0.05, hurt=0.3, smallest=0.01, largest=0.03),
    "common": MakeUp(help=0.45, hurt=0.1, smallest=0.001, largest=0.008),
    "alike": MakeUp(alike=0.7),
    "interacting": MakeUp(interacting=0.4, interaction=0.006),
    "unsaturated": MakeUp(cap=0.3, smallest=0.001, largest=0.006),
    "flat": MakeUp(size=0.03, exponent=1.5, host=0.006),
    "steep": MakeUp(size=0.3, exponent=0.4),
}


class Truth:
    """What every network of one task would score.

    ``like``: seed of another task, of which a share ``shared`` of the effects are the same.
    """

    def __init__(
        self, seed: int, make_up: MakeUp = MAKE_UPS["usual"], like: int | None = None, shared: float = 0.0
    ) -> None:
        self.seed = seed
        self.make_up = make_up
        self._like = Truth(like, make_up) if like is not None else self
        self._shared = shared
        self._effect = functools.cache(self._effect_of)
        self._interaction = functools.cache(self._interaction_of)

    def dice(self, architecture: Architecture) -> float:
        """Without noise."""
        made = self.make_up
        host = Architecture(architecture.host, architecture.dims, architecture.options)
        params = host.cost(1, 1, (32,) * host.dims).params
        quality = 0.87 - made.size * (params / 8000) ** -made.exponent + self._normal(made.host, "host", host.options)
        placed = [(slot, item) for slot, series in architecture.attention for item in series]
        pairs = [(slot, item.mechanism) for slot, item in placed]
        gain = sum(self._effect(*pair) for pair in pairs)
        gain += sum(self._normal(made.setting, slot, str(item)) for slot, item in placed if item.options)
        gain += sum(self._interaction(*sorted((one, two))) for at, one in enumerate(pairs) for two in pairs[:at])
        return quality + made.cap * math.tanh(gain / made.cap)

    def _effect_of(self, slot: str, mechanism: str) -> float:
        made = self.make_up
        if self._uniform("shared", slot, mechanism)[0] < self._shared:
            return self._like._effect(slot, mechanism)
        alike = self._uniform("alike", slot, mechanism)[0] < made.alike
        which, size = self._uniform("effect", *(() if alike else (slot,)), mechanism)
        effect = made.smallest + (made.largest - made.smallest) * size
        return effect if which < made.help else -effect if which < made.help + made.hurt else 0.0

    def _interaction_of(self, one: tuple[str, str], two: tuple[str, str]) -> float:
        made = self.make_up
        which, _ = self._uniform("whether", one, two)
        return self._normal(made.interaction, "interaction", one, two) if which < made.interacting else 0.0

    def _normal(self, deviation: float, *key: object) -> float:
        return deviation * NORMAL.inv_cdf(self._uniform(*key)[0])

    def _uniform(self, *key: object) -> tuple[float, float]:
        """Two numbers between 0 and 1 that follow from the key."""
        digest = hashlib.blake2b(repr((self.seed, key)).encode(), digest_size=16).digest()
        first, second = (int.from_bytes(digest[part : part + 8], "big") for part in (0, 8))
        return (first + 0.5) / 2**64, (second + 0.5) / 2**64
