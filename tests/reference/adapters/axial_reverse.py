"""Axial attention of CaraNet, with the authors' mistake about the axes mended, and as it is."""

from __future__ import annotations

from search_spaces.attention.axial_reverse import AxialKernel
from tests.reference.adapter import Subject, adapter, renamed
from tests.reference.case import Case


@adapter("AngeLouCN/CaraNet", "AA_kernel (own corrected axis handling)")
def mended(case: Case, *, in_channel: int, out_channel: int) -> Subject:
    return _kernel(case, in_channel, out_channel, verbatim=False)


@adapter("AngeLouCN/CaraNet", "AA_kernel")
def as_it_is(case: Case, *, in_channel: int, out_channel: int) -> Subject:
    return _kernel(case, in_channel, out_channel, verbatim=True)


def _kernel(case: Case, channels: int, out_channels: int, *, verbatim: bool) -> Subject:
    module = AxialKernel(out_channels, dims=case.dims, in_channels=channels, verbatim=verbatim)
    return Subject(module, renamed(kernel_names()))


def kernel_names() -> dict[str, str]:
    """Modules of ``AxialKernel`` to those of the reference."""
    names = {"point": "conv0.conv", "spread": "conv1.conv"}
    for index, axis in enumerate(("Hattn", "Wattn")):
        names[f"axes.{index}.gamma"] = f"{axis}.gamma"
        for role in ("query", "key", "value"):
            names[f"axes.{index}.{role}"] = f"{axis}.{role}_conv.conv"
    return names
