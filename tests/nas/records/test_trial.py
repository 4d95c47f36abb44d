import json
import math
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nas.records.trial import Trial
from search_spaces.errors import InputError
from tests.nas.trials import architecture, trial

scores = st.dictionaries(
    st.text(max_size=5),
    st.dictionaries(st.text(max_size=5), st.none() | st.floats(allow_nan=False, allow_infinity=False), max_size=3),
    max_size=3,
)
finite = st.floats(allow_nan=False, allow_infinity=False)


def reject_constant(name: str) -> None:
    raise AssertionError(f"{name} is not JSON")


@settings(deadline=None)
@given(
    cases=scores,
    distances=scores,
    false_positives=scores,
    dice=finite,
    seconds=finite,
    slot=st.sampled_from([None, "skip.0", "bottleneck"]),
    weights=st.none() | st.text(),
)
def test_a_trial_survives_strict_json(cases, distances, false_positives, dice, seconds, slot, weights):
    tables = {"cases": cases, "distances": distances, "false_positives": false_positives}
    before = trial(3, dice, **tables, seconds=seconds, weights=weights, architecture=architecture(1, slot))
    text = json.dumps(before.to_dict(), allow_nan=False)
    assert Trial.from_dict(json.loads(text, parse_constant=reject_constant)) == before


def test_a_failed_trial_survives_strict_json_and_has_no_score():
    failed = trial(dice=None, error="out of memory")
    assert Trial.from_dict(json.loads(json.dumps(failed.to_dict(), allow_nan=False))) == failed
    assert failed.dice is None
    assert trial(dice=0.25).dice == 0.25


@pytest.mark.parametrize(
    "changes",
    [
        {"metrics": {"dice": math.nan}},
        {"metrics": {"dice": 0.5, "loss": math.inf}},
        {"cases": {"a": {"organ": math.nan}}},
        {"distances": {"a": {"organ": -math.inf}}},
        {"false_positives": {"a": {"organ": math.nan}}},
        {"seconds": math.nan},
        {"metrics": {}},
        {"metrics": {"loss": 1.0}},
        {"status": "failed"},
        {"status": "running"},
        {"phase": "middle"},
    ],
)
def test_a_trial_that_could_not_be_written_or_read_is_never_made(changes):
    with pytest.raises(ValueError, match="trial 7: "):
        replace(trial(7), **changes)


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"metrics": {"dice": "high"}}, "trial 0"),
        ({"metrics": None}, "trial 0"),
        ({"cases": [1]}, "trial 0"),
        ({"cost": {"params": 1}}, "trial 0"),
        ({"status": "running"}, "running"),
        ({"surplus": 1}, "surplus"),
        ({"architecture": {"host": "unet", "dims": 2, "options": {"widht": 4}}}, "widht"),
    ],
)
def test_plain_data_that_is_no_trial_is_an_input_error_that_names_the_fault(change, named):
    with pytest.raises(InputError, match=named):
        Trial.from_dict(trial().to_dict() | change)


def test_a_trial_of_before_there_were_false_positives_has_none():
    data = trial().to_dict()
    del data["false_positives"]
    assert Trial.from_dict(data) == trial()


def test_a_missing_key_and_a_list_are_input_errors():
    data = trial().to_dict()
    del data["seed"]
    with pytest.raises(InputError, match="seed"):
        Trial.from_dict(data)
    with pytest.raises(InputError, match="expected a mapping, got list"):
        Trial.from_dict([])
