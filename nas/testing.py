"""What every search strategy keeps to, as checks for your own: ``check_strategy(MyStrategy)`` in a test.

Each check raises ``AssertionError`` with what was broken. Strategies are tried on small made-up spaces, untrained.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from typing import Any

from nas.records.trial import Trial
from nas.strategies.strategy import Admits, History, Strategy
from search_spaces.architecture.architecture import Architecture
from search_spaces.space.space import Space
from search_spaces.space.space_file import load_space
from search_spaces.space.union import SearchSpace

OPTIONS = {"depth": [2, 3], "width": [4, 8, 12], "block": "plain", "norm": "instance"}
TINY = {"depth": 2, "width": [16, 32], "block": "plain", "norm": "instance"}
SEVERAL = ["unet", "nested"]  # hosts
RULES = {"forbid": [{"depth": 3, "width": [8, 12]}], "require": [{"then": {"bottleneck": "any"}}]}
FIXED = {"fixed": {"bottleneck": {"mechanism": "se", "reduction": 4}}}

Make = Callable[[SearchSpace, Admits, int], Strategy]


def check_strategy(strategy: Callable[..., Strategy], *, trials: int = 24, **settings: Any) -> None:
    """Run every check on a strategy.

    Args:
        strategy: the class, or what makes one of (space, admits, seed).
        trials: how long the searches are that it is tried in.
        settings: further keyword arguments of ``strategy``.
    """

    def make(space: SearchSpace, admits: Admits, seed: int) -> Strategy:
        return strategy(space, admits, seed, **settings)

    for check in (
        check_plain_first,
        check_new_admitted_and_inside,
        check_rules_are_kept,
        check_function_of_history,
        check_running_is_not_repeated,
        check_small_space_is_walked,
        check_failures_are_survived,
        check_several_hosts,
    ):
        check(make, trials)


def check_plain_first(make: Make, trials: int) -> None:
    """The network without attention comes first; where it is not admitted, a plain one that is."""
    space = _space()
    for seed in range(2):
        first = make(space, _everything, seed).suggest(History())
        assert first == space.plain(), f"the plain network comes first; got {first}"
    light = make(space, _is_light, 0).suggest(History())
    assert light is not None, "the first suggestion is a network where one is admitted; got None"
    assert light.is_plain, f"the first suggestion is plain where a plain network is admitted; got {light}"
    assert make(space, lambda _: False, 0).suggest(History()) is None, "None where nothing is admitted"


def check_new_admitted_and_inside(make: Make, trials: int) -> None:
    """Nothing comes twice, nothing that is not admitted, nothing from outside the space."""
    space = _space()
    tried = [trial.architecture for trial in searched(make, space, trials, _is_light)]
    assert len(tried) == trials, f"a large space gives {trials} suggestions; got {len(tried)}"
    assert len(set(tried)) == len(tried), "an architecture is suggested once"
    for architecture in tried:
        assert _is_light(architecture), f"only what is admitted is suggested; got {architecture}"
        assert architecture in space, f"what is suggested lies in the space; got {architecture}"


def check_rules_are_kept(make: Make, trials: int) -> None:
    """What rules refuse is not suggested, nor what lacks a mechanism that is fixed; the plain network may be both."""
    for changes in (RULES, FIXED):
        space = _space(**changes)
        for architecture in _architectures(searched(make, space, trials))[1:]:
            assert architecture in space, f"what is suggested keeps {changes}; got {architecture}"


def check_function_of_history(make: Make, trials: int) -> None:
    """What is suggested follows from seed and history alone, whatever was asked before or ended first."""
    space = _space()
    done = searched(make, space, trials)
    again = searched(make, space, trials)
    assert _architectures(done) == _architectures(again), "one seed gives one search"
    asked = make(space, _everything, 0)
    assert len(done) == trials, f"a large space gives {trials} suggestions; got {len(done)}"
    for count in (trials - 1, min(3, trials - 1), trials // 2, trials - 1):
        fresh = make(space, _everything, 0)
        for ended in (done[:count], done[:count][::-1]):
            expected = done[count].architecture
            assert fresh.suggest(History(ended)) == expected, f"a search that was stopped after {count} trials goes on"
            assert asked.suggest(History(ended)) == expected, "what was asked before changes nothing"


def check_running_is_not_repeated(make: Make, trials: int) -> None:
    """With several workers what is being tried is not suggested again."""
    space = _space()
    done = searched(make, space, trials // 2)
    strategy, running = make(space, _everything, 0), list[Architecture]()
    for _ in range(6):
        suggested = strategy.suggest(History(done, running))
        assert suggested is not None, "a large space has something for every worker; got None"
        assert suggested not in {*running, *_architectures(done)}, f"{suggested} is tried or running"
        running.append(suggested)


def check_small_space_is_walked(make: Make, trials: int) -> None:
    """A small space is tried to its last architecture, and then the strategy is done."""
    slots = {"slots": ["bottleneck", "skip.0"], "mechanisms": {"se": {"reduction": [2, 4]}}}
    space = load_space({"host": "unet", "options": TINY} | slots, 2)
    tried = searched(make, space, 1000)
    assert len(tried) == space.size(), f"all {space.size()} architectures are tried; got {len(tried)}"


def check_failures_are_survived(make: Make, trials: int) -> None:
    """Where every trial failed the search goes on."""
    space = _space()
    failed = [made_up(number, one, None) for number, one in enumerate(_architectures(searched(make, space, 12)))]
    assert make(space, _everything, 0).suggest(History(failed)) is not None, "failed trials end no search"


def check_several_hosts(make: Make, trials: int) -> None:
    """In a space of several hosts each is tried."""
    parts = [{"host": host, "options": {"depth": [2, 3], "width": [4, 8]}, "mechanisms": ["se"]} for host in SEVERAL]
    tried = _architectures(searched(make, load_space({"spaces": parts}, 2), max(trials, 12)))
    missing = set(SEVERAL) - {architecture.host for architecture in tried}
    assert not missing, f"every host is tried; not {', '.join(sorted(missing))}"


def searched(make: Make, space: SearchSpace, most: int, admits: Admits | None = None, seed: int = 0) -> list[Trial]:
    """The trials of a search that runs one at a time, until the strategy is done; every seventh fails."""
    strategy, trials = make(space, admits or _everything, seed), list[Trial]()
    while len(trials) < most:
        suggested = strategy.suggest(History(trials))
        if suggested is None:
            break
        trials.append(made_up(len(trials), suggested, None if len(trials) % 7 == 5 else made_up_dice(suggested)))
    return trials


def made_up(number: int, architecture: Architecture, dice: float | None) -> Trial:
    """A trial with that Dice; failed with None."""
    return Trial(
        number=number,
        phase="search",
        architecture=architecture,
        seed=0,
        steps=1,
        status="failed" if dice is None else "completed",
        cost=architecture.cost(1, 1, (32,) * architecture.dims),
        metrics={} if dice is None else {"dice": dice},
        cases={} if dice is None else {"case": {"organ": dice}},
        distances={},
        seconds=1.0,
        cpu_seconds=1.0,
        error="made up to fail" if dice is None else None,
        weights=None,
        finished="2026-01-01T00:00:00.000+00:00",
    )


def made_up_dice(architecture: Architecture) -> float:
    """Grows with parameters; each slot is worth a little more or less."""
    params = _params(architecture)
    gains = [_share(slot) * 0.06 - 0.03 for slot, _ in architecture.attention]
    return 0.3 + 0.5 * params / (params + 1e4) + sum(gains) / 2


def _share(text: str) -> float:
    """A number from 0 to 1 that follows from the text."""
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=2).digest(), "big") / 2**16


def _space(**changes: object) -> Space:
    space = load_space({"host": "unet", "options": OPTIONS, "mechanisms": ["se", "eca"], **changes}, 2)
    assert isinstance(space, Space)
    return space


def _params(architecture: Architecture) -> int:
    return architecture.cost(1, 1, (32,) * architecture.dims).params


def _everything(architecture: Architecture) -> bool:
    return True


def _is_light(architecture: Architecture) -> bool:
    return _params(architecture) < 40_000


def _architectures(trials: Sequence[Trial]) -> list[Architecture]:
    return [trial.architecture for trial in trials]
