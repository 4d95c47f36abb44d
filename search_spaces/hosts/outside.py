"""Networks that are not ours, trained beside ours: any callable of a Python module that makes a torch module.

Its name as a host is ``python:MODULE.CALLABLE``. No space offers one, since it has no slots. It keeps the initial
weights that it gives itself.
"""

from __future__ import annotations

import functools
import importlib
import inspect
import json
import re
from collections.abc import Callable, Mapping
from typing import Any, ClassVar

import torch
from torch import Tensor, nn
from torch.nn import functional

from search_spaces.attention.mechanism import Value
from search_spaces.errors import InputError, unknown_name
from search_spaces.exporting import lack
from search_spaces.hosts.host import HOSTS, Host, HostEntry, Outputs
from search_spaces.hosts.slot import Slot

PREFIX = "python:"
RIVALS = f"{PREFIX}search_spaces.rivals."  # begins the names of those that this package brings itself
ARGUMENTS = "arguments"  # the one option: JSON, since options are words and numbers
MULTIPLE = 32  # images are padded to lengths that five halvings leave whole, as networks seldom take others
PATH = re.compile(r"(?:[A-Za-z_]\w*\.)+[A-Za-z_]\w*")
KNOWN = {  # what a constructor may call them, and what stands for them among the arguments
    "$channels": (
        "in_channels",
        "in_chans",
        "in_ch",
        "n_channels",
        "num_channels",
        "input_channels",
        "num_input_channels",
    ),
    "$outputs": ("out_channels", "num_classes", "n_classes", "out_chans", "out_ch", "classes", "output_channels"),
    "$dims": ("spatial_dims", "dims", "dimensions", "ndim"),
}
NEEDED = {"$channels": "the channels of the image", "$outputs": "the classes with the background"}


