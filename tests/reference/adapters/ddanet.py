"""DDANet's residual block and one stage of its two decoders."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from torch import Tensor, nn

from search_spaces.hosts.dual_decoder import Cross, DecoderStage
from search_spaces.stages.squeezed_residual import SqueezedResidual
from tests.reference.adapter import NotCovered, Subject, adapter, renamed
from tests.reference.case import Case, Tensors

REPOSITORY = "nikhilroxtomar/DDANet"
CONVOLUTIONS = {"first": "1", "second": "2", "shortcut": "3"}


@adapter(REPOSITORY, "ResidualBlock")
def block(case: Case, *, in_c: int, out_c: int) -> Subject:
    _check_width(out_c)
    module = SqueezedResidual(in_c, out_c, dims=case.dims)
    return Subject(module, _weights({"": ""}, {}))


@adapter(REPOSITORY, "CompNet.forward one decoder stage (s1,a1,m1)")
def decoder_stage(case: Case, *, i: int, o: int) -> Subject:
    _check_width(o)
    form = {"dims": case.dims, "norm": "batch", "activation": "relu"}
    decoders = {name: DecoderStage(i, i, o, "squeezed", form) for name in ("first", "second")}
    module = nn.ModuleDict({**decoders, "cross": Cross(o, dims=case.dims)})
    theirs = {"first": "s", "second": "a"}
    names = {f"{ours}.up.layer": f"{other}.upsample" for ours, other in theirs.items()}
    parts = {f"{ours}.stage.{n}.": f"{other}.r{n + 1}." for ours, other in theirs.items() for n in (0, 1)}

    def call(inputs: Tensors) -> Sequence[Tensor]:
        x, other, skip = inputs.values()
        second = module["second"](other, skip)
        return [module["cross"](module["first"](x, skip), second), second]

    return Subject(module, _weights(parts, {**names, "cross.score": "m.0"}), call)


def _check_width(channels: int) -> None:
    if channels < 16:
        raise NotCovered(f"{channels} channels: the reference squeezes them to none")


def _weights(blocks: Mapping[str, str], names: Mapping[str, str]) -> Callable[[Tensors], Tensors]:
    """Renames residual blocks, by prefix, and other modules. A bias before a norm moves into the norm's mean."""
    names = dict(names)
    for ours, theirs in blocks.items():
        for convolution, number in CONVOLUTIONS.items():
            names[f"{ours}{convolution}.conv"] = f"{theirs}conv{number}"
            names[f"{ours}{convolution}.norm"] = f"{theirs}bn{number}"
        names |= {f"{ours}squeeze.squeeze": f"{theirs}se.fc.0", f"{ours}squeeze.excite": f"{theirs}se.fc.2"}
    rename = renamed(names)

    def convert(reference: Tensors) -> Tensors:
        found = rename(reference)
        for prefix in (f"{ours}{convolution}." for ours in blocks for convolution in CONVOLUTIONS):
            mean = f"{prefix}norm.running_mean"
            found[mean] = found[mean] - found.pop(f"{prefix}conv.bias")
        return found

    return convert
