"""Every stage and every slot has one place in the layout of a network, whatever its host."""

from __future__ import annotations

from collections import Counter

import pytest

from nas.pictures.flow import trace
from nas.pictures.layout import Cell, Layout, layout_of
from search_spaces.architecture.architecture import Architecture, slots_of
from search_spaces.architecture.placement import Placement
from tests.nas.networks import every_host, filled, layout


def named(layout: Layout, name: str) -> Cell:
    (cell,) = (cell for cell in layout.cells if cell.name == name)
    return cell


def flows(layout: Layout, guide: bool = False) -> set[tuple[str, str]]:
    return {
        (layout.cells[edge.source].name, layout.cells[edge.target].name) for edge in layout.edges if edge.guide is guide
    }


@every_host
def test_each_slot_and_each_stage_has_one_place(host: str, dims: int) -> None:
    architecture = filled(host, dims)
    slots = slots_of(host, dims, architecture.options)
    stages = {node.key.name for node in trace(architecture, 1, 1) if node.slot is None}
    whole = layout(host, dims)
    for variant in (whole, whole.folded(), whole.folded().stacked()):
        holders = [holder for cell in variant.cells for holder in cell.holders]
        assert Counter(holder.name for holder in holders) == Counter(list(slots))
        assert {holder.name: holder.series for holder in holders} == dict(architecture.attention)
        assert Counter(stage.name for cell in variant.cells for stage in cell.stages) == Counter(list(stages))
        places = [(cell.level, cell.column) for cell in variant.cells]
        assert len(set(places)) == len(places)
        assert {column for _, column in places} == set(range(variant.columns))


@every_host
def test_a_slot_stands_in_the_row_of_its_level(host: str, dims: int) -> None:
    slots = slots_of(host, dims, filled(host, dims).options)
    for cell in layout(host, dims).cells:
        assert {slots[holder.name].level for holder in cell.holders if not holder.block} <= {cell.level}


@every_host
def test_all_but_the_ways_in_is_fed_by_something(host: str, dims: int) -> None:
    whole = layout(host, dims)
    starts = set(range(len(whole.cells))) - {edge.target for edge in whole.edges if not edge.guide}
    assert 1 <= len(starts) <= 2, "an image has one way in, two of two paths"


@every_host
def test_folding_makes_a_layout_no_wider(host: str, dims: int) -> None:
    whole = layout(host, dims)
    assert whole.columns >= whole.folded().columns >= whole.folded().stacked().columns


def test_the_u_net_is_a_u() -> None:
    architecture = Architecture.create("unet", 2, {"depth": 2, "width": 4}, {"skip.0": Placement("attention_gate")})
    whole = layout_of(architecture)
    assert {("encoder.0", "encoder.1"), ("encoder.1", "encoder.2"), ("encoder.2", "decoder.1")} <= flows(whole)
    assert {("encoder.0", "skip.0"), ("skip.0", "decoder.0"), ("decoder.1", "decoder.0")} <= flows(whole)
    assert flows(whole, guide=True) == {("decoder.1", "skip.0")}
    encoder, skip, decoder = (named(whole, f"{place}.0").column for place in ("encoder", "skip", "decoder"))
    assert encoder < skip < decoder < named(whole, "head").column
    assert named(whole, "encoder.2").column == encoder
    assert [holder.name for holder in named(whole, "encoder.2").holders if not holder.block] == ["bottleneck"]
    assert {stage.name for stage in named(whole, "decoder.0").stages} == {"up.0", "decoder.0"}
    assert named(whole, "decoder.1").column == decoder
    assert [named(whole, f"encoder.{level}").level for level in range(3)] == [0, 1, 2]


def test_a_pyramid_is_fed_by_all_levels_and_an_empty_slot_passes_the_finest_on() -> None:
    options = {"depth": 3, "width": 4}
    empty = layout_of(Architecture.create("unet", 2, options))
    full = layout_of(Architecture.create("unet", 2, options, {"output": Placement("scale")}))
    assert {source for source, target in flows(empty) if target == "output"} == {"decoder.0"}
    assert {source for source, target in flows(full) if target == "output"} == {"decoder.0", "decoder.1", "decoder.2"}


def test_a_slot_that_joins_a_stage_comes_with_its_name() -> None:
    architecture = Architecture.create("unet", 2, {"depth": 2}, {"skip.1": Placement("attention_gate")})
    cell = named(layout_of(architecture).folded(), "decoder.1")
    (holder,) = cell.filled
    assert (holder.name, cell.note(holder)) == ("skip.1", "skip.1")


@pytest.mark.parametrize("supervision", [False, True])
def test_stages_that_run_in_training_only_are_marked(supervision: bool) -> None:
    architecture = Architecture.create("unet", 2, {"depth": 3, "width": 4, "supervision": supervision})
    stages = [stage for cell in layout_of(architecture).cells for stage in cell.stages]
    assert [stage.name for stage in stages if not stage.inference] == (
        ["supervision.0", "supervision.1"] if supervision else []
    )
