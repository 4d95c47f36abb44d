"""The option that says where a network runs, shared by the commands that need it."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import typer


class Device(StrEnum):
    """Where a network can run."""

    cpu = "cpu"
    cuda = "cuda"


DEVICE = Annotated[Device, typer.Option(help="Where the network runs.")]
