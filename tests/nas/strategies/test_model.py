"""What sets the model apart from other strategies."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from nas.evidence.front import front_of
from nas.evidence.hypervolume import Box, Steps
from nas.records.trial import Trial
from nas.strategies import STRATEGIES, History
from nas.strategies import model as module
from nas.strategies.budget import Budget
from nas.strategies.model import Model
from nas.surrogate.earlier import Earlier
from nas.surrogate.observations import Observations
from nas.surrogate.recommendation import expected_front
from nas.surrogate.scales import Scales, learn_scales
from nas.testing import made_up
from search_spaces.architecture.architecture import Architecture
from search_spaces.errors import InputError
from search_spaces.space.space_file import load_space

SPACE = load_space(
    {
        "host": "unet",
        "options": {"depth": [2, 3], "width": [4, 8, 12]},
        "slots": ["bottleneck", "skip.*", "decoder.*"],
        "mechanisms": ["se", "eca", "cbam", "scse", "bam", "ema"],
    },
    2,
)
GOOD = {("bottleneck", "se"): 0.02, ("skip.0", "eca"): 0.02, ("decoder.0", "scse"): 0.015, ("skip.1", "bam"): 0.015}


def params_of(architecture: Architecture) -> int:
    return architecture.cost(1, 1, (32, 32)).params


BOX = Box(*sorted(map(params_of, SPACE.plain_networks()))[:: len(SPACE.plain_networks()) - 1])


def worth(architecture: Architecture) -> float:
    """Four pairs of place and mechanism help, all others hurt a little."""
    placed = [(slot, item.mechanism) for slot, series in architecture.attention for item in series]
    gain = sum(GOOD.get(pair, -0.004) for pair in placed)
    return 0.8 + 0.02 * float(np.log(params_of(architecture) / 1e4)) + gain


def search(
    name: str, trials: int, noise: float, seed: int = 0, fails: Callable[[Architecture], bool] | None = None
) -> list[Trial]:
    strategy = STRATEGIES[name](SPACE, Budget(lambda _: True, params_of, BOX), seed)
    rng = np.random.default_rng(seed)
    done: list[Trial] = []
    while len(done) < trials:
        one = strategy.suggest(History(done))
        assert one is not None
        dice = None if fails is not None and fails(one) else worth(one) + rng.normal(0, noise)
        done.append(made_up(len(done), one, dice))
    return done


def found(front: list[Architecture]) -> float:
    return Steps((BOX.place(params_of(one)), worth(one)) for one in front).area()


def test_under_noise_it_finds_more_with_a_third_of_the_trials():
    ours = np.mean([found(expected_front(search("model", 50, 0.012, seed))) for seed in range(2)])
    for name in ("random", "evolution"):
        fronts = [front_of(search(name, 150, 0.012, seed)).points for seed in range(2)]
        assert ours > np.mean([found([point.architecture for point in front]) for front in fronts])


def test_it_begins_with_plain_networks_over_the_range_of_parameters():
    first = [trial.architecture for trial in search("model", 5, 0.01)]
    assert all(architecture.is_plain for architecture in first)
    sizes = sorted(map(params_of, SPACE.plain_networks()))
    assert {sizes[0], sizes[-1]} <= set(map(params_of, first))


def test_what_fails_is_avoided():
    def fails(architecture: Architecture) -> bool:
        return any(item.mechanism == "cbam" for _, series in architecture.attention for item in series)

    done = search("model", 60, 0.01, fails=fails)
    assert sum(trial.dice is None for trial in done[-25:]) <= 3


def test_scales_are_learnt_anew_now_and_then_though_a_network_hardly_trained(monkeypatch):
    learnt: list[int] = []

    def counted(seen: Observations, earlier: Earlier | None = None) -> Scales:
        learnt.append(len(seen))
        return learn_scales(seen, earlier)

    monkeypatch.setattr(module, "learn_scales", counted)
    strategy = Model(SPACE, Budget(lambda _: True, params_of, BOX), 0)
    done: list[Trial] = []
    while len(done) < 30:
        one = strategy.suggest(History(done))
        assert one is not None
        done.append(made_up(len(done), one, 0.05 if len(done) == 6 else worth(one)))
    assert learnt == [5, 7, 9, 12, 15, 19, 24]


def test_many_suggestions_share_a_model_where_much_was_tried(monkeypatch):
    monkeypatch.setattr(module, "EACH", 10)
    monkeypatch.setattr(module, "SHARING", 4)
    made: list[int] = []
    view = Model._view

    def counted(self: Model, *args: object) -> object:
        made.append(1)
        return view(self, *args)  # type: ignore[arg-type]

    monkeypatch.setattr(Model, "_view", counted)
    done = search("model", 40, 0.01)
    assert len({trial.architecture for trial in done}) == 40
    assert 10 < len(made) < 20
    fresh = Model(SPACE, Budget(lambda _: True, params_of, BOX), 0)
    for count in (17, 30, 38):
        assert fresh.suggest(History(done[:count])) == done[count].architecture


def test_a_model_serves_as_many_suggestions_as_may_be_asked_for_before_a_trial_ends(monkeypatch):
    monkeypatch.setattr(module, "EACH", 10)
    done, running = search("model", 10, 0.01), list[Architecture]()
    strategy = Model(SPACE, Budget(lambda _: True, params_of, BOX), 0)
    for _ in range(20):
        suggested = strategy.suggest(History(done, running))
        assert suggested is not None
        running.append(suggested)
    assert len(set(running)) == 20
    assert any(one.attention for one in running[10:])


def test_where_slots_are_fixed_all_but_the_plain_network_has_what_is_fixed():
    space = load_space(
        {
            "host": "unet",
            "options": {"depth": 2, "width": [4, 8]},
            "mechanisms": ["se", "eca"],
            "fixed": {"bottleneck": {"mechanism": "se", "reduction": 2}},
        },
        2,
    )
    strategy = Model(space, lambda _: True, 0)
    done: list[Trial] = []
    for number in range(12):
        one = strategy.suggest(History(done))
        assert one is not None
        assert number == 0 or one in space
        done.append(made_up(number, one, 0.8 + number / 1000))


def test_optimism_below_nothing_is_refused():
    with pytest.raises(InputError, match="optimism"):
        Model(SPACE, lambda _: True, 0, optimism=-1.0)


@pytest.mark.parametrize(
    "closed", [{"slots": []}, {"mechanisms": ["se"], "max_filled": 0}], ids=["none", "none filled"]
)
def test_where_there_is_no_slot_to_fill_the_hosts_are_walked(closed):
    space = load_space({"host": "unet", "options": {"depth": [2, 3], "width": [4, 6, 8, 12]}, **closed}, 2)
    strategy = Model(space, lambda _: True, 0)
    done: list[Trial] = []
    while (one := strategy.suggest(History(done))) is not None:
        done.append(made_up(len(done), one, 0.8))
    assert {trial.architecture for trial in done} == set(space)
