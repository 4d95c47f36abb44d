"""SimAM of its authors."""

from __future__ import annotations

from search_spaces.attention.simam import SimpleAttention
from tests.reference.adapter import Subject, adapter, renamed
from tests.reference.case import Case


@adapter("ZjjConan/SimAM", "simam_module")
def authors(case: Case, *, channels: int | None = None, e_lambda: float = 1e-4) -> Subject:
    return Subject(SimpleAttention(case.shape[1], dims=case.dims, regularisation=e_lambda), renamed({}))
