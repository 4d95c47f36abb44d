"""What a mechanism is timed beside computes the same: results and all gradients, in 2D and 3D."""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from torch import Tensor

from search_spaces.attention import MECHANISMS

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"


@pytest.fixture(scope="module")
def benchmark() -> Iterator[Any]:
    """A module of ``benchmarks/`` by its name; they import each other as programs do."""
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(BENCHMARKS)
        yield importlib.import_module


def test_every_mechanism_has_a_straightforward_form(benchmark: Any) -> None:
    assert set(benchmark("straightforward").FORMS) == set(MECHANISMS)


@pytest.mark.parametrize("dims", [2, 3])
@pytest.mark.parametrize("name", list(MECHANISMS))
def test_the_form_computes_what_the_mechanism_does(benchmark: Any, name: str, dims: int) -> None:
    check = benchmark("same_function").check_same_function
    for case in benchmark("attention_case").CASES:
        if case.mechanism == name:
            check(case, dims)


def test_a_form_with_other_gradients_before_a_norm_is_refused(benchmark: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    forms = benchmark("straightforward").FORMS
    form = forms["non_local"]

    def cut_off(module: Any, x: Tensor) -> Tensor:
        """Nothing comes back to what the norm is given."""
        hook = module.project.register_forward_hook(lambda layer, given, y: y.detach())
        y = form(module, x)
        hook.remove()
        return y

    monkeypatch.setitem(forms, "non_local", cut_off)
    with pytest.raises(RuntimeError, match=r"^non_local in 2D: the gradient 0 of the straightforward form is off by "):
        benchmark("same_function").check_same_function(benchmark("attention_case").Case("non_local"), 2)
