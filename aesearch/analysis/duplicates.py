"""Copies: of the same content, byte for byte; and altered ones, near in code and confirmed by their features in full."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from aesearch.analysis.neighborhoods import details, neighbors
from aesearch.arrays import is_sparse
from aesearch.search.reranking import normalize_rows
from aesearch.stores.base import NO_KEY

if TYPE_CHECKING:
    from aesearch.arrays import Rows
    from aesearch.index.retriever import Retriever
    from aesearch.index.spool import Spool

NEIGHBORS = 10
"""Items nearest to each in code that are looked at."""
THRESHOLD = 0.9
"""Likeness from which two items are taken for copies."""
BATCH = 256


@dataclass(frozen=True)
class Copies:
    """Items that are copies of each other.

    ids, paths : the items, by id.
    likeness : the least likeness by which one of them was joined to the others: the cosine of their features in full, 1 of
        the same content.
    exact : whether all have the same content.
    """

    ids: list[str]
    paths: list[str | None]
    likeness: float
    exact: bool

    def as_dict(self) -> dict[str, Any]:
        """What `aesearch duplicates --format json` prints of a group."""
        return {"exact": self.exact, "likeness": round(self.likeness, 4), "ids": self.ids, "paths": self.paths}


def duplicates(retriever: Retriever, threshold: float = THRESHOLD) -> list[Copies]:
    """The groups of copies, exact ones first, then the most alike.

    Altered copies are looked for where the files can be read again; of an index made in memory only exact copies are known,
    and of items without a checksum none.
    """
    rows = list(retriever.ledger.all_rows())
    by_key = {row.key: row for row in rows}
    groups = Groups(by_key)
    by_content = defaultdict(list)
    for row in rows:
        if row.digest is not None:
            by_content[row.digest].append(row.key)
    for same in by_content.values():
        groups.join(same[0], same[1:], 1.0)
    if retriever.record.source:
        for a, b, likeness in likely_pairs(retriever, np.array(list(by_key), np.int64)):
            if likeness >= threshold:
                groups.join(a, [b], likeness)
    found = []
    for keys, likeness in groups:
        members = sorted((by_key[key] for key in keys), key=lambda row: row.id)
        exact = members[0].digest is not None and len({row.digest for row in members}) == 1
        paths = [retriever.resolve_path(row) for row in members]
        found.append(Copies([row.id for row in members], paths, 1.0 if exact else likeness, exact))
    return sorted(found, key=lambda group: (not group.exact, -group.likeness, group.ids))


def likely_pairs(retriever: Retriever, keys: np.ndarray) -> Iterator[tuple[int, int, float]]:
    """Each pair of items of which one is among the other's nearest in code, and the likeness of the two, from -1 to 1: the
    cosine of their features in full, less the collection's mean where they are not words."""
    with details(retriever, keys) as known:
        mean = _mean(known)
        for own, near, mine, theirs, at in neighbors(retriever.store, known, NEIGHBORS):
            mine, theirs = _unit(mine, mean), _unit(theirs, mean)
            for column in range(near.shape[1]):
                there = np.flatnonzero(at[:, column] != NO_KEY)
                a, b = mine[there], theirs[at[there, column]]
                alike = (a.multiply(b) if is_sparse(a) else a * b).sum(1)
                yield from zip(own[there].tolist(), near[there, column].tolist(), alike.tolist(), strict=True)


def _mean(known: Spool) -> np.ndarray | None:
    if not len(known) or is_sparse(known.rows(np.arange(1))):
        return None
    starts = range(0, len(known), BATCH)
    parts = [np.asarray(known.rows(np.arange(at, min(at + BATCH, len(known))))).sum(0, dtype=np.float64) for at in starts]
    return np.asarray(np.sum(parts, axis=0) / len(known), np.float32)


def _unit(rows: Rows, mean: np.ndarray | None) -> Any:
    if mean is None:
        return normalize_rows(rows)
    centered = np.asarray(rows, np.float32) - mean
    return centered / np.maximum(np.linalg.norm(centered, axis=1, keepdims=True), 1e-12)


class Groups:
    """Keys that are joined two by two, and the groups that come of it (union-find, Tarjan 1975)."""

    def __init__(self, keys: Iterable[int]) -> None:
        self._above = {key: key for key in keys}
        self._likeness: dict[int, float] = {}

    def join(self, key: int, others: Iterable[int], likeness: float) -> None:
        """Puts the groups of `others` and of `key` together."""
        for other in others:
            a, b = self._top(key), self._top(other)
            if a != b:
                self._above[b] = a
                self._likeness[a] = min(likeness, self._likeness.get(a, 1.0), self._likeness.get(b, 1.0))

    def _top(self, key: int) -> int:
        while self._above[key] != key:
            self._above[key] = key = self._above[self._above[key]]
        return key

    def __iter__(self) -> Iterator[tuple[list[int], float]]:
        """The groups of two and more, each with the least likeness that holds it together."""
        members = defaultdict(list)
        for key in self._above:
            members[self._top(key)].append(key)
        return ((keys, self._likeness[top]) for top, keys in members.items() if len(keys) > 1)
