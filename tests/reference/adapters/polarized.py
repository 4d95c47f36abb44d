"""Polarized self-attention of its authors, in parallel and in sequence, and by the paper's formula."""

from __future__ import annotations

from search_spaces.attention.polarized import PolarizedSelfAttention
from tests.reference.adapter import NotCovered, Subject, adapter, renamed
from tests.reference.case import Case

REPOSITORY = "DeLightCMU/PSA"


@adapter(REPOSITORY, "PSA_p")
def parallel(case: Case, *, inplanes: int, planes: int, kernel_size: int = 1, stride: int = 1) -> Subject:
    return _subject(case, inplanes, planes, kernel_size, stride, "parallel", "after")


@adapter(REPOSITORY, "PSA_p (paper softmax)")
def parallel_of_the_paper(case: Case, *, inplanes: int, planes: int, kernel_size: int = 1, stride: int = 1) -> Subject:
    return _subject(case, inplanes, planes, kernel_size, stride, "parallel", "query")


@adapter(REPOSITORY, "PSA_s")
def sequential(case: Case, *, inplanes: int, planes: int, kernel_size: int = 1, stride: int = 1) -> Subject:
    return _subject(case, inplanes, planes, kernel_size, stride, "sequential", "value")


def _subject(
    case: Case, inplanes: int, planes: int, kernel: int, stride: int, arrangement: str, softmax: str
) -> Subject:
    if inplanes != planes or (kernel, stride) != (1, 1):
        raise NotCovered(f"{inplanes} channels in, {planes} out, kernel {kernel}, stride {stride}: the shape is kept")
    module = PolarizedSelfAttention(inplanes, dims=case.dims, arrangement=arrangement, softmax=softmax, min_width=1)
    names = {"channels.query": "conv_q_right", "channels.value": "conv_v_right", "channels.expand": "conv_up"}
    return Subject(module, renamed({**names, "places.query": "conv_q_left", "places.value": "conv_v_left"}))
