"""``nas predict``: segment images with an exported model."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.progress import Progress

from nas.cli.app import app, console
from nas.cli.devices import DEVICE, Device


@app.command()
def predict(
    export: Annotated[Path, typer.Argument(help="Folder written by 'nas export' or 'nas train'.")],
    images: Annotated[list[Path], typer.Argument(help="Image files, or folders of them.")],
    out: Annotated[Path, typer.Option(help="Folder for the label images.")] = Path("predictions"),
    device: DEVICE = Device.cpu,
) -> None:
    """Write a label image for every image: class indices, 0 is background."""
    from evaluators.training import resolve_device
    from nas.export import load_export
    from nas.prediction import check_spared, find_images, predict_to

    model = load_export(export, resolve_device(device))
    found = find_images(images, model.preprocessing.channels)
    check_spared(found, out)
    with Progress(console=console, transient=True, disable=not console.is_terminal) as progress:
        for name, files in progress.track(found.items(), description="segmenting", total=len(found)):
            predict_to(model, name, files, out, device)
    console.print(f"{len(found)} label images in {out}", highlight=False, markup=False, soft_wrap=True)
    names = ", ".join(f"{index} {name}" for index, name in enumerate(model.preprocessing.classes, start=1))
    console.print(f"0 background, {names}", highlight=False, markup=False, soft_wrap=True)
