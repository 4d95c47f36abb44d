"""``nas profile``: a network as a drawing, and what each part of it costs."""

from __future__ import annotations

import json
from dataclasses import astuple
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.table import Table

from nas.cli.app import app, console

if TYPE_CHECKING:
    from nas.profiles.profile import Load, Profile


@app.command()
def profile(
    architecture: Annotated[str, typer.Argument(help="preset:NAME, architecture file (YAML), or export folder.")],
    size: Annotated[
        str | None,
        typer.Option(help="Image size, as 96x96; left out, an export's patch, else 96 (2D) or 48 (3D) an axis."),
    ] = None,
    dims: Annotated[
        int | None, typer.Option(min=2, max=3, help="Dimensions of a preset; left out, the published ones.")
    ] = None,
    channels: Annotated[
        int | None, typer.Option(min=1, help="Channels of the image; left out, those of an export, else 1.")
    ] = None,
    classes: Annotated[
        int | None, typer.Option(min=1, help="Foreground classes; left out, those of an export, else 1.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Plain data on standard output.")] = False,
    svg: Annotated[Path | None, typer.Option(help="Write the drawing to this SVG file.")] = None,
) -> None:
    """Draw a network; tell parameters, multiply-accumulates and activation memory a stage, and what attention adds."""
    from nas.cli.drawing import drawing, legend
    from nas.config.sources import load_architecture, parse_size
    from nas.exports.export import preprocessing_of
    from nas.pictures.layout import layout_of
    from nas.profiles.profile import profile_of

    loaded = load_architecture(architecture, dims)
    own = preprocessing_of(Path(architecture))
    channels = channels or (own.channels if own else 1)
    classes = classes or (len(own.classes) if own else 1)
    spatial = own.patch if own and size is None else parse_size(size, loaded.dims)
    profiled = profile_of(loaded, channels, classes, spatial)
    layout = None if as_json and svg is None else layout_of(loaded, channels, classes)
    if svg is not None and layout is not None:
        from nas.pictures.network_svg import write_picture

        write_picture(svg, layout, profiled)
    if layout is None or as_json:
        print(json.dumps(profiled.to_dict(), indent=1))
        return
    shape = " x ".join(map(str, spatial))
    console.print(f"{loaded}\none image of {channels} x {shape}, {classes} foreground classes\n", highlight=False)
    console.print(drawing(layout, spatial, console.width), legend(layout), "", sep="\n")
    console.print(_table(profiled))
    console.print(profiled.summary(), highlight=False)


def _table(profiled: Profile) -> Table:
    """Each part and the sums, with shares of the sum."""
    from nas.profiles.parts import in_series, with_number

    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("part", overflow="fold")
    wide = console.width >= 90
    for name in ("result", "params", "share", "MACs", "share", "activations", "share"):
        if wide or name != "result":
            table.add_column(name, justify="right", no_wrap=True)
    total = profiled.total
    for part in profiled.parts:
        series = " > ".join(with_number(*one) for one in in_series(part.mechanisms))
        name = f"{part.name}: {series}" if series else part.name
        shape = "in training" if part.shape is None else "x".join(map(str, part.shape))
        cells = ((shape,) if wide else ()) + _cells(part.load, total)
        table.add_row(name, *cells, style="magenta" if part.mechanisms else None)
    blank = ("",) if wide else ()
    table.add_row("all", *blank, *_cells(total, total), style="bold")
    if not profiled.architecture.is_plain:
        table.add_row("without attention", *blank, *_cells(profiled.plain, total), style="dim")
    return table


def _cells(load: Load, total: Load) -> tuple[str, ...]:
    from nas.quantities import format_bytes, format_count

    texts = f"{load.params:,}", format_count(load.macs), format_bytes(load.activations)
    shares = (f"{part / whole:.1%}" for part, whole in zip(astuple(load), astuple(total), strict=True))
    return tuple(text for pair in zip(texts, shares, strict=True) for text in pair)
