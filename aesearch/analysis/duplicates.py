"""Duplicates: items with identical content, and altered copies such as rescaled images or edited documents.

Altered images are aligned with each other, and count as duplicates if they then agree (`aesearch.search.alignment`).
Altered documents and vectors are near each other by code, and count as duplicates if their rerank features have a high
cosine.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from aesearch.analysis.image_copies import find_image_pairs
from aesearch.analysis.neighborhoods import UnreadableCallback, ignore_unreadable, iter_neighbors, spool_features
from aesearch.arrays import is_sparse
from aesearch.search.alignment import COPY_AGREEMENT
from aesearch.search.reranking import normalize_rows
from aesearch.stores.base import NO_KEY

if TYPE_CHECKING:
    from aesearch.arrays import Rows
    from aesearch.index.ledger import LedgerRow
    from aesearch.index.retriever import Retriever
    from aesearch.index.spool import Spool

N_NEIGHBORS = 10
"""Nearest neighbors by code that are candidates for duplicates of an item."""

DEFAULT_THRESHOLD = 0.9
"""Cosine similarity at which two documents or vectors count as duplicates; COPY_AGREEMENT is that of images."""

BATCH_SIZE = 256


@dataclass(frozen=True)
class DuplicateGroup:
    """Items that are duplicates of each other.

    Attributes
    ----------
    ids : list of str
        In alphabetical order.
    paths : list of str or None
        Files of the items, in the same order; None for an item created in memory.
    similarity : float
        Lowest similarity that connects the group; 1 for identical content.
    is_exact : bool
        Whether all items have identical content.
    """

    ids: list[str]
    paths: list[str | None]
    similarity: float
    is_exact: bool

    def as_dict(self) -> dict[str, Any]:
        """Return the group as `aesearch duplicates --format json` prints it."""
        return {"is_exact": self.is_exact, "similarity": round(self.similarity, 4), "ids": self.ids, "paths": self.paths}


def find_duplicates(
    retriever: Retriever,
    threshold: float | None = None,
    on_unreadable: UnreadableCallback = ignore_unreadable,
) -> list[DuplicateGroup]:
    """Return the groups of duplicates: exact ones first, then by descending similarity.

    Altered copies are found only in an index of files, which are read again. Among items created in memory, only those with
    a checksum (`Item.digest`) are compared, for identical content.

    Parameters
    ----------
    retriever : Retriever
    threshold : float, optional
        Similarity, between -1 and 1, at which two items count as duplicates: the agreement of aligned images (by default
        COPY_AGREEMENT), or the cosine of documents and vectors (by default DEFAULT_THRESHOLD). With 1, only
        identical images are found, and no image is read.
    on_unreadable : callable, optional
        Called with the number of items whose files can no longer be read, if there are any. Among these only items with
        identical content are found, because the index holds their checksums.
    """
    rows = {row.key: row for row in retriever.ledger.all_rows()}
    sets = DisjointSets(rows)
    keys_by_content = defaultdict(list)
    for row in rows.values():
        if row.digest is not None:
            keys_by_content[row.digest].append(row.key)
    for first, *copies in keys_by_content.values():
        for copy in copies:
            sets.join(first, copy, 1.0)
    is_images = retriever.kind == "images"
    minimum = (COPY_AGREEMENT if is_images else DEFAULT_THRESHOLD) if threshold is None else threshold
    if retriever.record.source and not (is_images and minimum >= 1):
        find_pairs = find_image_pairs if is_images else find_candidate_pairs
        for a, b, similarity in find_pairs(retriever, np.array(list(rows), np.int64), on_unreadable):
            if similarity >= minimum:
                sets.join(a, b, similarity)
    groups = [_make_group(retriever, [rows[key] for key in keys], similarity) for keys, similarity in sets.groups()]
    return sorted(groups, key=lambda group: (not group.is_exact, -group.similarity, group.ids))


def _make_group(retriever: Retriever, rows: Iterable[LedgerRow], similarity: float) -> DuplicateGroup:
    rows = sorted(rows, key=lambda row: row.id)
    is_exact = rows[0].digest is not None and len({row.digest for row in rows}) == 1
    paths = [retriever.resolve_path(row) for row in rows]
    return DuplicateGroup([row.id for row in rows], paths, 1.0 if is_exact else similarity, is_exact)


def find_candidate_pairs(
    retriever: Retriever, keys: np.ndarray, on_unreadable: UnreadableCallback = ignore_unreadable
) -> Iterator[tuple[int, int, float]]:
    """Yield the keys of each item and each of its nearest neighbors by code, and the similarity of the two.

    The similarity is the cosine of the rerank features, from -1 to 1. Dense features are centered first.

    Parameters
    ----------
    retriever : Retriever
    keys : array of shape (n_items,), int64
    on_unreadable : callable, optional
    """
    with spool_features(retriever, keys) as spool:
        if len(spool) < len(keys):
            on_unreadable(len(keys) - len(spool))
        mean = _mean_features(spool)
        for batch in iter_neighbors(retriever.store, spool, N_NEIGHBORS):
            features, neighbor_features = _normalize(batch.features, mean), _normalize(batch.neighbor_features, mean)
            for column in range(batch.positions.shape[1]):
                exists = np.flatnonzero(batch.positions[:, column] != NO_KEY)
                own, neighbors = features[exists], neighbor_features[batch.positions[exists, column]]
                similarities = (own.multiply(neighbors) if is_sparse(own) else own * neighbors).sum(1)
                own_keys, neighbor_keys = batch.keys[exists], batch.neighbor_keys[exists, column]
                yield from zip(own_keys.tolist(), neighbor_keys.tolist(), similarities.tolist(), strict=True)


def _mean_features(spool: Spool) -> np.ndarray | None:
    """Return the mean of dense features; None for sparse ones, which are not centered."""
    if not len(spool) or is_sparse(spool.rows(np.arange(1))):
        return None
    starts = range(0, len(spool), BATCH_SIZE)
    batches = (spool.rows(np.arange(start, min(start + BATCH_SIZE, len(spool)))) for start in starts)
    total = sum(np.asarray(batch).sum(0, dtype=np.float64) for batch in batches)
    return np.asarray(total / len(spool), np.float32)


def _normalize(rows: Rows, mean: np.ndarray | None) -> Any:
    """Subtract the mean, if there is one, and scale rows to unit length."""
    if mean is None:
        return normalize_rows(rows)
    centered = np.asarray(rows, np.float32) - mean
    return centered / np.maximum(np.linalg.norm(centered, axis=1, keepdims=True), 1e-12)


class DisjointSets:
    """Disjoint sets of keys, each with the lowest similarity that connects it (union-find; Tarjan 1975).

    Parameters
    ----------
    keys : iterable of int
        Each key starts as a set of its own.
    """

    def __init__(self, keys: Iterable[int]) -> None:
        self._parents = {key: key for key in keys}
        self._similarities: dict[int, float] = {}

    def join(self, a: int, b: int, similarity: float) -> None:
        """Merge the sets of two keys. Nothing changes if they are in the same set."""
        root, other = self._find_root(a), self._find_root(b)
        if root != other:
            self._parents[other] = root
            lowest = min(self._similarities.get(root, 1.0), self._similarities.get(other, 1.0))
            self._similarities[root] = min(similarity, lowest)

    def groups(self) -> Iterator[tuple[list[int], float]]:
        """Yield the keys of each set of two or more, and the lowest similarity that connects it."""
        members = defaultdict(list)
        for key in self._parents:
            members[self._find_root(key)].append(key)
        return ((keys, self._similarities[root]) for root, keys in members.items() if len(keys) > 1)

    def _find_root(self, key: int) -> int:
        while self._parents[key] != key:
            self._parents[key] = key = self._parents[self._parents[key]]  # path halving
        return key
