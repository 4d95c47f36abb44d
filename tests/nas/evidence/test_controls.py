"""Networks with attention against plain ones of equal size."""

from __future__ import annotations

import numpy as np
import pytest

from nas.cli.app import console
from nas.cli.tables import equal_size, front_table
from nas.evidence.controls import counterparts_of
from nas.evidence.front import Front, front_of_finals
from nas.evidence.plain_data import front_to_list
from nas.records.trial import Trial
from search_spaces.architecture.cost import Cost
from tests.nas.trials import architecture, one_class, scored, trial

PLAIN, ATTENDED, CONTROL = architecture(0), architecture(1, "skip.0"), architecture(2)
COUNTERPARTS = {ATTENDED: CONTROL}
SIZES = {PLAIN: 1000, ATTENDED: 2000, CONTROL: 2100}


def run(control: float = 0.72, gains: tuple[float, ...] = (0.03, 0.03), seeds: int = 2) -> list[Trial]:
    """A search of the plain network and one with attention, and finals of both and of a control."""
    cases = np.random.default_rng(0).uniform(-0.2, 0.2, 20)
    cases -= cases.mean()
    searched = [trial(0, 0.7, 1000, architecture=PLAIN), trial(1, 0.75, 2000, architecture=ATTENDED)]
    finals = []
    for seed in range(seeds):
        worth = {PLAIN: 0.7, CONTROL: control + 0.01 * seed, ATTENDED: control + 0.01 * seed + gains[seed]}
        for one, value in worth.items():
            made = {"phase": "final", "architecture": one, "seed": seed, "cost": Cost(SIZES[one], 1)}
            finals.append(scored(len(finals), one_class((value + cases).tolist()), **made))
    return [*searched, *finals]


def front(trials: list[Trial]) -> Front:
    found = front_of_finals(trials, {}, COUNTERPARTS)
    assert found is not None
    return found


def test_a_gain_over_the_control_is_paired_by_case_and_seed():
    one = front(run()).controlled[ATTENDED]
    assert one.control.architecture == CONTROL
    assert one.excess == pytest.approx(0.05)
    assert one.gain == pytest.approx(0.03)
    assert one.gain_low is not None
    assert one.gain_high is not None
    assert 0 < one.gain_low < 0.025 < 0.035 < one.gain_high  # two trainings that agree are not all there might be
    assert one.comparison.p is not None
    assert one.comparison.p < 0.01
    assert front(run()).comparisons[ATTENDED].p is not None


def test_a_gain_over_the_plain_network_may_be_none_over_as_many_parameters():
    found = front(run(gains=(0.0, 0.0)))
    (point,) = [point for point in found.compared if point.architecture == ATTENDED]
    assert point.gain == pytest.approx(0.025)
    assert found.controlled[ATTENDED].gain == pytest.approx(0)
    assert found.controlled[ATTENDED].comparison.p == 1


def test_only_seeds_that_both_were_trained_with_are_paired():
    trials = [one for one in run(gains=(0.03, 0.5)) if (one.architecture, one.seed, one.phase) != (CONTROL, 1, "final")]
    assert front(trials).controlled[ATTENDED].gain == pytest.approx(0.03)


def test_a_control_is_marked_takes_part_in_the_front_and_is_no_candidate_of_the_tests():
    found = front(run(control=0.9, gains=(-0.25, -0.25)))
    assert [(point.architecture, point.is_control) for point in found.points] == [(PLAIN, False), (CONTROL, True)]
    assert [point.architecture for point in found.dominated] == [ATTENDED]
    assert found.controls == [found.points[1]]
    assert set(found.comparisons) == {ATTENDED}
    assert set(found.chances) == {PLAIN, ATTENDED, CONTROL}


def test_a_control_that_the_search_tried_is_a_point_as_any_other():
    found = front([trial(2, 0.7, 2100, architecture=CONTROL), *run()])
    assert found.controls == []
    assert found.controlled[ATTENDED].control.architecture == CONTROL


def test_controls_alone_make_no_front():
    trials = [one for one in run() if one.phase == "search" or one.architecture == CONTROL]
    assert front_of_finals(trials, {}, COUNTERPARTS) is None


def test_where_no_control_was_trained_nothing_is_told():
    trials = [one for one in run() if one.architecture != CONTROL]
    assert front(trials).controlled == {}
    assert equal_size(front(trials)) == []
    assert all(point["equal_size"] is None for point in front_to_list(front(trials)))


def test_both_gains_are_plain_data():
    points = {point["params"]: point for point in front_to_list(front(run()))}
    assert points[2000]["gain"] == pytest.approx(0.055)
    assert points[2000]["equal_size"]["gain"] == pytest.approx(0.03)
    assert points[2000]["equal_size"]["control"] == CONTROL.key
    assert [points[size]["control"] for size in (1000, 2000, 2100)] == [False, False, True]
    assert points[1000]["on_front_probability"] == 1


def test_the_terminal_tells_what_is_a_control_and_what_attention_gains_over_it(monkeypatch):
    monkeypatch.setattr(console, "width", 160)
    with console.capture() as captured:
        console.print(front_table(front(run()), everything=True), *equal_size(front(run())))
    shown = captured.get()
    assert "control: unet" in shown
    assert "on front" in shown
    assert "+5.0%" in shown
    assert "+0.030 (+0.011 to +0.050)" in shown


def test_a_narrow_terminal_has_room_for_the_gain_over_the_control(monkeypatch):
    monkeypatch.setattr(console, "width", 80)
    with console.capture() as captured:
        console.print(*equal_size(front(run())))
    assert "+0.030 (+0.011 to +0.050)" in captured.get()


def test_networks_with_attention_alone_have_counterparts():
    def params_of(one):
        return one.cost(1, 1, (32, 32)).params

    found = counterparts_of([PLAIN, ATTENDED], params_of)
    assert list(found) == [ATTENDED]
    assert found[ATTENDED].is_plain
