"""A network as SVG: sound XML that holds every mechanism, with boxes that keep clear of one another."""

from __future__ import annotations

import itertools
from collections import Counter
from pathlib import Path
from xml.etree import ElementTree as xml

from nas.pictures.network_svg import CHARACTER, PAD, write_picture
from nas.profiles.profile import profile_of
from tests.nas.networks import CLASSES, IN_CHANNELS, SIZE, every_host, filled, layout, placements

SVG = "{http://www.w3.org/2000/svg}"


def boxes(root: xml.Element) -> list[tuple[float, float, float, float]]:
    """Left, top, right and bottom of the cells: rounded boxes with a border."""
    found = []
    for box in root.iter(f"{SVG}rect"):
        if "rx" in box.attrib and "stroke" in box.attrib:
            x, y, width, height = (float(box.attrib[name]) for name in ("x", "y", "width", "height"))
            found.append((x, y, x + width, y + height))
    return found


@every_host
def test_the_picture_is_sound_and_holds_every_mechanism(host: str, dims: int, tmp_path: Path) -> None:
    profile = profile_of(filled(host, dims), IN_CHANNELS, CLASSES, SIZE[dims])
    path = tmp_path / "new" / "network.svg"
    root = xml.parse(write_picture(path, layout(host, dims), profile)).getroot()
    texts = [text.text or "" for text in root.iter(f"{SVG}text")]
    drawn = Counter(text.split(" (")[0] for text in texts)
    for mechanism, count in Counter(placement.mechanism for _, placement in placements(filled(host, dims))).items():
        assert drawn[mechanism] == count
    assert profile.summary() in texts
    assert {entry.name for entry in path.parent.iterdir()} == {"network.svg"}

    cells = boxes(root)
    width, height = float(root.attrib["width"]), float(root.attrib["height"])
    assert len(cells) == sum(bool(cell.stages or cell.filled) for cell in layout(host, dims).cells)
    for one, other in itertools.combinations(cells, 2):
        apart = one[2] < other[0] or other[2] < one[0] or one[3] < other[1] or other[3] < one[1]
        assert apart, (one, other)
    assert all(left > 0 and top > 0 and right < width and bottom < height for left, top, right, bottom in cells)
    for text in root.iter(f"{SVG}text"):
        said = "".join(text.itertext())
        end = float(text.attrib["x"]) + CHARACTER * len(said)
        inside = [
            box
            for box in cells
            if box[0] < float(text.attrib["x"]) < box[2] and box[1] < float(text.attrib["y"]) < box[3]
        ]
        assert end <= (inside[0][2] - PAD / 2 if inside else width), said


def test_what_was_there_is_overwritten(tmp_path: Path) -> None:
    path = tmp_path / "network.svg"
    path.write_text("something else")
    profile = profile_of(filled("unet", 2), IN_CHANNELS, CLASSES, SIZE[2])
    write_picture(path, layout("unet", 2), profile)
    assert xml.parse(path).getroot().tag == f"{SVG}svg"
