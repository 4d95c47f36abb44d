"""What the page of a run is told: every network, exact commands, and no more scores than there is room for."""

from __future__ import annotations

import json
import shlex
from pathlib import Path
from xml.etree import ElementTree as xml

import pytest

from nas.evidence.hypervolume import Box
from nas.evidence.picks import with_key
from nas.records.journal import Journal
from nas.report import drawings, networks
from nas.report.content import Content, content_of
from nas.report.page import safe_json
from nas.report.progress import progress_of
from nas.run import Run
from search_spaces.architecture.architecture import Architecture, slots_of
from search_spaces.errors import InputError
from tests.nas.report.made_up import REASON, made_up_run, network
from tests.nas.trials import trial


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    return made_up_run(tmp_path_factory.mktemp("runs") / "it's a run")


@pytest.fixture(scope="module")
def content(run: Run) -> Content:
    return content_of(run, [run.name])


def test_every_network_is_there_once_with_what_it_scored(run: Run, content: Content) -> None:
    searched, final = run.search_front, run.final_front
    assert final is not None
    expected = {point.architecture.key for front in (searched, final) for point in front.everything}
    assert sorted(one.key for one in content.networks) == sorted(expected)
    by_key = {one.key: one for one in content.networks}
    for name, front in (("search", searched), ("final", final)):
        for point in front.everything:
            score = getattr(by_key[point.architecture.key], name)
            assert score.dice == pytest.approx(point.dice, abs=1e-6)
            assert (score.low is None) == (point.low is None)
            phase = content.phases[name]
            table = iter(score.by_case)
            for case in phase.cases:
                for class_ in phase.classes:
                    values = [made.cases[case][class_] for made in point.completed.values()]
                    known = [value for value in values if value is not None]
                    told = next(table)
                    assert told == (pytest.approx(1000 * sum(known) / len(known), abs=0.51) if known else None)


def test_the_words_of_a_network_can_be_put_together_again(content: Content) -> None:
    vocabulary = content.vocabulary
    for index in (0, 3, 4, 9):
        architecture = network(index)
        (one,) = [one for one in content.networks if one.key == architecture.key]
        placed = [
            f"{vocabulary['slots'][slot]}: {' > '.join(vocabulary['placements'][item]['text'] for item in series)}"
            for slot, *series in one.attention
        ]
        assert " + ".join([vocabulary["heads"][one.head]["text"], *placed]) == str(architecture)


def test_the_command_of_a_network_exports_just_this_one(run: Run, content: Content) -> None:
    told = {one.key: shlex.split(one.export) for one in content.networks if one.export}
    assert told
    for key, command in told.items():
        assert command == ["nas", "export", run.name, "--key", key]
        assert with_key(run.front, key).architecture.key == key


def test_the_config_by_which_another_network_is_trained_is_that_of_the_run(run: Run, content: Content) -> None:
    assert Path(content.config).samefile(run.folder / "config.yaml")


def test_scores_by_case_are_told_of_the_front_first(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(networks, "ROOM", 12 * len(run.search_front.points))
    found = [one.search for one in content_of(run, ["x"]).networks if one.search]
    assert all((score.by_case is not None) == (score.place == "front") for score in found)


def test_failed_trials_are_told_with_their_reason(content: Content) -> None:
    (failure,) = content.failures
    assert (failure.number, failure.reason, content.failed) == (5, REASON, 1)


def test_the_hypervolume_ends_where_the_front_has_it(run: Run) -> None:
    sizes = [made.cost.params for made in run.journal]
    box = Box(min(sizes), max(sizes))
    progress = progress_of(run.journal, run.search_front.steps, (box.low, box.high))
    assert progress is not None
    assert progress.hypervolume == sorted(progress.hypervolume)
    assert progress.hypervolume[-1] == pytest.approx(run.search_front.hypervolume(box.high, box.low), abs=1e-5)


def test_a_drawing_has_a_place_for_all_that_ever_sat_in_a_slot(content: Content) -> None:
    heads = content.vocabulary["heads"]
    assert None not in content.drawings.of_head
    for one in content.networks:
        number = content.drawings.of_head[one.head]
        assert number is not None
        root = xml.fromstring(content.drawings.pictures[number])
        chips = [group.attrib["data-slot"] for group in root.iter() if "data-slot" in group.attrib]
        empty = {mark.attrib["data-empty"] for mark in root.iter() if "data-empty" in mark.attrib}
        for slot, *series in one.attention:
            name = content.vocabulary["slots"][slot]
            mechanisms = {content.vocabulary["placements"][item]["mechanism"] for item in series}
            assert chips.count(name) >= len(mechanisms)
            assert name in empty
        options = tuple(heads[one.head]["options"].items())
        assert set(chips) <= set(slots_of(heads[one.head]["host"], 2, options))


def test_where_hosts_are_many_drawings_are_lent(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(drawings, "MOST", 2)
    found = content_of(run, ["x"]).drawings
    assert len(found.pictures) == 2
    lent = [number for number in found.of_head if number is not None]
    assert len(found.borrowed) == len(lent) - 2 > 0


def test_what_is_not_known_is_left_out_of_the_page(content: Content) -> None:
    told = json.loads(safe_json(content))
    plain = next(one for one in told["networks"] if one.get("plain"))
    assert "gain" not in plain["search"]
    assert "reference" not in plain


def test_a_run_without_a_completed_trial_is_refused(tmp_path: Path) -> None:
    run = made_up_run(tmp_path / "empty")
    path = run.folder / "journal.jsonl"
    path.unlink()
    Journal(path).append(trial(0, None, architecture=Architecture.create("unet", 2)))
    with pytest.raises(InputError, match="run 'empty': no completed trial"):
        content_of(Run(run.folder), ["empty"])
