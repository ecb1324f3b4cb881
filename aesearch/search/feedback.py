"""Relevance feedback on codes: a query moves towards examples that are relevant, and away from those that are not.

References
----------
Rocchio 1971, "Relevance feedback in information retrieval".
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from aesearch.arrays import is_sparse

if TYPE_CHECKING:
    from aesearch.arrays import Rows
    from aesearch.coders.base import Metric


def combine_codes(codes: Rows, weights: np.ndarray, metric: Metric) -> Rows:
    """Return the code that is nearest to a weighted mean of codes.

    Parameters
    ----------
    codes : array or csr matrix of shape (n_codes, width)
        A query and examples.
    weights : array of shape (n_codes,)
        Negative for examples that the result should be unlike.
    metric : {"cosine", "l2", "hamming"}
        For the cosine, each code is scaled to unit length first. For bits, each bit is decided by the weighted majority;
        in a tie, by the codes in turn.

    Returns
    -------
    array or csr matrix of shape (1, width)
    """
    weights = np.asarray(weights, np.float32)
    if is_sparse(codes):
        from scipy.sparse import csr_array

        rows: Any = codes
        scale = weights / np.maximum(np.sqrt(np.asarray((rows * rows).sum(1)).ravel()), 1e-12)
        return csr_array((csr_array(rows) * scale[:, None]).sum(0)[None].astype(np.float32))
    dense = np.asarray(codes)
    if metric == "hamming":
        signs = 2.0 * np.unpackbits(dense, axis=1) - 1  # [n_codes, n_bits]
        votes, bits = weights @ signs, np.arange(signs.shape[1])
        undecided = np.abs(votes) < 1e-6  # decided by the codes in turn
        return np.packbits(np.where(undecided, signs[bits % len(signs), bits], votes) > 0)[None]
    if metric == "cosine":
        dense = dense / np.maximum(np.linalg.norm(dense, axis=1, keepdims=True), 1e-12)
        return (weights @ dense)[None].astype(np.float32)
    return (weights @ dense / max(float(weights.sum()), 1e-12))[None].astype(np.float32)
