"""The space of one host: what there is to decide, with draws, changes, counts, and samples as nni has them."""

from __future__ import annotations

import functools
from collections.abc import Iterator, Mapping

import numpy as np
from nni.mutable import MutableDict, SampleValidationError

from search_spaces.architecture.architecture import Architecture
from search_spaces.architecture.cost import host_params
from search_spaces.architecture.placement import Options, Placement
from search_spaces.attention.mechanism import Value
from search_spaces.errors import InputError
from search_spaces.space import counting, drawing, variation
from search_spaces.space.decisions import Decisions
from search_spaces.space.frame import Group, Sample, Series
from search_spaces.space.samples import declared, of_sample, sample_from


class Space(Decisions):
    """All architectures of one host that can be made from given choices; see ``Decisions`` for the arguments.

    A sample is a flat mapping from label to value, see ``samples``; ``freeze`` turns it into an ``Architecture``.
    """

    @functools.cached_property
    def mutable(self) -> MutableDict:
        """The choices as nni sees them."""
        return declared(self)

    @functools.cached_property
    def labels(self) -> dict[str, tuple[Value, ...]]:
        """Every label with its values."""
        return {label: tuple(choice.values) for label, choice in self.mutable.simplify().items()}

    # -- samples ------------------------------------------------------------------------------------------

    def freeze(self, sample: Mapping[str, Value]) -> Architecture:
        """The architecture a full sample stands for. Raises ``InputError`` when the sample does not fit."""
        try:
            self.mutable.validate(dict(sample))
        except SampleValidationError as error:
            raise InputError(f"sample does not fit the space: {' '.join(str(error).split())}") from None
        architecture = of_sample(self, sample)
        self.check_rules(architecture)
        return architecture

    def sample_of(self, architecture: Architecture) -> Sample:
        """The full sample that freezes to ``architecture``; labels that play no part take their first value.

        Raises ``InputError`` when the architecture is not in this space, saying what does not fit.
        """
        contents = self.contents(architecture)
        self.check_rules(architecture)
        return self.sample_from(architecture.options, contents)

    def sample_from(self, options: Options, contents: Mapping[str, Series]) -> Sample:
        """The full sample with these options and contents."""
        return sample_from({label: values[0] for label, values in self.labels.items()}, options, contents)

    def __contains__(self, architecture: Architecture) -> bool:
        try:
            self.sample_of(architecture)
        except InputError:
            return False
        return True

    def part_of(self, architecture: Architecture) -> Space:
        """This space: the only one of a host, see ``Union.part_of``."""
        return self

    # -- draws --------------------------------------------------------------------------------------------

    def plain(self) -> Architecture:
        """The host without attention, at its default options or those most like them, see ``drawing.plain``."""
        return drawing.plain(self)

    def plain_networks(self) -> list[Architecture]:
        """The network without attention, with every combination of the host's options."""
        return [Architecture(self.host, self.dims, frame.options) for frame in self.frames()]

    def sample(self, rng: np.random.Generator, sparse: bool = True) -> Architecture:
        """Draw one architecture, see ``drawing.sample``."""
        return drawing.sample(self, rng, sparse)

    def sample_with(self, options: Options, rng: np.random.Generator, empty: float) -> Architecture:
        """Draw one architecture with these options of the host, see ``drawing.sample_with``."""
        return drawing.sample_with(self, options, rng, empty)

    def places(self, mechanism: str, architecture: Architecture) -> list[Group]:
        """The open decisions that offer ``mechanism`` in a network with the options of ``architecture``."""
        groups = self.frame(architecture.options).groups.values()
        return [group for group in groups if mechanism in group.offers]

    def with_one(self, plain: Architecture, group: Group, placement: Placement) -> Architecture:
        """``plain`` with one mechanism in the slots of ``group``."""
        return self.assemble(plain.options, {group.label: (placement,)})

    # -- changes ------------------------------------------------------------------------------------------

    def mutate(self, architecture: Architecture, rng: np.random.Generator) -> Architecture:
        """One random change, see ``variation.mutate``."""
        return variation.mutate(self, architecture, rng)

    def crossover(self, first: Architecture, second: Architecture, rng: np.random.Generator) -> Architecture:
        """Each option and each slot from either parent, see ``variation.crossover``."""
        return variation.crossover(self, first, second, rng)

    def neighbours(self, architecture: Architecture) -> Iterator[Architecture]:
        """Every architecture one change away, see ``variation.neighbours``."""
        return variation.neighbours(self, architecture)

    # -- counting -----------------------------------------------------------------------------------------

    def size(self) -> int:
        """The exact number of different architectures, rules and limits considered."""
        known: counting.Fillings = {}
        return sum(counting.count(frame, self.rules, self.max_filled, known) for frame in self.frames())

    def __iter__(self) -> Iterator[Architecture]:
        """Every architecture once; there are ``size()`` of them."""
        for frame in self.frames():
            for attention in counting.attentions(frame, self.rules, self.max_filled):
                yield Architecture(self.host, self.dims, frame.options, attention)

    def smallest(self, in_channels: int, classes: int) -> tuple[Architecture, int]:
        """The plain network with the fewest parameters, and their number."""
        counted = [
            (host_params(self.host, self.dims, frame.options, in_channels, classes), frame.options)
            for frame in self.frames()
        ]
        params, options = min(counted, key=lambda pair: pair[0])
        return Architecture(self.host, self.dims, options), params
