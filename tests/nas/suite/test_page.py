"""The results of a suite as a page."""

from __future__ import annotations

from types import SimpleNamespace
from typing import cast

from nas.evidence.front import Front, front_of_finals
from nas.records.trial import Trial
from nas.run import Run
from nas.suite.across import Winner
from nas.suite.page import page, verdict
from search_spaces.architecture.architecture import Architecture
from search_spaces.architecture.placement import Placement
from tests.nas.trials import one_class, scored, trial

PLAIN = Architecture.create("unet", 2, {"depth": 2, "width": 4})
CONTROL = Architecture.create("unet", 2, {"depth": 2, "width": 9})
ATTENDED = Architecture.create("unet", 2, {"depth": 2, "width": 8}, {"skip.0": Placement("se")})


def front(gain: float) -> Front:
    """Finals of two seeds, in which attention adds ``gain`` to a plain network of equal size."""
    trials: list[Trial] = [trial(0, 0.5, 1000, architecture=PLAIN), trial(1, 0.5, 2000, architecture=ATTENDED)]
    for number, (one, dice, params) in enumerate(
        ((PLAIN, 0.6, 1000), (CONTROL, 0.7, 2050), (ATTENDED, 0.7 + gain, 2000))
    ):
        for seed in (1, 2):
            cases = one_class([dice + case / 200 + seed / 100 for case in range(8)])
            cost = trial(0, 0.5, params).cost
            trials.append(
                scored(2 * number + seed, cases, architecture=one, seed=seed, phase="final", cost=cost, steps=300)
            )
    found = front_of_finals(trials, {}, {ATTENDED: CONTROL})
    assert found is not None
    return found


def winner(gain: float) -> Winner:
    found = front(gain)
    run = SimpleNamespace(
        name="organs-liver",
        final_front=found,
        final_cases="test cases",
        summary={"trials": 30, "seconds": 600.0},
        config={"seed": 0, "training": {"steps": 100}},
    )
    return Winner("liver", cast(Run, run), found, found.best(), found.within_tolerance(0.01))


def test_attention_that_is_better_than_as_many_parameters_helps():
    told = verdict(winner(0.03))
    assert told.startswith(f"Attention helps: {ATTENDED} is +0.030 (+0.014 to +0.047) better than the plain network")


def test_attention_that_is_not_is_said_not_to_and_what_could_have_been_seen():
    told = verdict(winner(0.0))
    assert told.startswith("No network with attention was shown to be better than a plain one of equal size.")


def test_the_page_holds_the_command_the_run_and_a_line_for_each_network():
    text = page("Results of organs", "nas suite organs.yaml", [winner(0.03)], [])
    assert "`nas suite organs.yaml`" in text
    assert "Run `organs-liver`, seed 0: 30 trials of 100 steps in 10 min" in text
    rows = [line for line in text.splitlines() if line.startswith("|")]
    assert len(rows) == 2 + 3
    assert len({row.count("|") for row in rows}) == 1
    (row,) = [row for row in rows if "se(" in row]
    assert "+0.130" in row
    assert "+0.030 (+0.014 to +0.047)" in row
