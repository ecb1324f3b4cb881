"""Exact search among the items that meet a filter, whether they are few or many.

If many items meet it, the nearest items of all are searched, and those that do not meet it are left out. If too few are
left, the items that meet it are listed, and compared with the query one by one. Both are exact; the second takes time in
proportion to their number, which is small then.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

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


class _Found(NamedTuple):
    """Nearest items that meet a condition.

    Attributes
    ----------
    keys, distances : arrays of shape (n_queries, k)
    is_complete : bool
        Whether these are all k, or all that exist.
    n_allowed : float
        Mean number of items found for a query.
    """

    keys: np.ndarray
    distances: np.ndarray
    is_complete: bool
    n_allowed: float


class FilteredStore:
    """Search in the store of an index, among the items that meet a condition. The caller holds the lock of the store.

    Parameters
    ----------
    index : IndexState
    condition : Filter or None
    excluded : sequence of int
        Keys of items that are left out.
    """

    def __init__(self, index: IndexState, condition: Filter | None, excluded: Sequence[int] = ()) -> None:
        self._index, self._condition = index, condition
        self._excluded = np.array(excluded, np.int64)
        self._selected: np.ndarray | None = None

    @property
    def is_filtered(self) -> bool:
        """Whether some items may be left out."""
        return self._condition is not None or len(self._excluded) > 0

    def search(self, codes: Rows, k: int) -> tuple[np.ndarray, np.ndarray]:
        """Return the k nearest items of each code that meet the condition; see `Store.search`.

        Returns
        -------
        keys, distances : arrays of shape (n_queries, k)
            Padded with NO_KEY and infinity if fewer items meet the condition.
        """
        store = self._index.store
        if not self.is_filtered:
            return store.search(codes, k)
        if self._selected is None:
            reach = max(MIN_REACH, REACH_PER_HIT * k) + len(self._excluded)
            found = self._search_nearest(codes, k, reach)
            # The share of the nearest items that meet the condition says which way is shorter.
            further = int(2 * k * reach / max(found.n_allowed, 1))
            if not found.is_complete and found.n_allowed and further < found.n_allowed / reach * len(store):
                found = self._search_nearest(codes, k, further)
            if found.is_complete:
                return found.keys, found.distances
            self._selected = np.setdiff1d(self._select(), self._excluded)
        distances = store.distances(codes, self._selected)
        return _take_nearest(np.broadcast_to(self._selected, distances.shape), distances, np.isfinite(distances), k)

    def _search_nearest(self, codes: Rows, k: int, reach: int) -> _Found:
        """Search the `reach` nearest items of all, and keep those that meet the condition."""
        keys, distances = self._index.store.search(codes, reach)
        is_allowed = np.isin(keys, np.setdiff1d(self._matching(np.unique(keys)), self._excluded))
        counts = is_allowed.sum(1)
        is_complete = reach >= len(self._index.store) or bool((counts >= k).all())
        nearest = _take_nearest(keys, distances, is_allowed, k)
        return _Found(*nearest, is_complete, float(counts.mean()) if len(counts) else 0.0)

    def _matching(self, keys: np.ndarray) -> np.ndarray:
        """Return which of some keys [n] are those of items that meet the condition, in ascending order."""
        if self._condition is None:
            return keys
        return np.array(sorted(self._index.ledger.matching(self._condition, keys.tolist())), np.int64)

    def _select(self) -> np.ndarray:
        """Return the keys of all items that meet the condition."""
        if self._condition is None:
            return self._index.store.keys()
        return np.array(self._index.ledger.select(self._condition), np.int64)


def _take_nearest(keys: np.ndarray, distances: np.ndarray, is_allowed: np.ndarray, k: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the k nearest allowed items of each query, ties ordered by key."""
    nearest = np.full((len(keys), k), NO_KEY, np.int64)
    nearest_distances = np.full(nearest.shape, np.inf, np.float32)
    for query in range(len(keys)):
        own_keys, own_distances = keys[query][is_allowed[query]], distances[query][is_allowed[query]]
        order = np.lexsort((own_keys, own_distances))[:k]
        nearest[query, : len(order)], nearest_distances[query, : len(order)] = own_keys[order], own_distances[order]
    return nearest, nearest_distances
