"""Output where it is not UTF-8: a terminal with another locale, a log, a pipe that was told ``ascii``."""

from __future__ import annotations

import codecs
import io
from typing import TextIO

NEAR = {
    **dict.fromkeys("─━╌┄═", "-"), **dict.fromkeys("│┃║", "|"), **dict.fromkeys("┌┐└┘├┤┬┴┼╭╮╯╰╱╲", "+"),
    **dict.fromkeys("●■◆█▇▆▅▄▃▂▁▪", "#"), **dict.fromkeys("○□◇∘•", "o"), **dict.fromkeys("·░", "."), "▒": ":", "▓": "%",
    "▶": ">", "→": ">", "↗": "/", "↘": "\\", "↙": "/", "▼": "v", "↓": "v", "▲": "^", "↑": "^",
    "…": "...", "±": "+-", "×": "x", "–": "-", "—": "-", "≤": "<=", "≥": ">=", "µ": "u",
}  # fmt: skip
HANDLER = "nas.near"


def accept_every_character(*streams: TextIO) -> None:
    """From now on no character is an error of ``streams``: one that they cannot show becomes one near it, or a code."""
    codecs.register_error(HANDLER, _near)
    for stream in streams:
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors=HANDLER)


def _near(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeEncodeError):
        raise error
    text = error.object[error.start : error.end]
    shown = "".join(NEAR.get(one) or one.encode("ascii", "backslashreplace").decode() for one in text)
    return shown, error.end
