"""The contract of all stores. Checking, scaling, ordering and locking happen here, once, so that all stores agree."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, Self

import numpy as np

from aesearch.coders.base import finite_rows
from aesearch.errors import InvalidParameter, ShapeMismatch, count
from aesearch.stores.distances import pairwise_distances
from aesearch.stores.locks import ReadWriteLock

if TYPE_CHECKING:
    from aesearch.arrays import Rows
    from aesearch.coders.base import Metric

NO_KEY = -1
"""Key that pads the results of queries with fewer hits than others."""

MAX_TIES = 10_000
"""Items searched beyond the k-th to resolve ties with it. If more items tie, the store decides which ones are returned."""

QUERY_BATCH = 1024
"""Items per search in `Store.neighbors_of`."""

MAX_RANGE_RESULTS = 10_000
"""Default limit of a range search, in items."""

MAX_RESULTS_PER_SEARCH = 1 << 22
"""Results computed at a time. For a very large k, few queries are searched at a time, so that memory stays bounded."""


class Store(ABC):
    """Holds codes under integer keys and finds the nearest ones exactly.

    Distances are smaller for nearer codes: "cosine" is 1 - cos, from 0 to 2; "l2" is the Euclidean distance; "hamming" is
    the number of differing bits.

    Parameters
    ----------
    metric : {"cosine", "l2", "hamming"}
        How codes are compared.
    width : int
        Columns of the code matrix: dimensions, or bytes for "hamming".

    Attributes
    ----------
    lock : ReadWriteLock
        Each method holds it, so threads may share a store. A caller holds it around several calls that belong together.
    """

    name: ClassVar[str]
    metrics: ClassVar[tuple[Metric, ...]]
    is_sparse: ClassVar[bool] = False
    """Whether the codes are csr matrices."""

    def __init__(self, metric: Metric, width: int) -> None:
        if metric not in self.metrics:
            raise InvalidParameter(f'store "{self.name}" does not support metric "{metric}"; use {", ".join(self.metrics)}')
        self.metric, self.width = metric, width
        self.lock = ReadWriteLock()
        self._sorted_keys: tuple[np.ndarray, np.ndarray] | None = None

    @abstractmethod
    def __len__(self) -> int:
        """Return the number of stored codes."""

    def add(self, keys: np.ndarray, codes: Rows) -> None:
        """Store codes.

        Parameters
        ----------
        keys : array of shape (n,), int64
            Non-negative, and not yet in use.
        codes : array of shape (n, width)

        Raises
        ------
        InvalidParameter
            If a code is not finite. Nothing is stored then.
        """
        keys = np.ascontiguousarray(keys, np.int64)
        if len(keys) != codes.shape[0]:
            raise ShapeMismatch("codes to add", f"{len(keys):,}, one for each key", f"{codes.shape[0]:,}")
        codes = self._prepare(codes)
        with self.lock.write():
            self._sorted_keys = None
            self._add(keys, codes)

    def search(self, codes: Rows, k: int) -> tuple[np.ndarray, np.ndarray]:
        """Return the k nearest items of each code, nearest first; ties are ordered by key.

        Items tied for the k-th place are chosen by key, too (but see MAX_TIES).

        Parameters
        ----------
        codes : array of shape (n_queries, width)
        k : int
            Any number from 1. No more results are returned than codes are stored.

        Returns
        -------
        keys : array of shape (n_queries, min(k, n_stored)), int64
        distances : array of shape (n_queries, min(k, n_stored)), float32

        Raises
        ------
        InvalidParameter
            If k is less than 1, or a code is not finite.
        """
        if k < 1:
            raise InvalidParameter(f"k is {k}; it must be at least 1")
        codes = self._prepare(codes)
        with self.lock.read():
            k = min(k, len(self))
            keys = np.full((codes.shape[0], k), NO_KEY, np.int64)
            distances = np.full((codes.shape[0], k), np.inf, np.float32)
            block = max(1, MAX_RESULTS_PER_SEARCH // (k + 1))
            for start in range(0, codes.shape[0] if k else 0, block):
                queries = slice(start, start + block)
                keys[queries], distances[queries] = self._search_with_ties(codes[queries], k)
        return keys, distances

    def _search_with_ties(self, codes: Rows, k: int) -> tuple[np.ndarray, np.ndarray]:
        """Return the k nearest items of prepared codes, 1 <= k <= len(self), in the order of `search`."""
        keys = np.full((codes.shape[0], k), NO_KEY, np.int64)
        distances = np.full((codes.shape[0], k), np.inf, np.float32)
        unresolved, reach = np.arange(codes.shape[0]), k + 1
        while len(unresolved):
            reach = min(reach, len(self))
            found, found_distances = self._search(codes[unresolved], reach)
            order = np.lexsort((found, found_distances))[:, :k]
            keys[unresolved] = np.take_along_axis(found, order, 1)
            distances[unresolved] = np.take_along_axis(found_distances, order, 1)
            if reach == len(self) or reach > k + MAX_TIES:
                break
            # A query is resolved if the search found an item farther than the k-th: then it found all ties for that place.
            unresolved = unresolved[found_distances.max(1) <= distances[unresolved, -1]]
            reach = min(4 * reach, k + MAX_TIES + 1)
        return keys, distances

    def range_search(
        self, codes: Rows, max_distance: float, limit: int = MAX_RANGE_RESULTS
    ) -> tuple[np.ndarray, np.ndarray]:
        """Return all items within a distance of each code, at most the `limit` nearest.

        Parameters
        ----------
        codes : array of shape (n_queries, width)
        max_distance : float
        limit : int
            Any number from 1.

        Returns
        -------
        keys, distances : arrays of shape (n_queries, m)
            As `search` returns them; m is the largest number of results of a query. Shorter results are padded with NO_KEY
            and infinity.

        Raises
        ------
        InvalidParameter
            If the distance is not a number, the limit is less than 1, or a code is not finite.
        """
        if np.isnan(max_distance):
            raise InvalidParameter("the maximum distance is not a number (--max-distance)")
        if limit < 1:
            raise InvalidParameter(f"the limit is {limit}; it must be at least 1")
        with self.lock.read():
            reach, limit = min(64, limit), max(1, min(limit, len(self)))
            while True:
                keys, distances = self.search(codes, reach)
                if reach >= limit or not (distances[:, -1:] <= max_distance).any():
                    break
                reach = min(4 * reach, limit)
        is_near = distances <= max_distance
        keys, distances = np.where(is_near, keys, NO_KEY), np.where(is_near, distances, np.inf)
        width = int((keys != NO_KEY).sum(1).max(initial=0))
        return keys[:, :width], distances[:, :width]

    def remove(self, keys: np.ndarray) -> None:
        """Remove the codes under the keys [n] int64. Unknown keys are ignored."""
        if len(keys):
            with self.lock.write():
                self._sorted_keys = None
                self._remove(np.ascontiguousarray(keys, np.int64))

    @abstractmethod
    def keys(self) -> np.ndarray:
        """Return the keys in use, [n] int64, in no particular order."""

    def codes(self, keys: np.ndarray) -> Rows:
        """Return the codes under keys [m] int64, all in use: [m, width], of unit length if the metric is the cosine."""
        with self.lock.read():
            return self._codes(self._positions(keys)[0])

    def distances(self, codes: Rows, keys: np.ndarray) -> np.ndarray:
        """Return the distances [n, m] of codes [n, width] to those under keys [m]; infinite for keys not in use."""
        codes = self._prepare(codes)
        distances = np.full((codes.shape[0], len(keys)), np.inf, np.float32)
        with self.lock.read():
            positions, is_known = self._positions(np.asarray(keys, np.int64))
            if is_known.any():
                distances[:, is_known] = pairwise_distances(codes, self._codes(positions[is_known]), self.metric)
        return distances

    def _positions(self, keys: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return the positions of keys [m] in `keys()`, and whether each is in use. The caller holds the lock."""
        if self._sorted_keys is None:
            stored = self.keys()
            order = np.argsort(stored)
            self._sorted_keys = stored[order], order
        stored, order = self._sorted_keys
        if not len(stored):
            return np.zeros(len(keys), np.int64), np.zeros(len(keys), bool)
        found = np.minimum(np.searchsorted(stored, keys), len(stored) - 1)
        return order[found], stored[found] == keys

    def neighbors_of(self, keys: np.ndarray, k: int) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """Yield the k nearest other items of each stored item, as `search` returns them, up to QUERY_BATCH items at a time.

        Parameters
        ----------
        keys : array of shape (m,), int64
            Keys in use.
        k : int

        Yields
        ------
        keys, distances : arrays of shape (n_items, min(k, n_stored - 1))
        """
        codes = self.codes(keys)
        size = max(1, min(QUERY_BATCH, MAX_RESULTS_PER_SEARCH // (min(k, len(self)) + 1)))
        for start in range(0, len(keys), size):
            batch = keys[start : start + size]
            found, distances = self.search(codes[start : start + size], k + 1)
            # An item with more than k copies may not find itself; then drop the last result.
            is_dropped = found == batch[:, None]
            is_dropped[~is_dropped.any(1), -1] = True
            shape = len(batch), found.shape[1] - 1
            yield found[~is_dropped].reshape(shape), distances[~is_dropped].reshape(shape)

    @property
    @abstractmethod
    def bytes_per_item(self) -> float:
        """Memory of one code in bytes, without its key."""

    @abstractmethod
    def save(self, folder: Path) -> None:
        """Write the store to a folder, which is created if it does not exist."""

    @classmethod
    @abstractmethod
    def load(cls, folder: Path, metric: Metric, width: int) -> Self:
        """Load the store saved in a folder; raise CorruptIndex if it is missing or damaged."""

    @abstractmethod
    def _add(self, keys: np.ndarray, codes: Rows) -> None:
        """Store prepared codes."""

    @abstractmethod
    def _search(self, codes: Rows, k: int) -> tuple[np.ndarray, np.ndarray]:
        """Return k nearest items, 1 <= k <= len(self), in any order: keys [Q, k] int64 and distances [Q, k] float32."""

    @abstractmethod
    def _codes(self, positions: np.ndarray) -> Rows:
        """Return the codes at positions [m] int64 of `keys()`: [m, width]."""

    @abstractmethod
    def _remove(self, keys: np.ndarray) -> None:
        """Remove the codes under the keys, if they are in use."""

    def _prepare(self, codes: Rows) -> Rows:
        """Check the shape and the values of codes, and scale them to unit length for the cosine."""
        if codes.ndim != 2 or codes.shape[1] != self.width:
            raise ShapeMismatch(f'store "{self.name}": codes', f"[N, {self.width}]", list(codes.shape))
        n_refused = int((~finite_rows(codes)).sum())
        if n_refused:
            raise InvalidParameter(
                f"cannot store {n_refused:,} of {count(codes.shape[0], 'code')}: not finite, or too large to be compared; "
                "leave them out"
            )
        if self.metric == "hamming":
            return np.ascontiguousarray(codes, np.uint8)
        if self.metric == "l2":
            return np.ascontiguousarray(codes, np.float32)
        return self._normalize(codes)

    def _normalize(self, codes: Rows) -> Rows:
        """Scale codes to unit length."""
        codes = np.ascontiguousarray(codes, np.float32)
        return codes / np.maximum(np.linalg.norm(codes, axis=1, keepdims=True), np.float32(1e-12))
