"""What was measured of estimates, and what a config is told of it."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

from nas.config.config import Config
from nas.config.measured import HOLDS, WARNS, Figure, cheapest_that_holds, notes_on, read_figures, write_figures
from nas.config.sections import TrainingSection
from search_spaces.errors import InputError

FIGURE = Figure("grafted", {}, "liver", 25, 100, 24, 3, 0.42, 0.1, 0.6, 0.8, 3.0)


def config(evaluator: object, steps: int = 100) -> Config:
    return Config.model_validate({"evaluator": evaluator, "training": {"steps": steps}, "finals": {"steps": 400}})


def kept(tmp_path: Path, *figures: Figure) -> Path:
    path = tmp_path / "estimates.json"
    write_figures(figures, path)
    return path


def but(**changes: object) -> Figure:
    return dataclasses.replace(FIGURE, **changes)


def test_figures_are_read_back_and_those_of_other_tasks_stay(tmp_path: Path):
    path = kept(tmp_path, FIGURE, but(task="spleen"))
    write_figures([but(tau=0.9)], path)
    assert read_figures(path) == [but(task="spleen"), but(tau=0.9)]


def test_a_file_that_holds_something_else_is_named(tmp_path: Path):
    path = tmp_path / "estimates.json"
    path.write_text('[{"tau": 1}]')
    with pytest.raises(InputError, match=r"figures of estimates '.*' cannot be read"):
        read_figures(path)


def test_the_choice_of_an_estimate_that_ranks_badly_is_told_of(tmp_path: Path):
    (note,) = notes_on(config("grafted"), kept(tmp_path, FIGURE))
    assert note == (
        "evaluator 'grafted': on liver it ranked 24 networks as full training did with a tau of 0.42 (0.10 to 0.60) at "
        "25 of 100 steps; docs/estimation.md has others"
    )


def test_one_that_ranks_well_is_not_told_of(tmp_path: Path):
    assert notes_on(config("grafted"), kept(tmp_path, but(tau=WARNS))) == []


def test_what_was_not_measured_is_told_so(tmp_path: Path):
    path = kept(tmp_path, but(tau=0.9))
    for evaluator in ("narrow", {"name": "grafted", "gate": "learnt"}):
        (note,) = notes_on(config(evaluator), path)
        assert "not measured with these settings" in note


def test_settings_at_their_default_are_none(tmp_path: Path):
    assert notes_on(config({"name": "grafted", "gate": "opening"}), kept(tmp_path, but(tau=0.9))) == []


def test_the_worst_task_counts_and_of_each_the_length_nearest_to_that_of_the_config(tmp_path: Path):
    path = kept(tmp_path, but(tau=0.9), but(steps=2, tau=0.1), but(task="spleen", tau=0.3))
    (note,) = notes_on(config("grafted"), path)
    assert "on spleen" in note
    (note,) = notes_on(config("grafted", steps=10), path)
    assert "on liver" in note
    assert "at 2 of 100 steps" in note


def test_training_is_told_of_only_where_it_was_measured_too_short(tmp_path: Path):
    assert notes_on(config("train"), kept(tmp_path, FIGURE)) == []
    assert len(notes_on(config("train"), kept(tmp_path, but(estimate="train", tau=0.2)))) == 1


def test_nothing_is_said_of_an_evaluator_that_stands_for_itself(tmp_path: Path):
    assert notes_on(config("synthetic"), kept(tmp_path, FIGURE)) == []


def test_the_cheapest_that_holds_is_the_fastest_that_ranks_well_everywhere():
    good = but(tau=HOLDS, speedup=2.0)
    fast = but(estimate="narrow", tau=0.9, speedup=5.0)
    assert cheapest_that_holds([good, fast]) == "narrow at 25 of 100 steps"
    assert (
        cheapest_that_holds([good, fast, but(estimate="narrow", task="spleen", tau=0.5)])
        == "grafted at 25 of 100 steps"
    )
    assert cheapest_that_holds([but(tau=0.9, speedup=0.5)]) is None
    assert cheapest_that_holds([but(estimate="synflow", tau=0.9, speedup=99)]) is None


def test_the_default_is_not_one_that_was_measured_to_rank_badly():
    assert notes_on(Config(training=TrainingSection(steps=100))) == []
