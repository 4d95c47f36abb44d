"""TransUNet of its authors: the encoder, the stem's bottleneck, the decoder's step."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor

from search_spaces.stages.bottleneck import Bottleneck
from search_spaces.stages.decoding import InterpolatedStep
from search_spaces.stages.transformer import Transformer
from tests.reference.adapter import Subject, adapter, exact_ratio, renamed
from tests.reference.adapters.mhsa import PROJECTIONS, TRANSUNET, packed
from tests.reference.case import Case, Tensors


@adapter("Beckschen/TransUNet", "Encoder")
def encoder(case: Case, *, hidden_size: int, num_heads: int, mlp_dim: int, num_layers: int) -> Subject:
    module = Transformer(
        hidden_size, hidden_size, dims=2, layers=num_layers, heads=num_heads, ratio=exact_ratio(hidden_size, mlp_dim)
    )
    names, parts = {str(num_layers): "encoder_norm"}, {}
    for index in range(num_layers):
        names |= {f"{index}.{ours}": f"layer.{index}.{theirs}" for ours, theirs in TRANSUNET.items()}
        parts[f"{index}.attention.qkv"] = tuple(f"layer.{index}.{theirs}" for theirs in PROJECTIONS)
    return Subject(module.layers, packed(names, parts))  # the reference embeds the map elsewhere


@adapter("Beckschen/TransUNet", "PreActBottleneck")
def bottleneck(case: Case, *, cin: int, cout: int | None = None, cmid: int | None = None, stride: int = 1) -> Subject:
    module = Bottleneck(cin, cout or cin, dims=case.dims, stride=stride, width=cmid)
    names = {"shortcut.0.conv": "downsample", "shortcut.1": "gn_proj"}
    for index in range(3):
        names |= {f"body.{3 * index}.conv": f"conv{index + 1}", f"body.{3 * index + 1}": f"gn{index + 1}"}
    return Subject(module, renamed(names))


@adapter("Beckschen/TransUNet", "DecoderBlock")
def decoder(
    case: Case, *, in_channels: int, out_channels: int, skip_channels: int = 0, use_batchnorm: bool = True
) -> Subject:
    module = InterpolatedStep(in_channels, skip_channels, out_channels, dims=case.dims, norm="batch", activation="relu")
    names = {}
    for index, name in enumerate(("first", "second"), start=1):
        names |= {f"stage.{name}.conv": f"conv{index}.0", f"stage.{name}.norm": f"conv{index}.1"}

    def call(inputs: Tensors) -> Sequence[Tensor]:
        x, *skip = inputs.values()
        return [module(x, [2 * length for length in x.shape[2:]], *skip)]

    def weights(reference: Tensors) -> Tensors:
        found = renamed(names)(reference)
        for name in ("stage.first", "stage.second"):
            # Without ``use_batchnorm`` it is there all the same, after a bias, which moves into its mean.
            bias = found.pop(f"{name}.conv.bias", 0)
            found[f"{name}.norm.running_mean"] = found[f"{name}.norm.running_mean"] - bias
        return found

    return Subject(module, weights, call)
