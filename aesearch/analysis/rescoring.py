"""The label-free score of an index, with items that its coder was not trained on."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING

import numpy as np

from aesearch.arrays import stack_rows
from aesearch.scoring import MIN_ITEMS, HeldOutItems, Score

if TYPE_CHECKING:
    from aesearch.arrays import Rows
    from aesearch.index.retriever import Retriever

Reload = Callable[[Sequence[int]], Iterable[tuple[Sequence[int], "Rows"]]]
"""Returns batches of keys and features [n_items, ...] of indexed items, as `Retriever.reload_features` does."""


def score_queries(
    retriever: Retriever, X: Rows, keys: np.ndarray | None = None, reload: Reload | None = None
) -> Score | None:
    """Return the label-free score of an index (`aesearch.scoring`).

    Parameters
    ----------
    retriever : Retriever
    X : array of shape (n_items, ...)
        Features of items that the coder was not trained on.
    keys : array of shape (n_items,), int64, optional
        Keys of these items, if they are in the index.
    reload : callable, optional
        Reads the features of indexed items, by default from their files.

    Returns
    -------
    Score or None
        None for fewer than 20 items, and if the neighbors of an item can no longer be read.
    """
    reload = reload or (retriever.reload_features if retriever.record.source else None)
    if X.shape[0] < MIN_ITEMS or reload is None:
        return None
    held_out, coder = HeldOutItems(X), retriever.coder

    def contents_of(neighbors: np.ndarray) -> Rows:
        batches = list(reload(neighbors.tolist()))
        found = np.concatenate([batch_keys for batch_keys, _ in batches]) if batches else np.zeros(0, np.int64)
        order = np.argsort(found)
        if not np.array_equal(found[order], neighbors):
            raise _Unreadable
        contents: Rows = held_out.describe(stack_rows([rows for _, rows in batches])[order])
        return contents

    try:
        first, second = coder.encode(held_out.first), coder.encode(held_out.second)
        return held_out.score(retriever.store, first, second, contents_of, keys).summarize()
    except _Unreadable:
        return None


class _Unreadable(Exception):
    """Some neighbors can no longer be read."""
