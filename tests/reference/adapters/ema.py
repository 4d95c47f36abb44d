"""Expectation-maximisation attention unit of its authors, with and without the gradient through the fitting."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor

from search_spaces.attention.ema import ExpectationMaximisationAttention
from tests.reference.adapter import Subject, adapter, fitted
from tests.reference.case import Case, Tensors


@adapter("XiaLiPKU/EMANet", "EMAU")
def authors(case: Case, *, c: int, k: int, stage_num: int = 3) -> Subject:
    module = ExpectationMaximisationAttention(
        c, dims=case.dims, bases=k, stages=stage_num, full_gradient=_full_gradient(case)
    )
    names = {"bases": "mu", "embed": "conv1", "project": "conv2.0", "norm": "conv2.1"}

    def call(inputs: Tensors) -> Sequence[Tensor]:
        (x,) = inputs.values()
        return module.attend(x)

    return Subject(module, fitted(names, module), call)


def _full_gradient(case: Case) -> bool:
    """Only the patches of a case say that the reference's ``no_grad`` was taken out."""
    return any("no_grad removed" in patch for patch in case.description.get("patches") or ())
