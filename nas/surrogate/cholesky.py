"""Inverses by Cholesky factors."""

from __future__ import annotations

import numpy as np
import scipy.linalg


def inverse_of(factor: np.ndarray) -> np.ndarray:
    """The inverse ``(n, n)`` of a symmetric matrix by its lower Cholesky factor, 0 above the diagonal, which stays."""
    lower, _ = scipy.linalg.lapack.dpotri(factor, lower=True)
    inverse = lower + lower.T
    inverse[np.diag_indices_from(inverse)] /= 2
    return np.asarray(inverse)
