"""On a volume of one slice a 3D mechanism computes what its 2D form does.

Where it has parts for the depth, those are set to what leaves a single slice alone: an open gate, a kernel whose other
planes meet nothing, an attention that returns its values.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pytest
import torch
from torch import Tensor

from search_spaces.attention import MECHANISMS
from tests.search_spaces.attention.example import build, each, inputs

State = dict[str, Tensor]
SIZE = (5, 6)


def as_it_is(flat: State, deep: State) -> State:
    """2D kernels as 3D ones: all in the slice that meets the only plane, the centre of an odd kernel."""
    return {key: in_one_plane(tensor, flat[key]) for key, tensor in deep.items()}


def in_one_plane(deep: Tensor, flat: Tensor) -> Tensor:
    if deep.shape == flat.shape:
        return flat
    kernel = torch.zeros_like(deep)
    depth = deep.dim() - 3
    kernel.select(depth, (deep.shape[depth] - 1) // 2).copy_(flat)
    return kernel


@dataclass(frozen=True)
class Depth:
    """How to compare: options of both forms, of the 3D form alone, and the 3D state from the 2D one."""

    options: dict[str, Any] = field(default_factory=dict)
    deep_options: dict[str, Any] = field(default_factory=dict)
    state: Callable[[State, State], State] = as_it_is


def open_depth_gate(flat: State, deep: State) -> State:
    """Coordinate attention: the first of three gates is the depth's."""
    state = {key: flat[key] for key in flat if not key.startswith("excite")}
    for kind in ("weight", "bias"):
        state[f"excite.0.{kind}"] = torch.zeros_like(flat[f"excite.0.{kind}"])
        state[f"excite.1.{kind}"], state[f"excite.2.{kind}"] = flat[f"excite.0.{kind}"], flat[f"excite.1.{kind}"]
    state["excite.0.bias"] = state["excite.0.bias"] + 50  # sigmoid(50) is 1 in float64
    return state


def values_along_depth(flat: State, deep: State) -> State:
    """Axial attention: on one position it returns the values, here the input itself."""
    state = as_it_is(flat, {key: tensor for key, tensor in deep.items() if not key.startswith("attend")})
    state |= {f"attend.{index + 1}.project.weight": flat[f"attend.{index}.project.weight"] for index in (0, 1)}
    channels = flat["attend.0.project.weight"].shape[1]
    width = channels // 2  # of two heads; a head's rows are its queries and keys, then its values
    project = torch.zeros_like(deep["attend.0.project.weight"])
    for head in range(2):
        values = slice((2 * head + 1) * width, (2 * head + 2) * width)
        project[values, head * width : (head + 1) * width, 0] = torch.eye(width, dtype=project.dtype)
    return {**state, "attend.0.project.weight": project}


def no_gain_along_depth(flat: State, deep: State) -> State:
    """Axial reverse attention: without its gain an axis is passed over."""
    state = as_it_is(flat, {key: tensor for key, tensor in deep.items() if "axes" not in key})
    for key, tensor in deep.items():
        if "axes.0" in key:
            state[key] = torch.zeros_like(tensor)
        elif "axes" in key:
            index = int(key.split(".")[2])
            state[key] = in_one_plane(tensor, flat[key.replace(f"axes.{index}", f"axes.{index - 1}")])
    return state


def no_line_along_depth(flat: State, deep: State) -> State:
    """Asymmetric convolution, summed: the second branch is the line along the depth."""
    state: State = {}
    for key, tensor in deep.items():
        index = int(key.split(".")[2])
        source = key.replace(f"branches.{index}", f"branches.{index - 1}") if index > 1 else key
        if index == 1:
            state[key] = torch.zeros_like(tensor) + ("running_var" in key)
        else:
            state[key] = in_one_plane(tensor, flat[source])
    return state


