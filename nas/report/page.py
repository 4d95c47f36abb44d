"""The page: one HTML file with its styles, its programs and all its data inside, which asks nothing of a network."""

from __future__ import annotations

import base64
import hashlib
import html
import json
from dataclasses import dataclass
from importlib import resources
from string import Template

from nas.report.content import Content, plain

# In the order in which they stand on one another.
PROGRAMS = (
    *("elements", "numbers", "scales", "state", "network", "filters", "front", "drawing", "detail", "table"),
    *("progress", "effects", "coordinates", "failures", "page"),
)
LIVE, LAST = "live", "begin"
# A script ends at the first "</script" and a comment begins at "<!--", also within a string of JSON.
UNSAFE = {"<": "\\u003c", ">": "\\u003e", "&": "\\u0026", "\u2028": "\\u2028", "\u2029": "\\u2029"}


@dataclass(frozen=True)
class Live:
    """Where a page that is served stands: the names of all runs that are, and the number of its own."""

    runs: list[str]
    at: int


def page_of(content: Content) -> str:
    """The page of a run."""
    return page(content.run, safe_json(content))


def page(title: str, data: str, live: Live | None = None) -> str:
    """The page.

    Args:
        title: of it, as it is.
        data: JSON, see ``safe_json``.
        live: of a page that asks the address that it came from for newer data; None: it asks for nothing.
    """
    style = _read("style.css")
    names = PROGRAMS if live is None else (*PROGRAMS, LIVE)
    program = '"use strict";\n(() => {\n' + "\n".join(_read(f"{name}.js") for name in (*names, LAST)) + "\n})();\n"
    policy = [
        "default-src 'none'",
        f"script-src '{_digest(program)}'",
        f"style-src '{_digest(style)}'",
        "img-src data:",
        *(["connect-src 'self'"] if live is not None else []),
        "base-uri 'none'",
        "form-action 'none'",
    ]
    return Template(_read("page.html")).substitute(
        title=html.escape(title),
        policy=html.escape("; ".join(policy)),
        style=style,
        program=program,
        data=data,
        live=safe_json(live),
    )


def safe_json(content: object) -> str:
    """As JSON that can stand in an HTML page, whatever users named their classes and cases."""
    text = json.dumps(content, default=plain, separators=(",", ":"), allow_nan=False, ensure_ascii=False)
    for character, escape in UNSAFE.items():
        text = text.replace(character, escape)
    return text.encode(errors="replace").decode()  # names of files need not be Unicode


def _digest(text: str) -> str:
    """As a content security policy names what may run."""
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


def _read(name: str) -> str:
    return (resources.files("nas.report") / "static" / name).read_text(encoding="utf-8")
