"""``nas profile``: what an architecture costs, and where."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.table import Table

from nas.cli.app import app, console


@app.command()
def profile(
    architecture: Annotated[str, typer.Argument(help="preset:NAME, architecture file (YAML), or export folder.")],
    size: Annotated[
        str | None, typer.Option(help="Image size, as 96x96; left out, 96 (2D) or 48 (3D) an axis.")
    ] = None,
    dims: Annotated[
        int | None, typer.Option(min=2, max=3, help="Dimensions of a preset; left out, the published ones.")
    ] = None,
    channels: Annotated[int, typer.Option(min=1, help="Channels of the image.")] = 1,
    classes: Annotated[int, typer.Option(min=1, help="Foreground classes.")] = 1,
) -> None:
    """Parameters and multiply-accumulates of an architecture, and what each mechanism adds."""
    from nas.profile import profile_rows
    from nas.quantities import format_count
    from nas.sources import load_architecture, parse_size

    loaded = load_architecture(architecture, dims)
    spatial = parse_size(size, loaded.dims)
    table = Table(box=None, pad_edge=False, header_style="bold")
    for name in ("part", "params", "share", "MACs", "share "):
        table.add_column(name, justify="left" if name == "part" else "right")
    rows = profile_rows(loaded, channels, classes, spatial)
    total = rows[-1].cost
    for row in rows:
        table.add_row(
            row.name,
            f"{row.cost.params:,}",
            f"{row.cost.params / total.params:.2%}",
            format_count(row.cost.macs),
            f"{row.cost.macs / total.macs:.2%}",
            style="bold" if row is rows[-1] else None,
        )
    shape = " x ".join(map(str, spatial))
    console.print(f"{loaded}\none image of {channels} x {shape}, {classes} foreground classes", highlight=False)
    console.print(table)
