"""Retrieval metrics of ranked results, and the squared error of reconstructions."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from aesearch.arrays import is_sparse, scale_pixels

if TYPE_CHECKING:
    from aesearch.arrays import Rows


def precision_at(is_relevant: np.ndarray, k: int) -> np.ndarray:
    """Return the share of relevant items among the first k results of each query.

    Parameters
    ----------
    is_relevant : array of shape (n_queries, n_results), bool
        Whether each result is relevant, nearest first. If there are fewer than k results, the share is of all of them.
    k : int

    Returns
    -------
    array of shape (n_queries,)
    """
    return is_relevant[:, :k].mean(1)


def average_precision(is_relevant: np.ndarray) -> np.ndarray:
    """Return the average precision of each query: the mean of the precisions at the ranks of its relevant results.

    The mean is over the relevant items among the results, not over all relevant items of the collection.

    Parameters
    ----------
    is_relevant : array of shape (n_queries, n_results), bool
        Whether each result is relevant, nearest first.

    Returns
    -------
    array of shape (n_queries,)
        0 for a query without a relevant result.
    """
    n_relevant = is_relevant.cumsum(1)
    precisions = n_relevant / np.arange(1, is_relevant.shape[1] + 1)
    return (precisions * is_relevant).sum(1) / np.maximum(n_relevant[:, -1], 1)


def squared_errors(X: Rows, decoded: np.ndarray) -> np.ndarray:
    """Return the squared reconstruction error of each row, summed over its features.

    Parameters
    ----------
    X : array of shape (n_items, ...)
        One batch of rows: dense or csr; uint8 pixels are scaled to 0..1.
    decoded : array of the same shape, float32
        Reconstructions of the rows.

    Returns
    -------
    array of shape (n_items,), float32
    """
    rows = scale_pixels(X.toarray() if is_sparse(X) else np.asarray(X))  # type: ignore[union-attr]
    return ((rows - decoded) ** 2).reshape(len(rows), -1).sum(1)
