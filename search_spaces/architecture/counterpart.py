"""The plain counterpart of a network with attention: its host with every slot empty, as wide as makes it as large.

Beside it a gain is one of attention over the same number of parameters spent on width, and not over fewer.
"""

from __future__ import annotations

import math
from collections.abc import Callable

from search_spaces.architecture.architecture import Architecture

WIDTH = "width"  # the option that makes a host larger without making it another one
NEAR = 0.1  # share of the parameters by which a counterpart may differ and count as of equal size
PASSED = 1.25  # times the parameters wanted: no width beyond comes nearer, whatever rounding a host does
WIDEST = 8  # times the width of the network itself


def plain_counterpart(architecture: Architecture, params_of: Callable[[Architecture], int]) -> Architecture | None:
    """The network without attention whose parameters are nearest to those of ``architecture``, by their ratio.

    Args:
        architecture: a network with attention.
        params_of: exact parameters of an architecture on the task.

    Returns None for a network without attention and for a host that has no whole number as its width. The width is any
    that the host accepts, not only one that a space offers.
    """
    own = dict(architecture.options).get(WIDTH)
    if architecture.is_plain or type(own) is not int:
        return None
    wanted = params_of(architecture)
    best = _of_width(architecture, own)
    least = abs(math.log(params_of(best) / wanted))
    larger = params_of(best) < wanted
    for width in range(own + 1, WIDEST * own + 1) if larger else range(own - 1, 0, -1):
        candidate = _of_width(architecture, width)
        try:
            ratio = params_of(candidate) / wanted
        except Exception:  # a host of somebody's may refuse a width in its own way; then another one has to do
            continue
        if abs(math.log(ratio)) < least:
            best, least = candidate, abs(math.log(ratio))
        if ratio > PASSED if larger else ratio < 1 / PASSED:
            break
    return best


def _of_width(architecture: Architecture, width: int) -> Architecture:
    options = {**dict(architecture.options), WIDTH: width}
    return Architecture.create(architecture.host, architecture.dims, options)
