"""Every item of an index beside its nearest neighbors, with the rerank features of both."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from aesearch.index.spool import Spool
from aesearch.stores.base import NO_KEY, Store

if TYPE_CHECKING:
    from aesearch.arrays import Rows
    from aesearch.index.retriever import Retriever


UnreadableCallback = Callable[[int], None]
"""Called with the number of items whose files can no longer be read, if there are any."""


def ignore_unreadable(n_items: int) -> None:
    """Do nothing. This is the default callback."""


@dataclass(frozen=True)
class NeighborBatch:
    """Some items and their nearest neighbors by code.

    Attributes
    ----------
    keys : array of shape (n_items,), int64
    neighbor_keys : array of shape (n_items, k), int64
    features : array of shape (n_items, n_features)
        Rerank features of the items.
    neighbor_features : array of shape (n_distinct_neighbors, n_features)
        Rerank features of the neighbors, each of them once.
    positions : array of shape (n_items, k), int64
        Row of each neighbor in `neighbor_features`; NO_KEY if its file could not be read.
    """

    keys: np.ndarray
    neighbor_keys: np.ndarray
    features: Rows
    neighbor_features: Rows
    positions: np.ndarray


@contextmanager
def spool_features(retriever: Retriever, keys: np.ndarray) -> Iterator[Spool]:
    """Read items again and yield their rerank features under their keys, in a temporary file.

    Items whose files can no longer be read are missing.

    Raises
    ------
    InvalidParameter
        If the items were created in memory.
    """
    with tempfile.TemporaryDirectory(prefix="aesearch-") as folder:
        spool = Spool(Path(folder))
        for batch_keys, X in retriever.reload_features(keys.tolist()):
            spool.append(np.array(batch_keys, np.int64), retriever.coder.rerank_features(X))
        yield spool
        spool.close()


def iter_neighbors(store: Store, spool: Spool, k: int) -> Iterator[NeighborBatch]:
    """Yield the spooled items, a batch at a time, with the k nearest other items of each by code."""
    keys = spool.keys
    position_of = {key: position for position, key in enumerate(keys.tolist())}
    start = 0
    for neighbor_keys, _ in store.neighbors_of(keys, k):
        own = np.arange(start, start + len(neighbor_keys))
        start += len(neighbor_keys)
        found = [position_of.get(key, NO_KEY) for key in neighbor_keys.ravel().tolist()]
        spooled = np.array(found, np.int64).reshape(neighbor_keys.shape)
        needed, inverse = np.unique(spooled[spooled != NO_KEY], return_inverse=True)
        positions = np.full(spooled.shape, NO_KEY)
        positions[spooled != NO_KEY] = inverse
        yield NeighborBatch(keys[own], neighbor_keys, spool.rows(own), spool.rows(needed), positions)
