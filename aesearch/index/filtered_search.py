"""Exact search among the items that meet a filter, whether they are few or many.

If many items meet it, the nearest items of all are searched, and those that do not meet it are left out. If too few are
left, the items that meet it are listed, and compared with the query one by one. Both are exact; the second takes time in
proportion to their number, which is small then.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from aesearch.index.filters import Filter
from aesearch.stores.base import NO_KEY

if TYPE_CHECKING:
    from aesearch.arrays import Rows
    from aesearch.index.storage import IndexState
    from aesearch.index.texts import Texts
    from aesearch.search.words import FoundPassage

MIN_REACH, REACH_PER_HIT = 256, 4
"""Nearest items of all that are searched first: at least, and for each hit."""


class FilteredTexts:
    """A full-text index of the passages whose items meet a condition; see `aesearch.search.words.Texts`."""

    def __init__(self, texts: Texts, condition: Filter | None) -> None:
        self._texts, self._condition = texts, condition

    def __len__(self) -> int:
        return len(self._texts)

    def count(self, expression: str, limit: int) -> int:
        """Return the number of passages of all items that match an expression: frequencies do not depend on the filter."""
        return self._texts.count(expression, limit)

    def search(self, expression: str, limit: int) -> list[FoundPassage]:
        """Return the passages that match an expression, the best first."""
        return self._texts.search(expression, limit, self._condition)


def search_store(
    index: IndexState, codes: Rows, k: int, condition: Filter | None, excluded: Sequence[int] = ()
) -> tuple[np.ndarray, np.ndarray]:
    """Return the k nearest items of each code that meet a condition; see `Store.search`. The caller holds the lock.

    Parameters
    ----------
    index : IndexState
    codes : array of shape (n_queries, width)
    k : int
    condition : Filter or None
    excluded : sequence of int
        Keys of items that are left out.

    Returns
    -------
    keys, distances : arrays of shape (n_queries, k)
        Padded with NO_KEY and infinity if fewer items meet the condition.
    """
    if condition is None and not excluded:
        return index.store.search(codes, k)
    reach = max(MIN_REACH, REACH_PER_HIT * k) + len(excluded)
    nearest, nearest_distances = index.store.search(codes, reach)
    allowed = np.setdiff1d(_matching(index, condition, np.unique(nearest)), np.array(excluded, np.int64))
    keys = np.full((codes.shape[0], k), NO_KEY, np.int64)
    distances = np.full(keys.shape, np.inf, np.float32)
    selected: np.ndarray | None = None
    for query in range(codes.shape[0]):
        is_allowed = np.isin(nearest[query], allowed)
        found, found_distances = nearest[query][is_allowed], nearest_distances[query][is_allowed]
        if len(found) < k and reach < len(index.store):
            if selected is None:
                selected = np.setdiff1d(_select(index, condition), np.array(excluded, np.int64))
            found_distances = index.store.distances(codes[[query]], selected)[0]
            order = np.lexsort((selected, found_distances))
            found, found_distances = selected[order], found_distances[order]
        n = min(k, len(found))
        keys[query, :n], distances[query, :n] = found[:n], found_distances[:n]
    return keys, distances


def _matching(index: IndexState, condition: Filter | None, keys: np.ndarray) -> np.ndarray:
    """Return which of some keys [n] are those of items that meet a condition, in ascending order."""
    if condition is None:
        return keys
    return np.array(sorted(index.ledger.matching(condition, keys.tolist())), np.int64)


def _select(index: IndexState, condition: Filter | None) -> np.ndarray:
    """Return the keys of all items that meet a condition."""
    return index.store.keys() if condition is None else np.array(index.ledger.select(condition), np.int64)
