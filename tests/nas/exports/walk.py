"""Every network of the registries through every format: what is right, at which sizes.

``python -m tests.nas.exports.walk docs/export.md`` writes the table of it.
"""

from __future__ import annotations

import platform
import sys
import warnings
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from nas.exports.formats.onnx import onnx_bytes
from nas.exports.formats.torch_program import torch_program
from search_spaces import HOSTS, MECHANISMS, Architecture
from search_spaces.architecture.preset import load_preset, preset_names
from search_spaces.initialisation import initialise
from search_spaces.layers import CONV
from tests.search_spaces.tiny import CLASSES, narrowed, options

CHANNELS = 2
TOLERANCE = 1e-3  # of a difference, relative to the largest value
# Batch and size: the exported one first. Windows and grids of mechanisms are longer than some, and shorter than others.
CASES: dict[int, dict[str, tuple[int, ...]]] = {
    2: {"exported": (2, 12, 20), "other size": (2, 8, 36), "odd size": (3, 5, 7), "one image": (1, 12, 20)},
    3: {"exported": (2, 8, 6, 12), "other size": (2, 4, 10, 6), "odd size": (3, 5, 3, 7), "one image": (1, 8, 6, 12)},
}
DEEP = 4  # times that size for whole networks: a norm of two positions makes much of rounding
Outputs = Mapping[str, Tensor]
Run = Callable[[Tensor], Outputs]
Verdicts = dict[str, dict[str, str]]  # network to case to "right" or what else


class SmallHost(nn.Module):
    """A convolution, a mechanism on what it gives, and coarser features for those mechanisms that take them."""

    def __init__(self, name: str, dims: int, mechanism_options: Mapping[str, Any]) -> None:
        super().__init__()
        entry, widths = MECHANISMS[name], (8, 12, 16)
        told = {
            "gated": {"gate_channels": widths[1]},
            "guided": {"prediction_channels": 1 + CLASSES},
            "pyramid": {"pyramid_channels": widths},
        }
        self.inputs = entry.inputs
        self.levels = nn.ModuleList(
            CONV[dims](inputs, width, 3, 2 if level else 1, 1)
            for level, (inputs, width) in enumerate(zip((CHANNELS, *widths), widths, strict=False))
        )
        self.coarse = CONV[dims](widths[1], 1 + CLASSES, 1)
        self.mechanism = entry.module(widths[0], dims=dims, **told.get(entry.inputs, {}), **mechanism_options)

    def forward(self, image: Tensor) -> Tensor:
        features = [image]
        for level in self.levels:
            features.append(level(features[-1]))
        _, x, gate, _ = features
        given: dict[str, Any] = {"gated": (x, gate), "guided": (x, self.coarse(gate)), "pyramid": (features[1:],)}
        return self.mechanism(*given.get(self.inputs, (x,)))


class Together(nn.Module):
    """Networks side by side on one image: exporting them at once takes little longer than one alone."""

    def __init__(self, networks: Mapping[str, nn.Module]) -> None:
        super().__init__()
        self.names = list(networks)
        self.parts = nn.ModuleList(networks.values())

    def forward(self, image: Tensor) -> list[Tensor]:
        return [part(image) for part in self.parts]


def mechanisms(dims: int, changed: Mapping[str, Mapping[str, Any]] | None = None) -> dict[str, nn.Module]:
    """Every mechanism in a small host; or those named alone, with the options that they are given."""
    names = [name for name in changed or MECHANISMS if dims in MECHANISMS[name].dims]
    return {name: SmallHost(name, dims, (changed or {}).get(name, {})) for name in names}


def hosts(dims: int) -> dict[str, nn.Module]:
    """Every host at its smallest, and with each word of its options in turn."""
    found: dict[str, nn.Module] = {}
    for host in HOSTS:
        least = options(host)
        found[host] = Architecture.create(host, dims, least).build(CHANNELS, CLASSES)
        for option, values in HOSTS[host].options.items():
            for value in values:
                if isinstance(value, str) and value != least[option]:
                    changed = Architecture.create(host, dims, {**least, option: value})
                    found[f"{host}, {option} {value}"] = changed.build(CHANNELS, CLASSES)
    return found


def presets(dims: int) -> dict[str, nn.Module]:
    """Every preset that exists in ``dims``, narrow and as deep as it is."""
    names = [name for name in preset_names() if dims in HOSTS[load_preset(name).host].dims]
    return {name: narrowed(name, dims).build(CHANNELS, CLASSES) for name in names}


def settled(networks: Mapping[str, nn.Module]) -> Together:
    """Side by side in evaluation mode, all weights and statistics away from special values such as 0 and 1."""
    together = Together(networks)
    initialise(together, 0)
    generator = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for parameter in together.parameters():
            parameter.add_(0.1 * torch.randn(parameter.shape, generator=generator))
        for name, buffer in together.named_buffers():
            if name.endswith(("running_mean", "running_var")):
                buffer.add_(0.5 * torch.rand(buffer.shape, generator=generator))
    return together.eval()


