"""Linear algebra on one core.

The matrices of a search are small, and the other cores are the workers': threads of BLAS, which wait for each other by
spinning, made a suggestion seven times slower there, and an interval five times.
"""

from __future__ import annotations

import functools
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from threadpoolctl import ThreadpoolController


@functools.cache
def _controller() -> ThreadpoolController:
    import numpy  # noqa: F401 - its BLAS and
    import scipy.linalg  # noqa: F401 - scipy's are to be found
    from threadpoolctl import ThreadpoolController

    return ThreadpoolController()


@contextmanager
def one_core() -> Iterator[None]:
    """While it lasts, or in the function that it decorates, BLAS starts no threads."""
    with _controller().limit(limits=1, user_api="blas"):
        yield
