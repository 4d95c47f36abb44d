"""The runner itself, on cases made here from MONAI's attention block."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from monai.networks.nets.attentionunet import AttentionBlock

from tests.reference.__main__ import main

Change = Callable[[dict[str, Any], dict[str, np.ndarray]], None]


def write_case(folder: Path, name: str, *, dims: int = 2, mode: str = "train", change: Change | None = None) -> None:
    """A case in the golden form; ``change`` may spoil its description and arrays."""
    arguments = {"spatial_dims": dims, "f_int": 3, "f_g": 6, "f_l": 7}
    torch.manual_seed(dims)
    block = AttentionBlock(**arguments).double().train(mode == "train")
    arrays = {f"w.{key}": tensor.numpy().copy() for key, tensor in block.state_dict().items()}
    size = (4, 5, 3)[:dims]
    gate, x = (torch.randn(2, channels, *size, dtype=torch.float64, requires_grad=True) for channels in (6, 7))
    y = block(gate, x)
    r = torch.randn_like(y)
    gradients = torch.autograd.grad((y * r).sum(), (gate, x))
    named = {"x": gate, "x.x": x, "y": y, "r": r, "gx": gradients[0], "gx.x": gradients[1]}
    arrays |= {key: tensor.detach().numpy() for key, tensor in named.items()}
    if mode == "train":
        arrays |= {f"wafter.{key}": buffer.numpy() for key, buffer in block.named_buffers()}
    description = {
        "name": name,
        "repo": "https://github.com/Project-MONAI/MONAI",
        "path": "monai/networks/nets/attentionunet.py",
        "class_name": "AttentionBlock",
        "ctor_args": arguments,
        "mode": mode,
        "normative": True,
        "inputs": {"x": list(gate.shape), "x.x": list(x.shape)},
        "input_names": ["g", "x"],
        "outputs": {"y": list(y.shape)},
        "suggested_tolerance": {"tol": 1e-9},
    }
    if change is not None:
        change(description, arrays)
    (folder / f"{name}.json").write_text(json.dumps(description))
    np.savez(folder / f"{name}.npz", **arrays)


def add(key: str, value: float) -> Change:
    def change(description: dict[str, Any], arrays: dict[str, np.ndarray]) -> None:
        arrays[key] = arrays[key] + value

    return change


@pytest.mark.parametrize("dims", [2, 3])
@pytest.mark.parametrize("mode", ["eval", "train"])
def test_a_right_case_passes(tmp_path: Path, capsys: pytest.CaptureFixture[str], dims: int, mode: str) -> None:
    write_case(tmp_path, "right", dims=dims, mode=mode)
    assert main([str(tmp_path)]) == 0
    case, summary = capsys.readouterr().out.splitlines()
    assert case.split()[0] == "right"
    assert case.endswith("pass")
    assert summary == "1 cases: 1 passed, 0 failed (0 of them normative), 0 not covered"


@pytest.mark.parametrize(
    ("change", "quantity"),
    [
        (add("y", 1e-6), "y"),
        (add("gx", 1e-6), "gradient of g"),
        (add("gx.x", 1e-6), "gradient of x"),
        (add("wafter.W_x.1.running_mean", 1e-6), "buffer gates.0.theta_norm.running_mean"),
        (add("wafter.psi.1.num_batches_tracked", 1), "buffer gates.0.psi_norm.num_batches_tracked"),
        (add("y", np.nan), "y"),
    ],
    ids=["output", "first-gradient", "second-gradient", "statistics", "counter", "nan"],
)
def test_a_deviation_fails_and_is_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], change: Change, quantity: str
) -> None:
    write_case(tmp_path, "spoiled", change=change)
    write_case(tmp_path, "right")
    assert main([str(tmp_path)]) == 1
    out = capsys.readouterr().out
    assert f"beyond 1e-09: {quantity}\n" in out
    assert "2 cases: 1 passed, 1 failed (1 of them normative)" in out


def test_a_weight_without_a_place_fails(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_case(tmp_path, "extra", change=lambda description, arrays: arrays.update({"w.more": np.zeros(1)}))
    assert main([str(tmp_path)]) == 1
    assert "without a place here: more" in capsys.readouterr().out


def test_a_failure_that_is_not_normative_does_not_count(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    def change(description: dict[str, Any], arrays: dict[str, np.ndarray]) -> None:
        description["normative"] = False
        arrays["y"] = arrays["y"] + 1

    write_case(tmp_path, "deviant", change=change)
    assert main([str(tmp_path)]) == 0
    assert "1 failed (0 of them normative)" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("described", "reason"),
    [
        ({"class_name": "Other"}, "no adapter for Other of Project-MONAI/MONAI"),
        ({"repo": None}, "no adapter for AttentionBlock of no repository"),
        ({"ctor_args": {"spatial_dims": 2, "novel": 1}}, "arguments of AttentionBlock"),
    ],
    ids=["class", "repository", "arguments"],
)
def test_what_no_adapter_knows_is_not_covered(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], described: dict[str, Any], reason: str
) -> None:
    write_case(tmp_path, "unknown", change=lambda description, arrays: description.update(described))
    assert main([str(tmp_path)]) == 0
    assert f"not covered: {reason}" in capsys.readouterr().out


def test_a_folder_without_cases_is_an_error(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([str(tmp_path)]) == 2
    assert "found none" in capsys.readouterr().out
