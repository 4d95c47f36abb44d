"""The front as a picture file, with matplotlib (extra ``report``)."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from evaluators.files import write_bytes
from nas.evidence.front import Front
from nas.evidence.point import FrontPoint
from nas.quantities import format_count
from nas.run import Run
from search_spaces.architecture.architecture import Architecture
from search_spaces.errors import InputError

FORMATS = (".png", ".svg", ".pdf")
WIDTH, HEIGHT = 5.5, 4.2  # inches of one plot
LEAST_DICE = 0.02  # that the axis spans
MARKERS = "osD^vP*X"
FRONT, OTHER, PLAIN, REFERENCE = "#0b6e4f", "#9aa0a6", "#c2410c", "#1d4ed8"
# Where a point's name may stand, the best place first: offset in points, and the side that it hangs on.
PLACES = [(x, y, side) for y in (-11, 6, -21, 16, -31, 26, -41, 36) for x, side in ((5, "left"), (-5, "right"))]


def draw_front(run: Run, path: Path) -> Path:
    """Write the front of a run to ``path``: the search beside the finals, where there are finals.

    Raises ``InputError`` on another file type than PNG, SVG or PDF, and where matplotlib is missing.
    """
    figure = _figure(path)
    fronts = [(run.search_front, "search, validation cases")]
    if run.final_front is not None:
        fronts.append((run.final_front, f"retrained, {run.final_cases}"))
    figure.set_size_inches(WIDTH * len(fronts), HEIGHT)
    for index, (front, title) in enumerate(fronts, start=1):
        axes = figure.add_subplot(1, len(fronts), index)
        _draw(axes, front, f"{run.name}: {title}")
    figure.draw_without_rendering()  # only now is it known where points lie in the picture
    _name(axes, [*fronts[-1][0].points, *fronts[-1][0].references])
    return _written(figure, path)


def draw_fronts(fronts: Mapping[str, Front], path: Path) -> Path:
    """Write several fronts over each other, by name, to ``path``; raises ``InputError`` as ``draw_front``."""
    figure = _figure(path)
    axes = figure.add_subplot()
    for index, (name, front) in enumerate(fronts.items()):
        colour = f"C{index % 10}"
        _stairs(axes, front.points, colour)
        _scatter(axes, front.points, colour, MARKERS[index % len(MARKERS)], _words(name), bars=True)
    _scales(axes, f"Dice of {len(fronts)} runs")
    return _written(figure, path)


def _figure(path: Path) -> Any:
    """An empty figure, where ``path`` can be written at all."""
    if path.suffix.lower() not in FORMATS:
        raise InputError(f"picture '{path}': expected one of {', '.join(FORMATS)}, got '{path.suffix}'")
    try:
        from matplotlib.figure import Figure
    except ImportError:
        raise InputError("a picture needs matplotlib; install it with: pip install 'attention-nas[report]'") from None
    return Figure(figsize=(WIDTH, HEIGHT), layout="constrained")


def _written(figure: Any, path: Path) -> Path:
    content = io.BytesIO()
    figure.savefig(content, format=path.suffix[1:].lower(), dpi=150)
    write_bytes(path, content.getvalue())
    return path


def _draw(axes: Any, front: Front, title: str) -> None:
    if front.dominated:
        _scatter(axes, front.dominated, OTHER, "o", "dominated", bars=False)
    _stairs(axes, front.points, FRONT)
    _scatter(axes, front.points, FRONT, "o", "front", bars=True)
    if front.plain is not None:
        _scatter(axes, [front.plain], PLAIN, "D", "plain network", bars=True)
    if front.controls:
        _scatter(axes, front.controls, PLAIN, "d", "control", bars=True)
    if front.references:
        _scatter(axes, front.references, REFERENCE, "s", "reference", bars=True)
    _scales(axes, title)


def _stairs(axes: Any, points: Sequence[FrontPoint], colour: str) -> None:
    x, y = [point.cost.params for point in points], [point.dice for point in points]
    axes.step(x, y, where="post", color=colour, linewidth=1, alpha=0.6)


def _scales(axes: Any, title: str) -> None:
    """Parameters on a logarithmic axis; a Dice axis that differences within the noise do not fill."""
    from matplotlib.ticker import LogLocator

    low, high = axes.get_ylim()
    lack = max(LEAST_DICE - (high - low), 0.0)
    axes.set_ylim(low - lack / 2, high + lack / 2)
    axes.set_xscale("log", subs=())
    axes.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    axes.xaxis.set_major_formatter(lambda value, _: format_count(round(value)))
    axes.set_xlabel("parameters")
    axes.set_ylabel("mean foreground Dice, 95% interval")
    axes.set_title(_words(title), fontsize=10)
    axes.grid(alpha=0.25)
    axes.legend(fontsize=8, loc="lower right")


def _name(axes: Any, points: Sequence[FrontPoint]) -> None:
    """Write beside each point what it is: inside the axes and clear of other names, where there is such a place."""
    taken: list[Any] = []
    for point in points:
        for x, y, side in PLACES:
            name = axes.annotate(
                _words(point.reference or _short(point.architecture)),
                (point.cost.params, point.dice),
                xytext=(x, y),
                textcoords="offset points",
                ha=side,
                fontsize=6.5,
            )
            box = name.get_window_extent()
            fits = axes.bbox.x0 < box.x0 and box.x1 < axes.bbox.x1 and axes.bbox.y0 < box.y0 and box.y1 < axes.bbox.y1
            if fits and not any(box.overlaps(other) for other in taken):
                break
            if (x, y, side) != PLACES[-1]:
                name.remove()
        taken.append(box)


def _scatter(axes: Any, points: Any, colour: str, marker: str, label: str, bars: bool) -> None:
    x, y = [point.cost.params for point in points], [point.dice for point in points]
    if bars:
        axes.errorbar(x, y, yerr=_errors(points), fmt="none", ecolor=colour, elinewidth=0.8, alpha=0.6, capsize=2)
    axes.scatter(x, y, color=colour, marker=marker, s=22, label=label, zorder=3)


def _errors(points: list[FrontPoint]) -> list[list[float]]:
    """Lengths of the error bars down and up; none where a point has no interval."""
    down = [point.dice - (point.dice if point.low is None else min(point.low, point.dice)) for point in points]
    up = [(point.dice if point.high is None else max(point.high, point.dice)) - point.dice for point in points]
    return [down, up]


def _words(name: str) -> str:
    """As matplotlib writes it out: not as mathematics, and in a legend too, which leaves out what begins with _."""
    plain = name.replace("$", r"\$")
    return f" {plain}" if plain.startswith("_") else plain


def _short(architecture: Architecture) -> str:
    options = dict(architecture.options)
    host = f"d{options.get('depth')} w{options.get('width')}"
    placed = ", ".join(f"{slot} {series[0].mechanism}" for slot, series in architecture.attention)
    return f"{host}: {placed}" if placed else host
