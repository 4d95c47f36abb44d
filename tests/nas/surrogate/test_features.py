from __future__ import annotations

from collections import Counter

from nas.surrogate.features import GROUPS, kind_of, row_of
from search_spaces.architecture.architecture import Architecture
from search_spaces.architecture.placement import Placement

SE = Placement("se", (("reduction", 2),))


def of_group(architecture: Architecture, group: str) -> Counter[object]:
    row = row_of(architecture)
    return Counter(feature for feature in row.features if feature[0] == group)


def with_attention(**attention: Placement) -> Architecture:
    placed = {slot.replace("_", "."): placement for slot, placement in attention.items()}
    return Architecture.create("unet", 2, {"depth": 3, "width": 16}, placed)


def test_the_kind_of_a_place_is_its_name_without_the_level():
    assert [kind_of(slot) for slot in ("skip.1", "bottleneck", "block.decoder.0", "skip.0.1.2")] == [
        "skip",
        "bottleneck",
        "block.decoder",
        "skip",
    ]


def test_one_mechanism_at_two_levels_shares_all_but_the_slot():
    first, second = with_attention(skip_0=SE), with_attention(skip_1=SE)
    for group in GROUPS:
        assert (of_group(first, group) == of_group(second, group)) == (group != "slot")


def test_a_mechanism_counts_as_often_as_it_is_placed():
    twice = with_attention(skip_0=SE, decoder_1=SE)
    assert of_group(twice, "mechanism") == {("mechanism", "se"): 2}
    assert of_group(twice, "count") == {("count", None): 2}
    assert set(of_group(twice, "kind").values()) == {1}


def test_hosts_of_about_one_size_are_alike_and_others_are_not():
    def size(**options: object) -> dict[object, float]:
        row = row_of(Architecture.create("unet", 2, options))
        return dict(zip(row.features, row.values, strict=True))

    small, alike, large = (size(depth=3, width=width) for width in (8, 9, 40))
    bumps = [feature for feature in small if feature[0] == "bump"]
    assert bumps

    def likeness(first: dict[object, float], second: dict[object, float]) -> float:
        return sum(first.get(bump, 0.0) * second.get(bump, 0.0) for bump in bumps)

    assert likeness(small, alike) > 0.9 * likeness(small, small) > 2 * likeness(small, large)