def image(dims: int, case: str, scale: int) -> Tensor:
    """Noise; odd sizes stay odd."""
    batch, *size = CASES[dims][case]
    shape = [scale * length - (scale - 1 if case == "odd size" else 0) for length in size]
    return torch.randn(batch, CHANNELS, *shape, generator=torch.Generator().manual_seed(sum(shape)))


def torch_export(network: Together, example: Tensor) -> Run:
    program = torch_program(network, example).module()
    return lambda x: dict(zip(network.names, program(x), strict=True))


def onnx(network: Together, example: Tensor) -> Run:
    import onnxruntime

    quiet = onnxruntime.SessionOptions()
    quiet.log_severity_level = 4
    program = torch_program(network, example)
    session = onnxruntime.InferenceSession(onnx_bytes(program, example), quiet, providers=["CPUExecutionProvider"])
    (taken,) = session.get_inputs()
    return lambda x: {
        name: torch.from_numpy(y)
        for name, y in zip(network.names, session.run(None, {taken.name: x.numpy()}), strict=True)
    }


def trace(network: Together, example: Tensor) -> Run:
    traced = torch.jit.trace(network, example, check_trace=False)
    return lambda x: dict(zip(network.names, traced(x), strict=True))


FORMATS: dict[str, Callable[[Together, Tensor], Run]] = {"torch.export": torch_export, "ONNX": onnx, "trace": trace}


def verdicts(networks: Mapping[str, nn.Module], dims: int, kind: str) -> Verdicts:
    """What a format makes of each network: ``right``, ``WRONG`` or ``refused`` at each of ``CASES``."""
    network = settled(networks)
    scale = 1 if all(isinstance(part, SmallHost) for part in network.parts) else DEEP
    found: Verdicts = {name: {} for name in networks}
    with torch.no_grad(), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        run = FORMATS[kind](network, image(dims, "exported", scale))
        for case in CASES[dims]:
            x = image(dims, case, scale)
            expected = dict(zip(networks, network(x), strict=True))
            try:
                given = run(x)
            except Exception:  # of whatever kind a runtime raises: that is what is asked here
                given = {}
            for name, y in expected.items():
                found[name][case] = _verdict(given.get(name), y)
    return found


def each_alone(networks: Mapping[str, nn.Module], dims: int, kind: str) -> Verdicts:
    """``verdicts``; of networks that a format refuses side by side one at a time."""
    try:
        found = verdicts(networks, dims, kind)
    except Exception:  # whatever an exporter raises of one of them
        found = {name: {} for name in networks}
    if len(networks) == 1:
        return found
    for name in [name for name, cases in found.items() if not cases or "refused" in cases.values()]:
        found |= each_alone({name: networks[name]}, dims, kind)
    return found


def _verdict(found: Tensor | None, expected: Tensor) -> str:
    if found is None:
        return "refused"
    if found.shape != expected.shape:
        return "WRONG"
    return "right" if (found - expected).abs().max() <= TOLERANCE * expected.abs().max() else "WRONG"


def table(look: Callable[[Mapping[str, nn.Module], int, str], Verdicts] = each_alone) -> str:
    """A row for each network, a column for each format."""
    kinds = list(FORMATS)
    cases = list(CASES[2])
    rows = ["| network | dims | " + " | ".join(kinds) + " |", "|---" * (2 + len(kinds)) + "|"]
    for dims in (2, 3):
        for made in (mechanisms, hosts, presets):
            networks = made(dims)
            print(f"{made.__name__} in {dims}D: {len(networks)}", file=sys.stderr, flush=True)
            columns = {kind: look(networks, dims, kind) for kind in kinds}
            for name in networks:
                cells = [_cell(columns[kind][name], cases) for kind in kinds]
                rows.append(f"| {made.__name__.removesuffix('s')} {name} | {dims} | " + " | ".join(cells) + " |")
    return "\n".join(rows)


def _cell(found: Mapping[str, str], cases: list[str]) -> str:
    if not found:
        return "no"
    bad = [f"{case}: {found[case]}" for case in cases if found[case] != "right"]
    return "; ".join(bad) or "right"


START = "<!-- written by python -m tests.nas.exports.walk -->"

if __name__ == "__main__":
    path = Path(sys.argv[1])
    page = path.read_text(encoding="utf-8").partition(START)[0]
    versions = f"torch {torch.__version__}, Python {platform.python_version()}"
    path.write_text(f"{page}{START}\n\nWith {versions}.\n\n{table()}\n", encoding="utf-8")
