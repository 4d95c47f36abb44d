"""The mechanisms against the authors' code: the stored cases of ../shared/golden."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.reference.adapter import load_adapters
from tests.reference.case import find_cases, load_case
from tests.reference.comparison import run_case

GOLDEN = Path(__file__).parents[4] / "shared" / "golden"
COVERED = [path for path in find_cases(GOLDEN) if load_case(path).key in load_adapters()]

pytestmark = pytest.mark.skipif(not GOLDEN.is_dir(), reason="../shared is absent")


@pytest.mark.parametrize("path", COVERED, ids=[path.stem for path in COVERED])
def test_the_mechanism_gives_what_its_reference_gave(path: Path) -> None:
    result = run_case(load_case(path))
    assert result.verdict == "pass", str(result)


def test_every_adapter_is_confirmed_by_a_stored_case_or_named_here() -> None:
    by_hand = {  # confirmed on cases made by hand from the reference's code; no stored case has them
        ("huggingface/pytorch-image-models", "CecaModule"),
        ("open-mmlab/mmcv", "NonLocal3d"),
        ("HiLab-git/CA-Net", "GridAttentionBlock2D"),
        ("HiLab-git/CA-Net", "GridAttentionBlock3D"),
    }
    assert set(load_adapters()) - {load_case(path).key for path in COVERED} == by_hand
