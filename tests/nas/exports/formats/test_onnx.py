"""An ONNX file computes what its network does, at every size and batch, in ONNX Runtime."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import Any

import onnx
import pytest
import torch
from safetensors.torch import save

from nas.exports.agreement import example
from nas.exports.export import write_export
from nas.exports.formats.onnx import LOGITS, onnx_bytes, read_onnx, run_onnx, session_of, write_onnx
from nas.exports.formats.onnx_float16 import write_float16
from nas.exports.formats.onnx_int8 import with_own_names, write_int8
from nas.exports.formats.torch_program import torch_program
from nas.exports.model import ExportedModel
from search_spaces import InputError
from tests.nas.exports.formats.test_torch_program import PREPROCESSING, SMALL, small_unet
from tests.nas.exports.walk import hosts, mechanisms, presets, verdicts

# Where an option chooses another way through a mechanism; each was wrong, or tied to a size, once.
OTHER_WAYS: dict[str, dict[str, Any]] = {
    "fca": {"selection": "low"},
    "gather_excite": {"extent": 2, "gather": "learned"},
    "gsop": {"fusion": "sum"},
    "hard_mask": {"mode": "top"},
    "interlaced": {"block": 2},
    "non_local": {"subsample": 2},
    "psa": {"most": None, "shrink": 2, "mask": 7},
    "window": {"window": 7},
}


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
def test_a_file_computes_the_same_at_other_sizes_and_batches(tmp_path: Path) -> None:
    network = small_unet()
    path = write_onnx(network, PREPROCESSING, tmp_path / "deep" / "model.onnx")
    assert [found.name for found in path.parent.iterdir()] == ["model.onnx"]  # the weights are in it
    session = session_of(path.read_bytes())
    for shape in [(2, 1, 8, 12), (1, 1, 16, 10), (4, 1, 7, 13)]:
        image = torch.randn(shape, generator=torch.Generator().manual_seed(0))
        with torch.no_grad():
            torch.testing.assert_close(run_onnx(session, image), network(image), rtol=1e-4, atol=1e-4)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
def test_the_program_shown_writes_both_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    page = (Path(__file__).parents[4] / "docs" / "export.md").read_text(encoding="utf-8")
    (program,) = re.findall(r"```python\n(.*?)```", page, re.DOTALL)
    write_export(tmp_path / "model", SMALL, save(small_unet().state_dict()), PREPROCESSING, {})
    monkeypatch.chdir(tmp_path)
    exec(program, {})
    assert sorted(found.name for found in tmp_path.iterdir()) == ["model", "model.onnx", "model.pt2"]


def test_a_missing_package_is_named_with_the_extra(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "onnxscript", None)  # an import then fails
    with pytest.raises(InputError, match=r"needs the package 'onnxscript', .*pip install 'attention-nas\[export\]'"):
        write_onnx(small_unet(), PREPROCESSING, tmp_path / "model.onnx")
    assert not list(tmp_path.iterdir())


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
def test_files_of_fewer_bits_nearly_give_the_network_s_labels(tmp_path: Path) -> None:
    model = ExportedModel(SMALL, PREPROCESSING, small_unet(), (), (), {})
    images = [torch.randn(1, 1, 8, 12, generator=torch.Generator().manual_seed(number)) for number in range(8)]
    other = torch.randn(3, 1, 16, 10, generator=torch.Generator().manual_seed(9))
    for write, name, share in ((write_float16, "half.onnx", 0.99), (write_int8, "quarter.onnx", 0.9)):
        read = read_onnx(write(model, tmp_path / name, images))
        assert read.architecture == SMALL
        with torch.no_grad():
            same = read.network(other).argmax(1) == model.network(other).argmax(1)
        assert same.float().mean() > share, name


@pytest.mark.filterwarnings("ignore")
def test_no_name_of_torch_s_is_left_to_quantisation() -> None:
    network = small_unet()
    image = example(PREPROCESSING)
    content = onnx_bytes(torch_program(network, image), image)
    renamed = with_own_names(content)
    before, after = (onnx.load_from_string(one).graph for one in (content, renamed))
    names = [{name for node in graph.node for name in (node.name, *node.output)} for graph in (before, after)]
    assert names[0] & names[1] == {LOGITS}
    assert len(names[0]) == len(names[1])
    assert not [name for node in after.node for name in node.output if name[-1].isdigit()]
    torch.testing.assert_close(*(run_onnx(session_of(one), image) for one in (content, renamed)), rtol=0, atol=0)


def test_eight_bits_without_validation_cases_are_refused(tmp_path: Path) -> None:
    model = ExportedModel(SMALL, PREPROCESSING, small_unet(), (), (), {})
    with pytest.raises(InputError, match=r"^onnx-int8: expected validation cases of the run's task"):
        write_int8(model, tmp_path / "model.onnx", [])


@pytest.mark.slow
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("dims", [2, 3])
@pytest.mark.parametrize("networks", [mechanisms, hosts, presets])
def test_every_network_is_the_same_file(networks, dims: int) -> None:  # type: ignore[no-untyped-def]
    found = verdicts(networks(dims), dims, "ONNX")
    assert not {name: cases for name, cases in found.items() if set(cases.values()) != {"right"}}


@pytest.mark.slow
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("dims", [2, 3])
def test_every_other_way_through_a_mechanism_is_the_same_file(dims: int) -> None:
    found = verdicts(mechanisms(dims, OTHER_WAYS), dims, "ONNX")
    assert not {name: cases for name, cases in found.items() if set(cases.values()) != {"right"}}
