"""What questions of a whole index begin with: its codes, and every item's features beside its neighbors'."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from aesearch.arrays import is_sparse
from aesearch.errors import WrongKind
from aesearch.index.spool import Spool
from aesearch.stores.base import NO_KEY, Store

if TYPE_CHECKING:
    from aesearch.arrays import Rows
    from aesearch.index.ledger import Row
    from aesearch.index.retriever import Retriever


@dataclass(frozen=True)
class Everything:
    """The items of an index by key, and their codes as numbers that can be averaged: [N, D] float32, bits as -1 and 1."""

    rows: list[Row]
    keys: np.ndarray
    codes: np.ndarray


def everything(retriever: Retriever) -> Everything:
    """Raises WrongKind where the codes are not numbers of one size (raw words)."""
    rows = list(retriever.ledger.all_rows())
    keys = np.array([row.key for row in rows], np.int64)
    return Everything(rows, keys, as_numbers(retriever.store.codes(keys), retriever.store.metric))


def as_numbers(codes: Rows, metric: str) -> np.ndarray:
    """codes: as a store keeps them.  Returns [N, D] float32; the distance between two grows with theirs."""
    if is_sparse(codes):
        raise WrongKind('coder "raw" keeps words, of which no mean or map can be made; index with another (--coder)')
    if metric == "hamming":
        return np.unpackbits(np.asarray(codes), axis=1).astype(np.float32) * 2 - 1
    return np.asarray(codes, np.float32)


@contextmanager
def details(retriever: Retriever, keys: np.ndarray) -> Iterator[Spool]:
    """The features in full of those of the items that can be read again, under their keys, on disk."""
    with tempfile.TemporaryDirectory(prefix="aesearch-") as folder:
        spool = Spool(Path(folder))
        for found, X in retriever.reload_features(keys.tolist()):
            spool.append(np.array(found, np.int64), retriever.coder.rerank_features(X))
        yield spool
        spool.close()


def neighbors(store: Store, known: Spool, k: int) -> Iterator[tuple[np.ndarray, np.ndarray, Rows, Rows, np.ndarray]]:
    """The items of `details`, some at a time, each with its k nearest others by code.

    Yields their keys [B] and their neighbors' [B, k]; their features [B, F] and those of all these neighbors [M, F]; and
    where among the latter each neighbor is [B, k], NONE for one that could not be read.
    """
    keys = known.keys
    place = {key: number for number, key in enumerate(keys.tolist())}
    start = 0
    for near, _ in store.neighbors_of(keys, k):
        own = np.arange(start, start + len(near))
        start += len(near)
        places = np.array([[place.get(key, NO_KEY) for key in row] for row in near.tolist()])
        needed, inverse = np.unique(places[places != NO_KEY], return_inverse=True)
        at = np.full(places.shape, NO_KEY)
        at[places != NO_KEY] = inverse
        yield keys[own], near, known.rows(own), known.rows(needed), at
