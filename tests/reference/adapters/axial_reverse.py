"""Axial attention of CaraNet, with the authors' mistake about the axes mended."""

from __future__ import annotations

from search_spaces.attention.axial_reverse import AxialKernel
from tests.reference.adapter import NotCovered, Subject, adapter, renamed
from tests.reference.case import Case


@adapter("AngeLouCN/CaraNet", "AA_kernel (own corrected axis handling)")
def kernel(case: Case, *, in_channel: int, out_channel: int) -> Subject:
    if in_channel != out_channel:
        raise NotCovered(f"{in_channel} channels in, {out_channel} out: here the shape is kept")
    module = AxialKernel(in_channel, dims=case.dims)
    names = {"point": "conv0.conv", "spread": "conv1.conv"}
    for index, axis in enumerate(("Hattn", "Wattn")):
        names[f"axes.{index}.gamma"] = f"{axis}.gamma"
        for role in ("query", "key", "value"):
            names[f"axes.{index}.{role}"] = f"{axis}.{role}_conv.conv"
    return Subject(module, renamed(names))


@adapter("AngeLouCN/CaraNet", "AA_kernel")
def as_it_is(case: Case, **arguments: object) -> Subject:
    raise NotCovered("not followed: takes the width for the height, as the authors say in their issues 11 and 12")
