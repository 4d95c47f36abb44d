"""What an attention mechanism is: a module with a fixed call, and what the registry knows of it."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from search_spaces.errors import InputError, unknown_name
from search_spaces.pricing.parts import Part
from search_spaces.registry import Registry

Value = bool | int | float | str
Effective = Callable[[int, Mapping[str, Any]], Hashable]  # (channels, all settings) to what a value comes to

INPUTS = {
    "feature": "(x)",
    "gated": "(x, gate): gate from the coarser decoder level, other channels and size",
    "guided": "(x, prediction): coarse class logits",
    "pyramid": "(features): all decoder levels, finest first",
    "block": "in-channels to out-channels: replaces a stage's convolution",
}


class Mechanism(Part):
    """Base of every attention mechanism.

    The constructor is ``(channels, *, dims, <options>)``; a gated one also takes ``gate_channels``.
    The output has the shape of the first input, ``(batch, channels, *spatial)``, at any spatial size
    and batch size, in train and eval mode. Every parameter is (re)drawn by ``reset_parameters`` of the
    module that owns it; a mechanism with special initial values (a zero-initialised last norm, say)
    sets them in its own ``reset_parameters``, which runs after its children's.
    """


@dataclass(frozen=True)
class MechanismEntry:
    """What the registry knows of one mechanism.

    Attributes:
        name: registry name, for example ``se``.
        module: the class, a ``Mechanism``.
        family: class of the taxonomy: conventional, multi-scale, self-similarity, other, gate.
        type: type within the family, for example channel, spatial, dual.
        title: full name.
        paper: authors, title.
        year: year of publication.
        address: where the paper or the authors' code is.
        inputs: key of ``INPUTS``: what the forward call takes, hence where it can sit.
        dims: numbers of spatial dimensions it is defined for.
        cost: cost order, n positions and C channels, for example ``O(C n)``.
        choices: hyper-parameter name to the values the space offers.
        defaults: hyper-parameter name to its default, read from the constructor.
        settings: all arguments of the constructor that have a default, with it.
        effective: hyper-parameter name to what its value comes to, see ``comes_to``.
    """

    name: str
    module: type[Mechanism]
    family: str
    type: str
    title: str
    paper: str
    year: int
    address: str
    inputs: str
    dims: tuple[int, ...]
    cost: str
    choices: Mapping[str, tuple[Value, ...]]
    defaults: Mapping[str, Value]
    settings: Mapping[str, Any]
    effective: Mapping[str, Effective]

    def comes_to(self, options: Mapping[str, Value], channels: int, dims: int) -> tuple[Hashable, ...]:
        """What ``options`` come to in a layer of ``channels``: equal for options that make the same module.

        In narrow layers different values do: a squeeze to a fourth and one to an eighth both end at the lower bound.
        """
        settings = {**self.settings, **options, "dims": dims}
        return tuple(
            self.effective[name](channels, settings) if name in self.effective else value
            for name, value in options.items()
        )


MECHANISMS: Registry[MechanismEntry] = Registry("mechanism", "search_spaces.attention")

M = TypeVar("M", bound=type[Mechanism])


def mechanism(
    name: str,
    *,
    family: str,
    type: str,
    title: str,
    paper: str,
    year: int,
    address: str,
    cost: str,
    inputs: str = "feature",
    dims: tuple[int, ...] = (2, 3),
    choices: Mapping[str, tuple[Value, ...]] | None = None,
    effective: Mapping[str, Effective] | None = None,
) -> Callable[[M], M]:
    """Class decorator that registers a mechanism; see ``MechanismEntry`` for the arguments.

    Raises ``ValueError`` when the class and what is said of it do not fit together, so that
    a mistake shows at import and not in the middle of a search.
    """
    choices = dict(choices or {})
    unknown = set(effective or {}) - set(choices)
    if unknown:
        raise ValueError(f"mechanism '{name}': effective values of {', '.join(sorted(unknown))}, which is no choice")
    if inputs not in INPUTS:
        raise ValueError(f"mechanism '{name}': inputs '{inputs}' is none of {', '.join(INPUTS)}")

    def register(module: M) -> M:
        parameters: dict[str, Any] = dict(inspect.signature(module).parameters)
        defaults: dict[str, Value] = {}
        for option, values in choices.items():
            if option not in parameters:
                raise ValueError(f"mechanism '{name}': choice '{option}' is no argument of {module.__name__}")
            defaults[option] = parameters[option].default
            if defaults[option] not in values:
                raise ValueError(f"mechanism '{name}': default {option}={defaults[option]!r} is not among {values}")
        entry = MechanismEntry(
            name,
            module,
            family,
            type,
            title,
            paper,
            year,
            address,
            inputs,
            dims,
            cost,
            choices,
            defaults,
            settings={key: p.default for key, p in parameters.items() if p.default is not inspect.Parameter.empty},
            effective=dict(effective or {}),
        )
        MECHANISMS.add(name, entry)
        return module

    return register


def squeezed(channels: int, settings: Mapping[str, Any]) -> int:
    """The width that a squeeze by ``reduction`` comes to, with ``min_width`` as lower bound: see ``effective``."""
    return max(int(channels // settings["reduction"]), settings["min_width"])


def check_odd(option: str, value: int) -> None:
    """Refuse a kernel side without a middle."""
    if value < 1 or value % 2 == 0:
        raise InputError(f"{option}: expected an odd length, got {value!r}")


def sides_of(option: str, value: int | Sequence[int], dims: int) -> tuple[int, ...]:
    """One length for each of ``dims`` axes, from one for all or one for each."""
    sides = (value,) * dims if isinstance(value, int) else tuple(value)
    if len(sides) != dims or min(sides) < 1:
        raise InputError(f"{option}: expected a length or {dims}, at least 1, got {value!r}")
    return sides


def check_option(option: str, value: object, known: Iterable[object]) -> None:
    """Refuse a ``value`` of the named ``option`` that is not among ``known``, with the nearest that is."""
    known = list(known)
    if value not in known:
        raise InputError(unknown_name(option, value, map(str, known)))
