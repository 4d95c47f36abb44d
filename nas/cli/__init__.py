"""The command line: one file a command."""

from nas.cli.app import main

__all__ = ["main"]
