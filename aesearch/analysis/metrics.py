"""Retrieval metrics of ranked results, and the squared error of reconstructions."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from aesearch.arrays import is_sparse, scale_pixels
from aesearch.items import Label, label_names

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


class RelevanceByLabel:
    """Which items are relevant to a query: those that share a label with it.

    Parameters
    ----------
    labels : sequence of (str or tuple of str or None)
        The labels of the items; see `Item.label`.
    """

    def __init__(self, labels: Sequence[Label | None]) -> None:
        self._n_items = len(labels)
        self._positions = _positions_by_name(labels)

    def relevant_items(self, label: Label) -> np.ndarray:
        """Return which items share a label with a query, [n_items] bool."""
        is_relevant = np.zeros(self._n_items, bool)
        for name in label_names(label):
            is_relevant[self._positions.get(name, [])] = True
        return is_relevant


def macro_mean(values: np.ndarray, labels: Sequence[Label]) -> np.ndarray:
    """Return the mean over labels of the mean of the values of the queries that have this label.

    Parameters
    ----------
    values : array of shape (n_queries, ...)
    labels : sequence of (str or tuple of str)
        The labels of the queries.

    Returns
    -------
    array of shape (...)
    """
    return np.mean([values[positions].mean(0) for positions in _positions_by_name(labels).values()], axis=0)


def _positions_by_name(labels: Sequence[Label | None]) -> dict[str, np.ndarray]:
    """Return the positions of the labels that name a class, for each class."""
    positions = defaultdict(list)
    for position, label in enumerate(labels):
        for name in label_names(label):
            positions[name].append(position)
    return {name: np.array(found) for name, found in positions.items()}


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
