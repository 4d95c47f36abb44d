"""Plain networks as large as another one, so that a difference is none of parameters.

The plain counterpart of a network with attention is its host with every slot empty, as wide as makes it as large:
beside it a gain is one of attention over the same number of parameters spent on width. A network that is not ours has
no such host; what its parameters would be worth in the usual form, a plain U-Net of as many tells.
"""

from __future__ import annotations

import math
from collections.abc import Callable

from search_spaces.architecture.architecture import Architecture
from search_spaces.hosts import HOSTS

WIDTH = "width"  # the option that makes a host larger without making it another one
NEAR = 0.1  # share of the parameters by which a counterpart may differ and count as of equal size
PASSED = 1.25  # times the parameters wanted: no width beyond comes nearer, whatever rounding a host does
WIDEST = 8  # times the width of the network itself
USUAL = 8  # width of a plain U-Net; its depth is the one at which a width near this gives the parameters
SHALLOWEST = 2  # halvings of a plain U-Net


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


def plain_unet(wanted: int, dims: int, deepest: int, params_of: Callable[[Architecture], int]) -> Architecture:
    """The plain U-Net of about ``wanted`` parameters: within 5 % of them from ten thousand on.

    Of the depths up to ``deepest`` it has the one at which the width comes nearest to ``USUAL``, by their ratio, so
    that neither a thin deep network nor a broad shallow one stands for all. As one width more is a fourth more
    parameters there, the next larger one is taken and the channels of its widest level are as many as fit.

    Args:
        wanted: parameters.
        dims: 2 or 3.
        deepest: most halvings.
        params_of: exact parameters of an architecture on the task.
    """

    usually = HOSTS["unet"].defaults["widest"]
    assert isinstance(usually, int)

    def unet(depth: int, width: int, widest: int | None = None) -> Architecture:
        widest = widest or max(width * 2**depth, usually)
        return Architecture.create("unet", dims, {"depth": depth, WIDTH: width, "widest": widest})

    def misses(network: Architecture) -> float:
        return abs(math.log(params_of(network) / wanted))

    depths = range(SHALLOWEST, max(deepest, SHALLOWEST) + 1)
    ratios = {depth: math.sqrt(wanted / params_of(unet(depth, USUAL))) for depth in depths}  # parameters: width squared
    depth = min(depths, key=lambda depth: abs(math.log(ratios[depth])))
    width = max(round(ratios[depth] * USUAL), 1)
    while params_of(unet(depth, width)) < wanted:
        width += 1
    while width > 1 and params_of(unet(depth, width - 1)) >= wanted:
        width -= 1
    full = width * 2**depth
    low, high = full // 2, full  # the channels of the widest level: from no more than the one above has
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if params_of(unet(depth, width, middle)) < wanted else (low, middle)
    found = [unet(depth, width), *(unet(depth, width, widest) for widest in (low, high) if 0 < widest < full)]
    return min([*found, *([unet(depth, width - 1)] if width > 1 else [])], key=misses)
