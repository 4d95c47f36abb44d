from __future__ import annotations

from pathlib import Path

import pytest

from search_spaces.attention import MECHANISMS
from search_spaces.catalogue import FAMILIES, equation, page

PAGE = Path(__file__).parents[2] / "docs" / "mechanisms.md"


def test_the_page_of_mechanisms_is_what_the_registry_says():
    assert PAGE.read_text() == page(), "stale: python -m search_spaces.catalogue > docs/mechanisms.md"


@pytest.mark.parametrize("name", MECHANISMS)
def test_every_mechanism_has_its_row_and_says_what_it_computes(name):
    entry = MECHANISMS[name]
    assert entry.family in FAMILIES
    assert len(equation(entry)) > 20
    assert page().count(f"| `{name}` |") == 1
