"""Networks with attention held against their plain counterparts: is it the attention, or would as much width do."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from nas.evidence.comparison import Comparison
from nas.evidence.paired import compare_pairs
from nas.evidence.point import FrontPoint
from search_spaces.architecture.architecture import Architecture
from search_spaces.architecture.counterpart import plain_counterpart, plain_unet

DEEPEST = 4  # halvings of a plain U-Net where the plain network of a run does not tell


@dataclass(frozen=True)
class Controlled:
    """A network held against a plain one of equal size, by case and seed.

    Attributes:
        control: the plain one.
        excess: by which share it has more parameters, negative where it has fewer.
        gain: mean paired difference; None where nothing can be paired.
        gain_low, gain_high: its 95% interval over cases and all trainings there might be.
        comparison: the test, corrected for all networks that have such a control.
    """

    control: FrontPoint
    excess: float
    gain: float | None
    gain_low: float | None
    gain_high: float | None
    comparison: Comparison


def held_against(
    points: Sequence[FrontPoint], counterparts: Mapping[Architecture, Architecture]
) -> dict[Architecture, Controlled]:
    """Each of ``points`` whose counterpart is among them too."""
    known = {point.architecture: point for point in points}
    pairs = [
        (point, known[counterparts[point.architecture]])
        for point in points
        if counterparts.get(point.architecture) in known
    ]
    return {
        point.architecture: Controlled(
            control, control.cost.params / point.cost.params - 1, found.gain, found.low, found.high, found.comparison
        )
        for (point, control), found in zip(pairs, compare_pairs(pairs), strict=True)
    }


def counterparts_of(
    networks: Iterable[Architecture], params_of: Callable[[Architecture], int]
) -> dict[Architecture, Architecture]:
    """Of each network with attention its plain counterpart, where its host has one; see ``plain_counterpart``."""
    found = {one: plain_counterpart(one, params_of) for one in networks}
    return {one: other for one, other in found.items() if other is not None}


def unets_of(
    references: Iterable[Architecture], plain: Architecture | None, params_of: Callable[[Architecture], int]
) -> dict[Architecture, Architecture]:
    """Of each reference the plain U-Net of as many parameters, no deeper than ``plain``; see ``plain_unet``.

    A reference that is a plain U-Net has none.
    """
    depth = dict(plain.options).get("depth") if plain else None
    deepest = depth if isinstance(depth, int) else DEEPEST
    others = [one for one in references if not (one.host == "unet" and one.is_plain)]
    return {one: plain_unet(params_of(one), one.dims, deepest, params_of) for one in others}
