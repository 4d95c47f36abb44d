"""Inverses by Cholesky factors."""

from __future__ import annotations

import numpy as np
import scipy.linalg


def inverse_of(factor: np.ndarray) -> np.ndarray:
    """The inverse ``(n, n)`` of a symmetric matrix by its lower Cholesky factor, which is left as it was."""
    lower, _ = scipy.linalg.lapack.dpotri(factor, lower=True)
    lower = np.tril(lower)
    return np.asarray(lower + np.tril(lower, -1).T)
