"""A network in characters: it fits, and every mechanism is in it."""

from __future__ import annotations

import re

import pytest

from nas.cli.drawing import ATTENTION, BLOCK, EMPTY, drawing, legend
from nas.pictures.layout import layout_of
from search_spaces.architecture.architecture import Architecture
from search_spaces.architecture.placement import Placement
from tests.nas.networks import SIZE, every_host, filled, layout, placements, plain


@every_host
@pytest.mark.parametrize("width", [60, 80, 100, 250])
def test_each_mechanism_is_drawn_once_and_nothing_is_too_wide(host: str, dims: int, width: int) -> None:
    text = drawing(layout(host, dims), SIZE[dims], width).plain
    assert max(map(len, text.splitlines())) <= width
    placed = [placement for _, placement in placements(filled(host, dims))]
    assert text.count(ATTENTION) + text.count(BLOCK) == len(placed)
    for name in {placement.mechanism for placement in placed}:
        drawn = re.findall(rf"[{ATTENTION}{BLOCK}] {name}\b", text)
        assert len(drawn) == sum(placement.mechanism == name for placement in placed)
    assert EMPTY not in text


@every_host
def test_the_rows_tell_the_sizes_and_the_cells_the_names(host: str, dims: int) -> None:
    text = drawing(layout(host, dims), SIZE[dims], 100).plain
    assert " x ".join(map(str, SIZE[dims])) in text
    for cell in layout(host, dims).cells:
        if cell.main:
            assert cell.name in text


def test_the_u_net_as_it_is_printed() -> None:
    placed = {"encoder.0": Placement("se"), "skip.0": Placement("attention_gate"), "bottleneck": Placement("mhsa")}
    architecture = Architecture.create("unet", 2, {"depth": 2, "width": 4}, placed)
    text = drawing(layout_of(architecture, 1, 1), (32, 32), 100).plain
    expected = """\
32 x 32   encoder.0 4ch □ ─────▶ skip.0 ───────────▶ decoder.0 4ch □○ ─▶ ○ ─▶ head 2ch
          ● se                   ● attention_gate    up.0
            ▼                                             ▲
16 x 16   encoder.1 8ch □○ ────▶ ○ ────────────────▶ decoder.1 8ch □○
            │                                        up.1
            ▼                                             ▲
8 x 8     encoder.2 16ch □ ───────────────────────────────╯
          ● mhsa (bottleneck)
"""
    assert text == expected


def test_a_mechanism_that_is_repeated_is_drawn_once_with_its_number() -> None:
    series = [*[Placement("res2net")] * 3, Placement("sk")]
    architecture = Architecture.create("unet", 2, {"depth": 2}, {"block.encoder.1": series})
    text = drawing(layout_of(architecture), (32, 32), 100).plain
    assert re.findall(r"■ (\w+(?: x\d+)?)", text) == ["res2net x3", "sk"]


def test_the_legend_explains_the_marks_that_are_there() -> None:
    assert legend(layout_of(plain("unet", 2))).plain == "○ □ empty"
    marks = legend(layout("unet", 2)).plain
    assert ATTENTION in marks
    assert BLOCK in marks
    assert EMPTY not in marks
