"""The ``nas`` command: its options, and how errors look."""

from __future__ import annotations

import gc
import importlib
import os
import signal
import sys
import traceback
import warnings
from types import FrameType
from typing import Annotated

import typer
from rich.console import Console

from nas.cli.plain_text import accept_every_character
from search_spaces.errors import InputError
from search_spaces.plugins import import_plugins

COMMANDS = (
    *("search", "suite", "init", "front", "report", "serve", "effects", "export", "track"),
    *("plan", "train", "predict", "profile", "benchmark", "listing"),
)
BRIEF = ("front", "effects", "list", "report")  # that read, show and end: nothing of it is worth clearing away
PLUGINS = "NAS_PLUGINS"  # modules that any command imports first, as 'plugins' of a config
EXIT_FAILURE, EXIT_INPUT, EXIT_INTERRUPTED = 1, 2, 130

app = typer.Typer(
    name="nas",
    help="Find which attention, where in a medical segmentation network, at what parameter cost, is worth having.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)

console = Console(markup=False, emoji=False)  # names may hold brackets and colons
WIDE = 100  # columns of a terminal from which on tables have room for everything
errors = Console(stderr=True, soft_wrap=True, highlight=False, markup=False, emoji=False)


@app.callback()
def options(debug: Annotated[bool, typer.Option("--debug", help="Show the trace of an error.")] = False) -> None:
    """Find which attention, where in a medical segmentation network, at what parameter cost, is worth having."""


def _interrupt(number: int, frame: FrameType | None) -> None:
    raise KeyboardInterrupt


def main() -> None:
    """Run the command line; exit code 2 and one line a fault for bad input, 130 for Ctrl-C and SIGTERM, 1 else."""
    signal.signal(signal.SIGTERM, _interrupt)  # what a cluster's scheduler sends at the end of a job's time
    warnings.filterwarnings("ignore", category=FutureWarning)
    accept_every_character(sys.stdout, sys.stderr)
    for command in COMMANDS:
        importlib.import_module(f"nas.cli.{command}")
    arguments = [argument for argument in sys.argv[1:] if argument != "--debug"]  # welcome at any place
    debug = len(arguments) < len(sys.argv) - 1
    if arguments[:1] and arguments[0] in BRIEF:
        gc.disable()  # going over all objects time and again takes a sixth of the time of such a command
    try:
        import_plugins(os.environ.get(PLUGINS, "").replace(",", " ").split())
        app(arguments, prog_name="nas")
    except InputError as error:
        if debug:
            traceback.print_exc()
        for fault in error.faults:
            line = fault.replace("\n", "\\n")  # a fault is one line, whatever a name in it holds
            errors.print(f"error: {line}")
        sys.exit(EXIT_INPUT)
    except KeyboardInterrupt:
        if debug:
            traceback.print_exc()
        errors.print("interrupted")
        sys.exit(EXIT_INTERRUPTED)
    except Exception as error:
        if debug:
            traceback.print_exc()
        hint = "" if debug else "; --debug shows the trace"
        errors.print(f"error: {type(error).__name__}: {' '.join(str(error).split())}{hint}")
        sys.exit(EXIT_FAILURE)
    finally:
        gc.enable()
