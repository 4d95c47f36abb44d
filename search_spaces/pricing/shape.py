"""A tensor of which only the shape and the type are known."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor

Run = Callable[[Any, tuple[Any, ...], dict[str, Any]], Any]  # function, arguments, named arguments


class Unpriced(Exception):
    """Of what is not to be told from shapes alone; ``measure`` then takes tensors of the meta device."""


class Shape:
    """Stands for a tensor where a network is run for its cost.

    There is one object for each shape and type, see ``shape``, so that what was found for it is found by identity. All
    that is called on it goes to ``Shape.run``, as torch's own functions do.
    """

    __slots__ = ("dtype", "shape")
    run: Run
    device = torch.device("meta")
    requires_grad = False
    layout = torch.strided

    def __init__(self, size: torch.Size, dtype: torch.dtype) -> None:
        self.shape, self.dtype = size, dtype

    @property  # type: ignore[misc]
    def __class__(self) -> type:
        """Code that tells a tensor from a list of tensors shall find one."""
        return Tensor

    @classmethod
    def __torch_function__(cls, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        return cls.run(func, args, kwargs or {})

    def dim(self) -> int:
        return len(self.shape)

    ndim = property(dim)

    def size(self, dim: int | None = None) -> Any:
        return self.shape if dim is None else self.shape[dim]

    def numel(self) -> int:
        return self.shape.numel()

    def __len__(self) -> int:
        return self.shape[0]

    def __bool__(self) -> bool:
        raise Unpriced("a decision that follows values")

    def __getattr__(self, name: str) -> Any:
        member = getattr(Tensor, name)
        if not callable(member):  # a property, such as T
            return Shape.run(member.__get__, (self,), {})

        def method(*args: Any, **kwargs: Any) -> Any:
            return Shape.run(member, (self, *args), kwargs)

        return method


def _operator(name: str) -> Callable[..., Any]:
    function = getattr(Tensor, name)

    def operator(self: Shape, *others: Any) -> Any:
        return Shape.run(function, (self, *others), {})

    return operator


UNARY = ("neg", "invert", "abs", "pos")
BINARY = ("add", "sub", "mul", "truediv", "floordiv", "mod", "matmul", "pow")
OTHER = ("eq", "ne", "lt", "le", "gt", "ge", "and", "or", "xor", "getitem", "setitem")
OPERATORS = (*UNARY, *BINARY, *(f"r{name}" for name in BINARY), *(f"i{name}" for name in BINARY), *OTHER)
for _name in OPERATORS:
    if hasattr(Tensor, f"__{_name}__"):
        setattr(Shape, f"__{_name}__", _operator(f"__{_name}__"))
Shape.__hash__ = object.__hash__  # type: ignore[method-assign]

_SHAPES: dict[tuple[tuple[int, ...], torch.dtype], Shape] = {}


def shape(size: Sequence[int], dtype: torch.dtype = torch.float32) -> Shape:
    """The one object for ``size`` and ``dtype``."""
    key = tuple(size), dtype
    found = _SHAPES.get(key)
    if found is None:
        found = _SHAPES[key] = Shape(torch.Size(key[0]), dtype)
    return found
