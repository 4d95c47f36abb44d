"""``nas predict``: segment images with an exported model."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Annotated

import typer
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from nas.cli.app import app, console
from nas.cli.devices import DEVICE, Device


@app.command()
def predict(
    export: Annotated[
        Path, typer.Argument(help="Folder written by 'nas export' or 'nas train', or a file or folder in it.")
    ],
    images: Annotated[list[Path], typer.Argument(help="Image files, or folders of them.")],
    out: Annotated[Path, typer.Option(help="Folder for the label images.")] = Path("predictions"),
    format_: Annotated[
        str, typer.Option("--format", help="nii.gz, nii, mha, nrrd, png, tif, npy, npz, or same as the image's.")
    ] = "same",
    labels: Annotated[
        Path | None, typer.Option(help="Folder of references of the same names: the Dice of each is shown.")
    ] = None,
    device: DEVICE = Device.cpu,
) -> None:
    """Write a label image for every image, on its grid, with the label values of the training data."""
    from evaluators.training import resolve_device
    from nas.cli.dice_table import dice_table
    from nas.exports.export import load_model
    from nas.exports.prediction import check_spared, find_images, predict_all
    from nas.exports.references import find_references
    from search_spaces.errors import InputErrors

    model = load_model(export, resolve_device(device))
    labelling = model.preprocessing.labelling
    found = find_images(images, model.preprocessing.channels, model.preprocessing.reading.image_array)
    check_spared(found, out, format_)
    references = find_references(labels, list(found)) if labels else {}
    columns = (
        TextColumn("segmenting"),
        BarColumn(),
        TextColumn("{task.completed:.2f}/{task.total}"),
        TimeElapsedColumn(),
        TextColumn("left"),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as progress:
        bar = progress.add_task("segmenting", total=len(found))
        made = predict_all(
            model, found, out, format_, device, lambda done: progress.update(bar, completed=round(done, 2)), references
        )

    def say(line: str) -> None:
        console.print(line, highlight=False, soft_wrap=True)

    counts = Counter(note for prediction in made for note in prediction.notes)
    for note, count in counts.items():
        say(f"note: {count} image{'s' if count > 1 else ''}: {note}")
    written = sum(prediction.path is not None for prediction in made)
    if written:
        say(f"{written} label image{'s' if written > 1 else ''} in {out}")
        painted = zip(labelling.painted, labelling.classes, strict=True)
        names = ", ".join(f"{labelling.values[index]} {name}" for index, name in painted)
        say(f"{labelling.values[0]} background, {names}")
    scores = {prediction.name: prediction.dice for prediction in made if prediction.name in references}
    if scores:
        console.print(dice_table(scores, labelling.classes))
    faults = [fault for prediction in made for fault in prediction.faults]
    if faults:
        raise InputErrors(faults)
