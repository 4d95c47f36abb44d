"""The tool's networks beside references, at equal parameters."""

from __future__ import annotations

from types import SimpleNamespace
from typing import cast

import numpy as np
import pytest

from nas.evidence.front import front_of, front_of_finals
from nas.records.trial import Trial
from nas.run import Run
from nas.suite.across import Winner
from nas.suite.beside import Beside, beside
from nas.suite.beside_page import beside_parts, falls_short
from search_spaces.architecture.architecture import Architecture
from search_spaces.architecture.cost import Cost
from search_spaces.architecture.placement import Placement
from search_spaces.architecture.preset import load_preset
from tests.nas.trials import one_class, scored, trial

PLAIN = Architecture.create("unet", 2, {"width": 4})
PROMISING = Architecture.create("unet", 2, {"width": 6}, {"skip.0": Placement("se")})
LUCKY = Architecture.create("unet", 2, {"width": 6}, {"skip.1": Placement("se")})  # the better one on test cases alone
UNET = Architecture.create("unet", 2, {"width": 7})
SIZES = {PLAIN: 1000, PROMISING: 1800, LUCKY: 1900, UNET: 2010}
VALIDATION = {PLAIN: 0.5, PROMISING: 0.8, LUCKY: 0.6}
RIVAL = load_preset("ege_unet")


def winner(task: str, rival: float | None, params: int = 2000, unet: float = 0.7, dims: int = 2) -> Winner:
    """A task with finals of three seeds, where the network that the search believes in has a Dice of about 0.7."""
    worth = {PLAIN: 0.6, PROMISING: 0.7, LUCKY: 0.78, UNET: unet} | ({} if rival is None else {RIVAL: rival})
    rng = np.random.default_rng(0)
    cases = rng.normal(0, 0.05, 20)
    trials = [trial(n, dice, SIZES[one], architecture=one) for n, (one, dice) in enumerate(VALIDATION.items())]
    finals: list[Trial] = []
    for one, dice in worth.items():
        for seed in (1, 2, 3):
            scores = dice + cases - cases.mean() + rng.normal(0, 0.004, 20)
            cost = Cost(SIZES.get(one, params), 1)
            made = {"architecture": one, "seed": seed, "phase": "final", "cost": cost}
            finals.append(scored(len(finals), one_class(scores.tolist()), **made))
    references = {} if rival is None else {RIVAL: "ege_unet"}
    front = front_of_finals([*trials, *finals], references, {RIVAL: UNET})
    assert front is not None
    run = SimpleNamespace(search_front=front_of(trials), preprocessing=SimpleNamespace(dims=dims))
    return Winner(task, cast(Run, run), front, front.best(), front.best())


def only(won: Winner) -> Beside:
    (found,) = beside([won])
    return found


@pytest.mark.parametrize(
    ("rival", "verdict"), [(0.6, "better"), (0.7, "no difference shown"), (0.8, "worse")], ids=lambda value: str(value)
)
def test_a_verdict_is_that_of_the_interval_and_no_test_case_chooses_the_network(rival: float, verdict: str):
    found = only(winner("liver", rival))
    assert found.own is not None
    assert found.own.architecture == PROMISING
    against = found.over_reference
    assert against is not None
    assert against.verdict == verdict
    assert against.gain == pytest.approx(0.7 - rival, abs=0.005)
    assert against.low is not None
    assert against.high is not None
    assert against.low < 0.7 - rival < against.high
    assert against.detectable == pytest.approx((against.high - against.low) / 2 * (1.96 + 0.8416) / 1.96, rel=1e-3)


def test_the_plain_unet_of_as_many_parameters_stands_beside_it():
    against = only(winner("liver", 0.7, unet=0.6)).over_unet
    assert against is not None
    assert against.other.architecture == UNET
    assert against.verdict == "better"


def test_a_reference_with_fewer_parameters_than_every_finalist_has_nothing_beside_it():
    found = only(winner("liver", 0.7, params=900))
    assert (found.own, found.over_reference, found.over_unet) == (None, None, None)
    assert falls_short([found], lambda one: one.over_reference) == "no network as light on liver, better on none"


def test_wanted_is_worse_on_no_task_and_better_on_one():
    better, same, worse = (only(winner(task, rival)) for task, rival in (("liver", 0.6), ("brain", 0.7), ("lung", 0.8)))
    told = [falls_short(each, lambda one: one.over_reference) for each in ([better, same], [same], [better, worse])]
    assert told == ["", "better on none", "worse on lung"]


def test_the_page_tells_what_holds_what_does_not_and_what_was_not_trained():
    won = [winner("liver", 0.6), winner("lung", 0.8), winner("brain", None, dims=3)]
    text = "\n\n".join(beside_parts(beside(won), won))
    assert "It holds for 0 of 1; not for ege_unet (worse on lung)." in text
    assert "ege_unet was not trained on brain: it exists in 2D only." in text
    assert "### Beside the references: liver" in text
    assert "### Beside the references: brain" not in text
    (row,) = [line for line in text.splitlines() if line.startswith("| ege_unet | ") and "worse on lung" in line]
    assert ": better | " in row
    assert "| not trained | no: worse on lung |" in row
    rows = [line for line in text.splitlines() if line.startswith("|") and "plain U-Net:" in line]
    assert len(rows) == 2
    assert all(" would be | plain U-Net: " in line for line in rows)
    tables = [block.splitlines() for block in text.split("\n\n") if block.startswith("|")]
    assert all(len({line.count("|") for line in lines}) == 1 for lines in tables)


def test_a_suite_without_references_has_no_such_part():
    won = [winner("liver", None)]
    assert beside_parts(beside(won), won) == []