class Outside(Host):
    """A network by a callable's dotted path; each path has a class of its own, see ``_entry``.

    Args:
        arguments: its keyword arguments as JSON; ``"$channels"``, ``"$outputs"`` and ``"$dims"`` among the values stand
            for those of the task. Left out, they go to the arguments that usually take them.
    """

    target: ClassVar[str]

    def __init__(
        self, in_channels: int, classes: int, *, dims: int, attention: Mapping[str, nn.Module], arguments: str = "{}"
    ) -> None:
        super().__init__(attention)
        self.channels = 1 + classes
        task = {"$channels": in_channels, "$outputs": 1 + classes, "$dims": dims}
        self.network = _made(self.target, json.loads(arguments), task)

    def __reduce__(self) -> tuple[Any, ...]:
        """For pickles: its class, made for its path, is found in no module."""
        return _empty, (self.target,), self.__dict__

    @classmethod
    def slots(cls, *, dims: int, **options: Any) -> list[Slot]:
        """None: nobody knows what is inside."""
        return []

    def outputs(self, image: Tensor) -> Outputs:
        """As of any host. Of several outputs the first counts."""
        size = image.shape[2:]
        lacking = [lack(length, MULTIPLE) for length in size]
        margins = [margin for missing in reversed(lacking) for margin in (missing // 2, missing - missing // 2)]
        made = self.network(functional.pad(image, margins))
        if isinstance(made, Mapping):
            made = next(iter(made.values()))
        logits = made[0] if isinstance(made, list | tuple) else made
        expected = (image.shape[0], self.channels, *(length + more for length, more in zip(size, lacking, strict=True)))
        if not isinstance(logits, Tensor) or tuple(logits.shape) != expected:
            got = tuple(logits.shape) if isinstance(logits, Tensor) else type(logits).__name__
            raise InputError(f"network '{self.target}': expected logits {expected}; got {got}")
        return Outputs(functional.pad(logits, [-margin for margin in margins]))


def normal_path(name: str) -> str:
    """``MODULE:CALLABLE`` or ``python:MODULE.CALLABLE`` as ``python:MODULE.CALLABLE``. Raises ``InputError``."""
    path = name.removeprefix(PREFIX).replace(":", ".")
    if not PATH.fullmatch(path):
        raise InputError(f"network '{name}': expected python:MODULE.CALLABLE, as python:monai.networks.nets.UNet")
    return PREFIX + path


def is_ours(host: str) -> bool:
    """Whether a host by that name is a network of ``search_spaces/rivals/``: the only code that an export may name."""
    return host.startswith(RIVALS)


def module_of(host: str) -> str:
    """The module to import for a host's name."""
    return host.removeprefix(PREFIX).rpartition(".")[0]


def _made(target: str, given: Mapping[str, Any], task: Mapping[str, int]) -> nn.Module:
    """Call ``target``; every way in which it may fail is an ``InputError`` of one line."""
    maker = _found(target)
    arguments = _with_task(target, maker, given, task)
    try:
        network = maker(**arguments)
    except Exception as error:  # of code that is not ours
        words = " ".join(str(error).split())[:300]
        raise InputError(f"network '{target}' cannot be made: {type(error).__name__}: {words}") from None
    if not isinstance(network, nn.Module):
        raise InputError(f"network '{target}': expected it to make a torch.nn.Module; got {type(network).__name__}")
    return network


def _found(target: str) -> Callable[..., Any]:
    module, _, name = target.rpartition(".")
    try:
        with torch.device("cpu"):  # a cost is measured on the meta device, which is no place for a module's constants
            members = vars(importlib.import_module(module))
    except Exception as error:
        words = " ".join(str(error).split())[:300]
        raise InputError(
            f"network '{target}': '{module}' cannot be imported: {type(error).__name__}: {words}"
        ) from None
    if name not in members:
        networks = [key for key, member in members.items() if inspect.isclass(member) and issubclass(member, nn.Module)]
        raise InputError(f"network '{target}': {unknown_name(f'network of {module}', name, networks or ['none'])}")
    if not callable(members[name]):
        raise InputError(f"network '{target}': expected a class or a function; got {type(members[name]).__name__}")
    return members[name]


def _with_task(
    target: str, maker: Callable[..., Any], given: Mapping[str, Any], task: Mapping[str, int]
) -> dict[str, Any]:
    """The arguments with the task's numbers in them."""
    takes = inspect.signature(maker).parameters
    arguments = {name: _filled(value, task) for name, value in given.items()}
    used = json.dumps(given)
    for mark, names in KNOWN.items():
        if f'"{mark}"' in used or any(name in arguments for name in names):
            continue
        usual = next((name for name in names if name in takes), None)
        if usual is not None:
            arguments[usual] = task[mark]
        elif mark in NEEDED:
            raise InputError(
                f"network '{target}': expected an argument for {NEEDED[mark]}, as {names[0]}, or '{mark}' among the "
                f"arguments; it takes {', '.join(takes)}"
            )
    return arguments


def _filled(value: Any, task: Mapping[str, int]) -> Any:
    if isinstance(value, list):
        return [_filled(one, task) for one in value]
    if isinstance(value, Mapping):
        return {name: _filled(one, task) for name, one in value.items()}
    return task.get(value, value) if isinstance(value, str) else value


@functools.cache
def _entry(name: str) -> HostEntry:
    """Of a host by its name; nothing is imported before it is built, but for ours."""
    target = normal_path(name).removeprefix(PREFIX)
    options: dict[str, tuple[Value, ...]] = {ARGUMENTS: ("{}",)}
    return HostEntry(
        name,
        type("Outside", (Outside,), {"target": target}),
        target,
        _dims_of_ours(target) if is_ours(name) else (2, 3),
        options,
        {ARGUMENTS: "{}"},
        outside=True,
    )


def _empty(target: str) -> Host:
    """A network whose parts are still to come."""
    kind = _entry(PREFIX + target).module
    return kind.__new__(kind)


def _dims_of_ours(target: str) -> tuple[int, ...]:
    """In which dimensions a network of ours exists. Raises ``InputError`` where ``target`` is none of its file."""
    network = _found(target)
    if not (inspect.isclass(network) and issubclass(network, nn.Module) and network.__module__ == module_of(target)):
        raise InputError(f"network '{target}': expected a network that is defined there")
    return (2, 3) if KNOWN["$dims"][0] in inspect.signature(network).parameters else (2,)


HOSTS.made(PREFIX, _entry)
