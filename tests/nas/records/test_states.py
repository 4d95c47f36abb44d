"""States of trials that wait."""

from __future__ import annotations

from pathlib import Path

from nas.records.states import States


def test_a_state_is_kept_replaced_read_and_dropped(tmp_path: Path):
    states = States(tmp_path / "states")
    assert 3 not in states
    states.keep(3, b"first")
    states.keep(3, b"second")
    states.keep(4, b"other")
    assert 3 in states
    assert states.read(3) == b"second"
    states.drop(3)
    states.drop(3)
    assert 3 not in states
    assert 4 in states
    states.drop(4)
    assert not (tmp_path / "states").exists()
