"""Object context of its authors: the gathering of regions, and the whole."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor, nn

from search_spaces.attention.ocr import ObjectContext, gather_regions
from tests.reference.adapter import NotCovered, Subject, adapter, exact_width, fitted
from tests.reference.case import Case, Tensors

REPOSITORY = "openseg-group/openseg.pytorch"


@adapter(REPOSITORY, "SpatialGather_Module")
def gather(case: Case) -> Subject:
    def call(inputs: Tensors) -> Sequence[Tensor]:
        return [gather_regions(*inputs.values()).unsqueeze(3)]

    return Subject(nn.Identity(), lambda reference: reference, call)


@adapter(REPOSITORY, "SpatialGather_Module + SpatialOCR_Module")
def whole(case: Case, *, C: int, key: int, out: int) -> Subject:
    if case.training:
        raise NotCovered("dropout in train mode")
    regions = case.description["inputs"]["x.logits"][1]
    module = ObjectContext(out, dims=case.dims, prediction_channels=regions, in_channels=C, **exact_width(out, key))
    block = "distribute.object_context_block"
    names = {"join.0": "distribute.conv_bn_dropout.0", "join.1": "distribute.conv_bn_dropout.1.0"}
    for ours, theirs, count in (
        ("query", "f_pixel", 2),
        ("key", "f_object", 2),
        ("value", "f_down", 1),
        ("expand", "f_up", 1),
    ):
        for index in range(count):
            names[f"{ours}.{3 * index}"] = f"{block}.{theirs}.{2 * index}"
            names[f"{ours}.{3 * index + 1}"] = f"{block}.{theirs}.{2 * index + 1}.0"

    def call(inputs: Tensors) -> Sequence[Tensor]:
        return [module(*inputs.values())]

    return Subject(module, fitted(names, module), call)