def middle_rows(name: str, side: int) -> Callable[[State, State], State]:
    """Rows of ``name`` that stand for places in a cube: the 2D ones are those of its middle plane."""

    def convert(flat: State, deep: State) -> State:
        middle = slice(side // 2 * side**2, (side // 2 + 1) * side**2)
        state = as_it_is(flat, {key: tensor for key, tensor in deep.items() if name not in key})
        for key, tensor in deep.items():
            if name in key:
                rows = torch.zeros_like(tensor)
                rows[middle] = flat[key].reshape(rows[middle].shape)
                state[key] = rows
        return state

    return convert


def without_relative_positions(flat: State, deep: State) -> State:
    """Local attention: three axes share a head's channels otherwise than two."""
    for key in flat:
        if key.startswith("relative"):
            flat[key].zero_()  # a view of the 2D module's own
    return {key: torch.zeros_like(tensor) if key.startswith("relative") else in_one_plane(tensor, flat[key])
            for key, tensor in deep.items()}  # fmt: skip


def identity_along_depth(flat: State, deep: State) -> State:
    """Large separable kernels: lines along the last axis first, so that the third of each three is the depth's."""
    state: State = {}
    for key, tensor in deep.items():
        *before, index, kind = key.split(".")
        stage, line = divmod(int(index), 3)
        if line == 2 and stage < 2:
            state[key] = torch.zeros_like(tensor)
            if kind == "weight":
                state[key][:, :, tensor.shape[2] // 2] = 1
        else:
            state[key] = flat[".".join([*before, str(2 * stage + line), kind])].reshape(tensor.shape)
    return state


def no_strip_along_depth(flat: State, deep: State) -> State:
    """Strip pooling: the first of three is the depth's."""
    state: State = {}
    for key, tensor in deep.items():
        before, found, after = key.partition("convolutions.")
        if not found:
            state[key] = in_one_plane(tensor, flat[key])
        elif after.startswith("0."):
            state[key] = torch.zeros_like(tensor) + ("running_var" in key)
        else:
            state[key] = flat[f"{before}{found}{int(after[0]) - 1}{after[1:]}"]
    return state


def no_scan_along_depth(flat: State, deep: State) -> State:
    """State spaces: of six directions the third and the last run along the depth; they give nothing."""
    state: State = {}
    for key, tensor in deep.items():
        if "scan." not in key:
            state[key] = in_one_plane(tensor, flat[key])
            continue
        state[key] = torch.zeros_like(tensor)
        state[key][[0, 1, 3, 4]] = flat[key]
    return state


DEPTH: dict[str, Depth] = {
    "coordinate": Depth(state=open_depth_gate),
    "bi_level": Depth(deep_options={"regions": (1, 4, 4)}),
    "cot": Depth(deep_options={"kernel": (1, 3, 3)}),
    "ss2d": Depth(state=no_scan_along_depth),
    "strip": Depth(state=no_strip_along_depth),
    "lska": Depth(state=identity_along_depth),
    "axial": Depth({"span": 0}, state=values_along_depth),
    "axial_reverse": Depth(state=no_gain_along_depth),
    "asymmetric": Depth({"fusion": "sum"}, state=no_line_along_depth),
    "odconv": Depth(state=middle_rows("place", 3)),
    "psa": Depth({"mask": 5}, state=middle_rows(".3.weight", 5)),
    "window": Depth(state=middle_rows("offset_bias", 7)),
    "local": Depth(state=without_relative_positions),
    "cross": Depth({"position": False}),
    "fca": Depth(deep_options={"grid": (1, 7, 7)}),
    "interlaced": Depth(deep_options={"shapes": [(1, 4, 4)]}),
    "pyramid_non_local": Depth({"sizes": (2,)}),  # one size: copies along the depth all weigh the same
    "fusion_non_local": Depth({"sizes": (2,)}),
}

# The depth takes part, and nothing leaves it out: it has the weights of the other axes or their mean is taken, or there
# is a part of the channels more.
OTHERWISE = {"triplet", "efficient_multiscale", "ela", "hadamard"}


@pytest.mark.parametrize("name", [name for name in MECHANISMS if name not in OTHERWISE])
def test_in_3d_at_depth_one_it_is_the_2d_form(name: str) -> None:
    how = DEPTH.get(name, Depth())
    flat = build(name, 2, options=how.options)
    deep = build(name, 3, options={**how.options, **how.deep_options})
    deep.load_state_dict(how.state(flat.state_dict(), deep.state_dict()))
    given_inputs = inputs(name, SIZE)
    y = deep(*each(lambda x: x.unsqueeze(2), given_inputs)).squeeze(2)
    torch.testing.assert_close(y, flat(*given_inputs), rtol=0, atol=1e-9)
