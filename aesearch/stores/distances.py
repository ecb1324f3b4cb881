"""Distances between codes, without an index."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from aesearch.arrays import is_sparse

if TYPE_CHECKING:
    from aesearch.arrays import Rows
    from aesearch.coders.base import Metric


def pairwise_distances(first: Rows, second: Rows, metric: Metric) -> np.ndarray:
    """Return the distances between prepared codes [n, width] and [m, width]: [n, m] float32."""
    if metric == "hamming":
        differing = np.asarray(first)[:, None] ^ np.asarray(second)[None]
        return np.unpackbits(differing, axis=2).sum(2, dtype=np.int64).astype(np.float32)
    if metric == "l2":
        return np.linalg.norm(np.asarray(first)[:, None] - np.asarray(second)[None], axis=2).astype(np.float32)
    cosines: Any = first @ second.T
    return np.maximum(np.float32(1) - (cosines.toarray() if is_sparse(cosines) else cosines), np.float32(0))
