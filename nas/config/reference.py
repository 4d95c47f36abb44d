"""Every key of a config with its default and meaning, read from the config's own models.

python -m nas.config.reference > docs/config.md
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated, Any, Literal, get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from nas.config.config import Config
from nas.config.sections import Architectures, Count, Duration

ITEM = re.compile(r"^    (\w+(?:, \w+)*): (.*)$")
WORDS = {
    bool: "true or false", int: "whole number", float: "number", str: "text",
    Count: "count (`500k`)", Duration: "duration (`90min`)", Architectures: "list, or mapping by name",
}  # fmt: skip
HEAD = """# Every key of a config

Written by the tool from its own models (`python -m nas.config.reference`); `nas list config` shows the same. A key
that is left out has the default, one given twice is a fault; `--set KEY=VALUE` sets one for once. What is chosen
follows from the training cases by rules: `nas plan TASK` shows it ([recipe.md](recipe.md)), and `nas init TASK` writes
a config with it.
"""


@dataclass(frozen=True)
class Key:
    """One key.

    Attributes:
        name: dotted, as ``training.steps``.
        kind: what values it takes, in words.
        default: as YAML has it; empty where the key holds keys.
        meaning: Markdown.
    """

    name: str
    kind: str
    default: str
    meaning: str


def keys(model: type[BaseModel] = Config, outer: str = "") -> Iterator[Key]:
    """Every key of a model, those of its sections after it."""
    told = meanings(model)
    for name, field in model.model_fields.items():
        section = _section(field.annotation)
        if section is None:
            yield Key(
                f"{outer}{name}",
                kind_of(_whole(field)),
                _default(field.get_default(call_default_factory=True)),
                told[name],
            )
        else:
            yield from keys(section, f"{outer}{name}.")


def meanings(model: type[BaseModel]) -> dict[str, str]:
    """What the docstring's attributes say, as Markdown: each on one line."""
    lines = inspect.cleandoc(model.__doc__ or "").partition("Attributes:\n")[2].splitlines()
    found: dict[str, str] = {}
    names: list[str] = []
    for line in lines:
        item = ITEM.match(line)
        if item:
            names = item[1].split(", ")
            found |= dict.fromkeys(names, item[2])
        else:
            for name in names:
                found[name] += f" {line.strip()}"
    return {name: re.sub(r"``(.+?)``", r"`\1`", text).strip() for name, text in found.items()}


def kind_of(annotation: Any) -> str:
    """A type in a user's words."""
    for known, words in WORDS.items():
        if annotation == known:
            return words
    origin, parts = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        return kind_of(parts[0])
    if origin is Literal:
        return " or ".join(f"`{part}`" for part in parts)
    if origin is list:
        return f"list of: {kind_of(parts[0])}"
    if origin is dict:
        return "mapping"
    given = [part for part in parts if part is not type(None)]
    if given:
        return " or ".join(dict.fromkeys("mapping" if _is_model(part) else kind_of(part) for part in given))
    raise TypeError(f"no words for {annotation}")


def page() -> str:
    """``docs/config.md``."""
    sections: dict[str, list[Key]] = {}
    for key in keys():
        sections.setdefault(key.name.rpartition(".")[0], []).append(key)
    lines = [HEAD]
    for section, members in sections.items():
        lines += [f"## `{section}`" if section else "## Outside sections", ""]
        lines += ["| key | default | values | meaning |", "|---|---|---|---|"]
        for key in members:
            cells = (f"`{key.name}`", f"`{key.default}`", key.kind, key.meaning)
            lines.append("| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |")
        lines.append("")
    return "\n".join(lines)


def _section(annotation: Any) -> type[BaseModel] | None:
    """The model of a key that always holds keys."""
    return annotation if _is_model(annotation) else None


def _is_model(annotation: Any) -> bool:
    return inspect.isclass(annotation) and issubclass(annotation, BaseModel)


def _whole(field: FieldInfo) -> Any:
    """The annotation with what pydantic took off it."""
    return Annotated[field.annotation, *field.metadata] if field.metadata else field.annotation


def _default(value: Any) -> str:
    if isinstance(value, bool) or value is None:
        return {True: "true", False: "false", None: "null"}[value]
    return f"{value:g}" if isinstance(value, float) else str(value)


if __name__ == "__main__":
    print(page(), end="")
