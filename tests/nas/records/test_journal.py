import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nas.records.journal import Journal
from search_spaces.errors import InputError
from tests.nas.trials import architecture, trial

ROOT = Path(__file__).parents[3]

ENDLESS_WRITER = """
import sys
from nas.records.journal import Journal
from tests.nas.trials import one_class, trial
journal = Journal(sys.argv[1])
for number in range(10**9):
    journal.append(trial(number, cases=one_class([0.5] * 2000)))
    print(number, flush=True)
"""


@pytest.fixture
def journal(tmp_path):
    return Journal(tmp_path / "journal.jsonl")


def test_what_is_appended_is_read_back_in_order(journal):
    trials = [trial(0), trial(1, dice=None), trial(0, phase="final"), trial(2)]
    assert journal.read() == []
    for number, item in enumerate(trials, start=1):
        journal.append(item)
        assert journal.read() == trials[:number]
    assert Journal(journal.path).read() == trials


def test_each_trial_is_one_line_of_strict_json(journal):
    journal.append(trial(0, cases={"line\nbreak": {"é": None}}))
    journal.append(trial(1, dice=None, error="two\nlines"))
    lines = journal.path.read_text().split("\n")
    assert len(lines) == 3
    assert [json.loads(line)["number"] for line in lines[:2]] == [0, 1]


@settings(deadline=None)
@given(cut=st.integers(1, 10_000))
def test_a_torn_last_line_is_passed_over_and_cut_off_before_the_next_append(tmp_path_factory, cut):
    journal = Journal(tmp_path_factory.mktemp("run") / "journal.jsonl")
    journal.append(trial(0))
    whole = journal.path.stat().st_size
    journal.append(trial(1))
    torn = max(whole, journal.path.stat().st_size - cut)
    os.truncate(journal.path, torn)
    assert journal.read() == [trial(0)]
    assert journal.path.stat().st_size == torn  # reading changes nothing
    journal.append(trial(2))
    assert journal.read() == [trial(0), trial(2)]


def test_a_first_line_that_was_torn_leaves_an_empty_journal(journal):
    journal.path.write_bytes(b'{"number": 0, "pha')
    assert journal.read() == []
    journal.append(trial(0))
    assert journal.read() == [trial(0)]


@pytest.mark.parametrize("line", ["{", "", "[]", '{"number": 1}', "null", "\x00\x00"])
def test_a_corrupt_line_is_an_error_that_names_file_and_line(journal, line):
    journal.append(trial(0))
    with journal.path.open("a") as file:
        file.write(line + "\n")
    journal.append(trial(1))
    with pytest.raises(InputError, match=r"journal\.jsonl', line 2: ") as caught:
        journal.read()
    assert "\n" not in str(caught.value)


def test_bytes_that_are_no_text_are_an_error_that_names_file_and_line(journal):
    journal.path.write_bytes(b'"\xff\xfe"\n')
    with pytest.raises(InputError, match=r"journal\.jsonl', line 1: "):
        journal.read()


def test_a_not_a_number_written_by_hand_is_an_error(journal):
    journal.append(trial(0))
    journal.path.write_text(journal.path.read_text().replace('"dice": 0.5', '"dice": NaN'))
    with pytest.raises(InputError, match="line 1: trial 0: 'dice' is a finite number"):
        journal.read()


def test_a_number_twice_within_a_phase_is_an_error_that_names_both_lines(journal):
    for number, phase in ((0, "search"), (0, "final"), (0, "search")):
        journal.append(trial(number, phase=phase))
    with pytest.raises(InputError, match="line 3: search trial 0 is on line 1 already"):
        journal.read()


def test_a_trial_that_went_on_is_read_once_with_all_it_came_to(journal):
    early = trial(0, 0.4, steps=25, curve=((25, 0.4),))
    late = trial(0, 0.6, steps=100, curve=((25, 0.4), (100, 0.6)))
    for one in (early, trial(1), late):
        journal.append(one)
    assert journal.read() == [late, trial(1)]


@pytest.mark.parametrize("change", [{"seed": 5}, {"steps": 25}, {"architecture": architecture(7)}])
def test_a_number_twice_is_an_error_where_it_is_not_the_same_trial_worked_on(journal, change):
    journal.append(trial(0, 0.4, steps=50))
    journal.append(trial(0, 0.6, **{"steps": 100} | change))
    with pytest.raises(InputError, match="line 2: search trial 0 is on line 1 already"):
        journal.read()


def test_a_trial_that_failed_after_a_score_has_failed(journal):
    journal.append(trial(0, 0.4, steps=25, curve=((25, 0.4),)))
    journal.append(trial(0, None, steps=100, curve=((25, 0.4),)))
    assert [one.status for one in journal.read()] == ["failed"]


def test_a_killed_writer_loses_nothing_that_append_had_returned_for(journal):
    writer = subprocess.Popen(
        [sys.executable, "-c", ENDLESS_WRITER, str(journal.path)], cwd=ROOT, stdout=subprocess.PIPE, text=True
    )
    assert writer.stdout is not None
    for _ in range(5):
        reported = int(writer.stdout.readline())
    writer.send_signal(signal.SIGKILL)
    rest = writer.stdout.read().split()
    writer.wait()
    reported = int(rest[-1]) if rest else reported
    numbers = [item.number for item in journal.read()]
    assert numbers == list(range(len(numbers)))
    assert len(numbers) in (reported + 1, reported + 2)  # the one in flight may have come through
    journal.append(trial(len(numbers)))
    assert len(journal.read()) == len(numbers) + 1
